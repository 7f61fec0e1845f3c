import { beforeAll, describe, expect, it } from 'vitest';
import { coreAlgebra, type LinearAlgebra } from '../core/linear/algebra.ts';
import type { Rows } from '../core/linear/gram.ts';
import { createRandom } from '../core/random.ts';
import { decompose } from '../core/transfer/decomposition.ts';
import { measureLogMe } from '../core/transfer/logme.ts';
import { clusters } from '../core/transfer/testing/clusters.fixture.ts';
import { describeScores } from '../core/transfer/testing/scores.ts';
import { tensorflowAlgebra, type TensorflowBinding } from './linear-algebra.ts';
import { loadBackend } from './backend.ts';
import { tf } from './tf.ts';

let linear: LinearAlgebra;
beforeAll(async () => ({ linear } = await loadBackend('tensorflow', 2)));

function rows(count: number, size: number, seed: number): Rows & { values: Float64Array } {
  const random = createRandom(seed);
  return { count, size, values: Float64Array.from({ length: count * size }, random.normal) };
}

const single = ({ values, ...shape }: Rows): Rows => ({ ...shape, values: Float32Array.from(values) });

function largestDifference(a: Float64Array, b: Float64Array): number {
  expect(a).toHaveLength(b.length);
  return a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at])), 0);
}

describe('linear algebra of TensorFlow', () => {
  it('multiplies as core does, in float64 or in float32', () => {
    const [a, b] = [rows(70, 45, 1), rows(33, 45, 2)];
    for (const [wide, tolerance] of [
      [(x: Rows) => x, 1e-12],
      [single, 1e-4],
    ] as const) {
      expect(largestDifference(linear.gramOfRows(wide(a)), coreAlgebra.gramOfRows(a))).toBeLessThan(tolerance);
      expect(largestDifference(linear.gramOfColumns(wide(a)), coreAlgebra.gramOfColumns(a))).toBeLessThan(tolerance);
      expect(largestDifference(linear.products(wide(a), wide(b)), coreAlgebra.products(a, b))).toBeLessThan(tolerance);
    }
    expect(largestDifference(linear.products(single(a), b), coreAlgebra.products(a, b))).toBeLessThan(1e-4);
    expect(largestDifference(linear.gramOfRows(single(a)), coreAlgebra.gramOfRows(a))).toBeGreaterThan(1e-9);
  });

  it('reads values that lie within a larger array', () => {
    const whole = rows(80, 45, 3);
    const part = { count: 70, size: 45, values: whole.values.subarray(10 * 45) };
    expect(largestDifference(linear.gramOfRows(part), coreAlgebra.gramOfRows(part))).toBeLessThan(1e-12);
  });

  it('takes symmetric matrices apart, largest eigenvalue first', () => {
    const n = 60;
    const matrix = coreAlgebra.gramOfColumns(rows(40, n, 4));
    for (const [given, tolerance, epsilon] of [
      [matrix, 1e-11, Number.EPSILON],
      [Float32Array.from(matrix), 1e-3, 2 ** -23],
    ] as const) {
      const { values, vectors, epsilon: said } = linear.eigen(given, n);
      expect(said).toBe(epsilon);
      expect(largestDifference(values, coreAlgebra.eigen(matrix, n).values)).toBeLessThan(tolerance);
      const scaled = vectors.map((value, at) => value * Math.sqrt(Math.max(0, values[Math.floor(at / n)])));
      expect(largestDifference(coreAlgebra.gramOfColumns({ count: n, size: n, values: scaled }), matrix)).toBeLessThan(tolerance);
    }
  });

  it('solves positive definite systems and knows their determinant', () => {
    const n = 50;
    const matrix = coreAlgebra.gramOfColumns(rows(70, n, 5));
    const right = rows(n, 4, 6).values;
    const [expected, actual] = [coreAlgebra.solve(matrix, n, right, 4), linear.solve(matrix, n, right, 4)];
    expect(largestDifference(actual.solution, expected.solution)).toBeLessThan(1e-9);
    expect(actual.logDeterminant).toBeCloseTo(expected.logDeterminant, 9);
  });

  it('releases what it held, also when TensorFlow refuses', () => {
    const { binding } = tf.backend() as unknown as { binding: TensorflowBinding & { getNumOfTensors(): number } };
    const before = binding.getNumOfTensors();
    const always = tensorflowAlgebra(binding, coreAlgebra);
    always.eigen(coreAlgebra.gramOfColumns(rows(40, 40, 7)), 40);
    const negative = new Float64Array(40 * 40);
    for (let i = 0; i < 40; i++) negative[i * 41] = -1;
    expect(() => always.solve(negative, 40, new Float64Array(40), 1)).toThrow('not positive definite');
    expect(() => always.products(rows(40, 40, 1), rows(40, 39, 1))).toThrow(/matrix/i);
    expect(binding.getNumOfTensors()).toBe(before);
  });
});

describe('scores by linear algebra of TensorFlow', () => describeScores(() => linear));

it('LogME comes out of float32, above 1,024 a side, as it does of float64', () => {
  const [count, dimensions] = [1100, 300];
  const { features, labels, classes } = clusters(count, dimensions, 1);
  // Dead dimensions change nothing but the side, and with it the precision.
  const padded = new Float32Array(count * count);
  for (let image = 0; image < count; image++) {
    padded.set(features.values.subarray(image * dimensions, (image + 1) * dimensions), image * count);
  }
  const double = decompose(features, labels, classes, linear);
  const single = decompose({ dimensions: count, values: padded }, labels, classes, linear);
  expect([double.epsilon, single.epsilon]).toEqual([Number.EPSILON, 2 ** -23]);
  expect(single.sigma).toHaveLength(dimensions);
  expect(measureLogMe(single).value).toBeCloseTo(measureLogMe(double).value, 4);
});
