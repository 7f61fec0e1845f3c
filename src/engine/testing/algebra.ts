import { describe, expect, it } from 'vitest';
import type { LinearAlgebra } from '../../core/linear/algebra.ts';
import type { Rows } from '../../core/linear/gram.ts';
import { referenceAlgebra } from '../../core/linear/testing/reference.fixture.ts';
import { createRandom } from '../../core/random.ts';
import { decompose } from '../../core/transfer/decomposition.ts';
import { measureLogMe } from '../../core/transfer/logme.ts';
import { clusters } from '../../core/transfer/testing/clusters.fixture.ts';
import { describeScores } from '../../core/transfer/testing/scores.ts';

export function rows(count: number, size: number, seed: number): Rows & { values: Float64Array } {
  const random = createRandom(seed);
  return { count, size, values: Float64Array.from({ length: count * size }, random.normal) };
}

const single = ({ values, ...shape }: Rows): Rows => ({ ...shape, values: Float32Array.from(values) });

function largestDifference(a: Float64Array, b: Float64Array): number {
  expect(a).toHaveLength(b.length);
  return a.reduce((most, value, at) => Math.max(most, Math.abs(value - b[at])), 0);
}

/** What the linear algebra of any backend has to do as the reference does it. */
export function describeAlgebra(backend: string, linear: () => LinearAlgebra): void {
  describe(`linear algebra of ${backend}`, () => {
    it('multiplies as the reference does, in float64 or in float32', () => {
      const [a, b] = [rows(70, 45, 1), rows(33, 45, 2)];
      for (const [wide, tolerance] of [
        [(x: Rows) => x, 1e-12],
        [single, 1e-4],
      ] as const) {
        expect(largestDifference(linear().gramOfRows(wide(a)), referenceAlgebra.gramOfRows(a))).toBeLessThan(tolerance);
        expect(largestDifference(linear().gramOfColumns(wide(a)), referenceAlgebra.gramOfColumns(a))).toBeLessThan(tolerance);
        expect(largestDifference(linear().products(wide(a), wide(b)), referenceAlgebra.products(a, b))).toBeLessThan(tolerance);
      }
      expect(largestDifference(linear().products(single(a), b), referenceAlgebra.products(a, b))).toBeLessThan(1e-4);
    });

    it('reads values that lie within a larger array', () => {
      const whole = rows(80, 45, 3);
      const part = { count: 70, size: 45, values: whole.values.subarray(10 * 45) };
      expect(largestDifference(linear().gramOfRows(part), referenceAlgebra.gramOfRows(part))).toBeLessThan(1e-12);
      const ofSingle = { ...part, values: Float32Array.from(whole.values).subarray(10 * 45) };
      expect(largestDifference(linear().gramOfRows(ofSingle), referenceAlgebra.gramOfRows(part))).toBeLessThan(1e-4);
    });

    it('takes symmetric matrices apart, largest eigenvalue first', () => {
      const n = 60;
      const matrix = referenceAlgebra.gramOfColumns(rows(40, n, 4));
      for (const [given, tolerance, epsilon] of [
        [matrix, 1e-11, Number.EPSILON],
        [Float32Array.from(matrix), 1e-3, 2 ** -23],
      ] as const) {
        const { values, vectors, epsilon: said } = linear().eigen(given, n);
        expect(said).toBe(epsilon);
        expect(largestDifference(values, referenceAlgebra.eigen(matrix, n).values)).toBeLessThan(tolerance);
        const scaled = vectors.map((value, at) => value * Math.sqrt(Math.max(0, values[Math.floor(at / n)])));
        expect(largestDifference(referenceAlgebra.gramOfColumns({ count: n, size: n, values: scaled }), matrix)).toBeLessThan(tolerance);
      }
    });

    it('finds the rank of features that are mostly dead', () => {
      const [n, rank] = [160, 3];
      const { values: factors } = rows(rank, n, 8);
      for (let at = 0; at < factors.length; at++) if ((at % n) % 2 === 0) factors[at] = 0;
      const { values } = linear().eigen(referenceAlgebra.gramOfColumns({ count: rank, size: n, values: factors }), n);
      expect(values.every(Number.isFinite)).toBe(true);
      expect(values.filter((value) => value > 1e-10 * values[0])).toHaveLength(rank);
    });

    it('solves positive definite systems and knows their determinant', () => {
      const n = 50;
      const matrix = referenceAlgebra.gramOfColumns(rows(70, n, 5));
      const right = rows(n, 4, 6).values;
      const [expected, actual] = [referenceAlgebra.solve(matrix, n, right, 4), linear().solve(matrix, n, right, 4)];
      expect(largestDifference(actual.solution, expected.solution)).toBeLessThan(1e-9);
      expect(actual.logDeterminant).toBeCloseTo(expected.logDeterminant, 9);
      // As a product of a matrix with itself may be.
      const rounded = matrix.map((value, at) => value * (1 + (at % 7) * Number.EPSILON));
      expect(largestDifference(linear().solve(rounded, n, right, 4).solution, expected.solution)).toBeLessThan(1e-9);
      expect(() =>
        linear().solve(
          matrix.map((value) => -value),
          n,
          right,
          4,
        ),
      ).toThrow('not positive definite');
    });
  });

  describe(`scores by linear algebra of ${backend}`, () => {
    describeScores(linear);

    it('LogME comes out of float32 as it does of float64', () => {
      const [count, dimensions] = [600, 200];
      const { features, labels, classes } = clusters(count, dimensions, 1);
      // Dead dimensions change nothing but the side, and with it the precision.
      const padded = new Float32Array(count * count);
      for (let image = 0; image < count; image++) {
        padded.set(features.values.subarray(image * dimensions, (image + 1) * dimensions), image * count);
      }
      const inDouble = decompose(features, labels, classes, linear());
      const inSingle = decompose({ dimensions: count, values: padded }, labels, classes, linear());
      expect([inDouble.epsilon, inSingle.epsilon]).toEqual([Number.EPSILON, 2 ** -23]);
      expect(inSingle.sigma).toHaveLength(dimensions);
      expect(measureLogMe(inSingle).value).toBeCloseTo(measureLogMe(inDouble).value, 4);
    });
  });
}
