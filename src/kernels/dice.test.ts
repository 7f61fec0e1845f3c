import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import * as fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { type Compare, compareKernels, type KernelMatrix, pairsOf } from '../core/dice/index.ts';
import { formulaKernels } from '../core/dice/golden.fixture.ts';
import { createRandom } from '../core/random.ts';
import { openDiceKernels } from './dice.ts';

const kernels = openDiceKernels({ threads: 2 });
afterAll(() => kernels.close());

function randomMatrix(count: number, size: number, seed: number): KernelMatrix {
  const random = createRandom(seed);
  return { count, size, values: Float32Array.from({ length: count * size }, random.normal) };
}

type Options = Parameters<Compare>[1];

/** Calls back with each value of both, S and S_avg, of the pair of comparisons. */
function eachOf(fast: Compare, matrix: KernelMatrix, options: Options, visit: (value: number, expected: number) => void): void {
  const reference = compareKernels(matrix, options);
  const own = fast(matrix, options);
  for (const key of ['triangle', 'averages'] as const) {
    expect(own[key]).toHaveLength(reference[key].length);
    // One kernel has no average.
    if (matrix.count > 1) own[key].forEach((value, at) => visit(value, reference[key][at]));
  }
}

/** Largest difference between the kernel's and core/dice's similarity. */
function worstDifference(matrix: KernelMatrix, options: Options): number {
  let worst = 0;
  eachOf(kernels.compare, matrix, options, (value, expected) => {
    const difference = Math.abs(value - expected);
    worst = difference <= worst ? worst : difference;
  });
  return worst;
}

/** Mean of the values after equations 1 and 2, of the row that has least. */
function smallestMean({ count, size, values }: KernelMatrix, rescale: boolean): number {
  const means = Array.from({ length: count }, (_, row) => {
    const own = Array.from(values.subarray(row * size, (row + 1) * size));
    const largest = Math.max(...own.map(Math.abs)) || 1;
    return own.reduce((sum, value) => sum + (rescale ? (value / largest + 1) / 2 : value / largest), 0) / size;
  });
  return Math.min(...means);
}

describe('the SIMD kernel against core/dice', () => {
  for (const [count, size] of [
    [1, 1],
    [1, 9],
    [2, 3],
    [5, 4],
    [7, 257],
    [64, 576],
    [130, 1027],
    [48, 4608],
  ]) {
    it(`agrees on random ${count} × ${size}`, () => {
      const matrix = randomMatrix(count, size, count + size);
      expect(worstDifference(matrix, { rescale: true })).toBeLessThan(1e-6);
      expect(worstDifference({ ...matrix, values: matrix.values.map((value) => Math.max(0, value)) }, { rescale: false })).toBeLessThan(
        1e-6,
      );
    });
  }

  it('gives the golden values', () => {
    for (const [count, size, first, last, averages] of [
      [12, 27, 0.580625504, 0.574937029, [0.593962279, 0.587249345, 0.57544296, 0.568803324]],
      [64, 576, 0.596426713, 0.593354612, [0.596623287, 0.596704516, 0.596720622, 0.596880255]],
    ] as const) {
      const { triangle, averages: own } = kernels.compare(formulaKernels(count, size), { rescale: true });
      expect(Math.abs(triangle[pairsOf(1)] - first)).toBeLessThan(1e-7);
      expect(Math.abs(triangle[pairsOf(count - 1)] - last)).toBeLessThan(1e-7);
      averages.forEach((value, i) => expect(Math.abs(own[i] - value)).toBeLessThan(3e-8));
    }
  });

  it('compares a range of columns under the normalisation of whole rows', () => {
    for (const [from, to] of [
      [0, 64],
      [3, 10],
      [90, 103],
      [102, 103],
    ]) {
      const matrix = randomMatrix(9, 103, from);
      expect(worstDifference(matrix, { rescale: true, columns: { from, to } })).toBeLessThan(1e-6);
    }
  });

  it('agrees on small adversarial matrices: zeros, equal rows, huge and tiny values, one sign', () => {
    const value = fc.oneof(fc.constantFrom(0, 1, -1, 1e-30, -1e-30, 3e38, -3e38, 1e-45), fc.float({ min: -8, max: 8, noNaN: true }));
    const matrices = fc
      .tuple(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 11 }))
      .chain(([count, size]) =>
        fc
          .array(value, { minLength: count * size, maxLength: count * size })
          .map((values): KernelMatrix => ({ count, size, values: Float32Array.from(values) })),
      );
    fc.assert(
      fc.property(matrices, (matrix) => {
        expect(worstDifference(matrix, { rescale: true })).toBeLessThan(1e-6);
        expect(worstDifference({ ...matrix, values: matrix.values.map(Math.abs) }, { rescale: false })).toBeLessThan(1e-6);
      }),
      { numRuns: 150 },
    );
  });

  it('keeps the bound of eight bits, and is exact where the values are 254ths', () => {
    for (const [count, size] of [
      [1, 1],
      [2, 3],
      [5, 16],
      [7, 257],
      [64, 576],
      [33, 2049],
      [12, 4608],
    ]) {
      const matrix = randomMatrix(count, size, count * size);
      const positive = { ...matrix, values: matrix.values.map(Math.abs) };
      for (const [values, rescale] of [
        [matrix, true],
        [positive, false],
      ] as const) {
        const bound = 1 / (508 * smallestMean(values, rescale));
        eachOf(kernels.compareQuantised, values, { rescale }, (value, expected) =>
          expect(Math.abs(value - expected)).toBeLessThanOrEqual(bound + 1e-9),
        );
      }
    }
    const random = createRandom(8);
    const values = Float32Array.from({ length: 6 * 300 }, (_, at) => (at % 300 === 0 ? 254 : random.integer(255)));
    eachOf(kernels.compareQuantised, { count: 6, size: 300, values }, { rescale: false }, (value, expected) =>
      expect(value).toBeCloseTo(expected, 12),
    );
  });

  it('is exactly 1 for copies and between the dead, 0 between dead and live', () => {
    const matrix = randomMatrix(6, 30, 1);
    matrix.values.copyWithin(30, 0, 30);
    matrix.values.fill(0, 60, 120);
    for (const compare of [kernels.compare, kernels.compareQuantised]) {
      const { triangle } = compare({ ...matrix, values: matrix.values.map(Math.abs) }, { rescale: false });
      expect(triangle[pairsOf(1)]).toBe(1);
      expect(triangle[pairsOf(3) + 2]).toBe(1);
      expect(triangle[pairsOf(4) + 2]).toBe(0);
    }
  });

  it('shares the work with its helper, and says the same to the last bit alone', () => {
    const matrix = randomMatrix(512, 1024, 3);
    const alone = openDiceKernels({ threads: 1 });
    const expected = alone.compare(matrix, { rescale: true });
    expect(alone.helped).toBe(0);
    // A helper may sleep through one job while it starts or while others use the machine, not through all of these.
    const before = kernels.helped;
    for (let run = 0; run < 200 && kernels.helped === before; run++) kernels.compare(matrix, { rescale: true });
    expect(kernels.helped).toBeGreaterThan(before);
    const { triangle, averages } = kernels.compare(matrix, { rescale: true });
    expect(triangle.every((value, at) => value === expected.triangle[at])).toBe(true);
    expect([...averages]).toEqual([...expected.averages]);
  });

  it('is compiled from its source, byte for byte', () => {
    const script = fileURLToPath(new URL('../../scripts/build-kernels.mjs', import.meta.url));
    expect(() => execFileSync(process.execPath, [script, '--check'])).not.toThrow();
  });
});
