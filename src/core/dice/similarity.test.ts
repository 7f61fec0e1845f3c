import { describe, expect, it } from 'vitest';
import * as fc from 'fast-check';
import { formulaKernels } from './golden.fixture.ts';
import { algorithm1 } from './select.ts';
import { averageSimilarity, type KernelMatrix, similarityMatrix } from './similarity.ts';
import { groupSimilarity } from './group-similarity.fixture.ts';

const matrix = (rows: number[][]): KernelMatrix => ({ count: rows.length, size: rows[0].length, values: Float64Array.from(rows.flat()) });

/** Equations 1–3 as they are written, one pair at a time. */
function pairByDefinition({ size, values }: KernelMatrix, i: number, j: number): number {
  const row = (r: number): number[] => {
    const w = Array.from(values.subarray(r * size, (r + 1) * size));
    const largest = Math.max(...w.map(Math.abs)) || 1;
    return w.map((value) => (value / largest + 1) / 2);
  };
  const [a, b] = [row(i), row(j)];
  const total = [...a, ...b].reduce((x, y) => x + y, 0);
  return total === 0 ? 1 : (2 * a.reduce((sum, value, k) => sum + Math.min(value, b[k]), 0)) / total;
}

// Made with scipy's Bray–Curtis distance in float64.
const golden = [
  {
    count: 12,
    size: 27,
    s: [0.580625504, 0.574937029],
    sAvg: [0.593962279, 0.587249345, 0.57544296, 0.568803324],
    tau: [0.561658448, 0.582821951],
    removed: [0, 1, 6],
  },
  {
    count: 64,
    size: 576,
    s: [0.596426713, 0.593354612],
    sAvg: [0.596623287, 0.596704516, 0.596720622, 0.596880255],
    tau: [0.595072138, 0.596815509],
    removed: [3, 4, 6, 10, 14, 15, 16, 24, 26, 27, 29, 30, 31, 32, 49, 63],
  },
];

describe('similarityMatrix and algorithm1', () => {
  for (const { count, size, s, sAvg, tau, removed } of golden) {
    it(`give the golden values of ${count} × ${size}`, () => {
      const similarity = similarityMatrix(formulaKernels(count, size), { rescale: true });
      expect(similarity[1]).toBeCloseTo(s[0], 9);
      expect(similarity[count - 1]).toBeCloseTo(s[1], 9);
      const averages = averageSimilarity(similarity, count);
      sAvg.forEach((value, i) => expect(averages[i]).toBeCloseTo(value, 9));
      const selection = algorithm1(averages, { ratio: 0.25 });
      expect(selection.tauMin).toBeCloseTo(tau[0], 9);
      expect(selection.tauMax).toBeCloseTo(tau[1], 9);
      expect(selection.removed).toEqual(removed);
    });
  }

  it('gives the golden values of ReLU activations without rescaling', () => {
    const { count, size, values } = formulaKernels(12, 27);
    const similarity = similarityMatrix({ count, size, values: values.map((v) => Math.max(v, 0)) }, { rescale: false });
    expect(similarity[1]).toBeCloseTo(0.379245649, 9);
    const averages = averageSimilarity(similarity, count);
    [0.377359321, 0.370332594, 0.349623165].forEach((value, i) => expect(averages[i]).toBeCloseTo(value, 9));
    expect(1 - averages.reduce((a, b) => a + b, 0) / count).toBeCloseTo(0.654997731, 9);
  });
});

describe('similarityMatrix', () => {
  it('is what the equations say for any kernels: symmetric, in [0, 1], blind to a kernel’s scale', () => {
    const kernels = fc.tuple(fc.integer({ min: 1, max: 11 }), fc.integer({ min: 1, max: 13 })).chain(([count, size]) =>
      fc.array(fc.array(fc.oneof(fc.constant(0), fc.double({ min: -9, max: 9, noNaN: true })), { minLength: size, maxLength: size }), {
        minLength: count,
        maxLength: count,
      }),
    );
    fc.assert(
      fc.property(kernels, fc.double({ min: 0.01, max: 100, noNaN: true }), (rows, scale) => {
        const kernelMatrix = matrix(rows);
        const n = rows.length;
        const similarity = similarityMatrix(kernelMatrix, { rescale: true });
        const scaled = similarityMatrix(matrix(rows.map((row) => row.map((v) => v * scale))), { rescale: true });
        for (let i = 0; i < n; i++) {
          expect(similarity[i * n + i]).toBe(1);
          for (let j = 0; j < i; j++) {
            const value = similarity[i * n + j];
            expect(value).toBeCloseTo(pairByDefinition(kernelMatrix, i, j), 10);
            expect(value).toBe(similarity[j * n + i]);
            expect(value).toBeGreaterThanOrEqual(-1e-12);
            expect(value).toBeLessThanOrEqual(1);
            if (scale > 0.1 && rows.flat().every((v) => v === 0 || Math.abs(v) > 1e-200)) {
              expect(scaled[i * n + j]).toBeCloseTo(value, 9);
            }
          }
        }
      }),
      { numRuns: 200 },
    );
  });

  it('treats dead channels as equal to each other and unlike live ones', () => {
    const dead = similarityMatrix(
      matrix([
        [0, 0],
        [0, 0],
        [1, 0.5],
      ]),
      { rescale: false },
    );
    expect([...dead]).toEqual([1, 1, 0, 1, 1, 0, 0, 0, 1]);
  });

  it('gives one to kernels that rescaling leaves without mass', () => {
    expect([
      ...similarityMatrix(
        matrix([
          [-2, -2],
          [-3, -3],
        ]),
        { rescale: true },
      ),
    ]).toEqual([1, 1, 1, 1]);
  });

  it('has no average for a single kernel', () => {
    expect(averageSimilarity(similarityMatrix(matrix([[1, 2]]), { rescale: true }), 1)[0]).toBeNaN();
  });
});

describe('groupSimilarity', () => {
  it('is the plain similarity for one producer', () => {
    const kernels = formulaKernels(12, 27);
    expect(groupSimilarity([kernels])).toEqual(similarityMatrix(kernels, { rescale: true }));
  });

  it('skips the rescaling where a matrix says so', () => {
    const { count, size, values } = formulaKernels(12, 27);
    const activations = { count, size, values: values.map((v) => Math.max(v, 0)), rescale: false };
    expect(groupSimilarity([activations])).toEqual(similarityMatrix(activations, { rescale: false }));
  });

  it('weighs producers by their mass and normalises each by itself', () => {
    const a = [
      [1, -0.5, 0.25],
      [0.2, 0.4, -0.4],
    ];
    const b = [
      [10, 30],
      [-20, 5],
    ];
    const half = (rows: number[][]): number[][] => rows.map((row) => row.map((v) => (v / Math.max(...row.map(Math.abs)) + 1) / 2));
    const [x, y] = half(a).map((row, i) => [...row, ...half(b)[i]]);
    const expected = (2 * x.reduce((sum, v, k) => sum + Math.min(v, y[k]), 0)) / [...x, ...y].reduce((p, q) => p + q, 0);
    const similarity = groupSimilarity([matrix(a), matrix(b)]);
    expect(similarity[1]).toBeCloseTo(expected, 12);
    expect(similarity).toEqual(groupSimilarity([matrix(a), matrix(b.map((row) => row.map((v) => v * 7)))]));
  });
});

describe('algorithm1', () => {
  it('takes the most extreme first, up to the floor of ratio · N', () => {
    const { order, removed } = algorithm1([0.5, 0.9, 0.5, 0.2, 0.6, 0.4, 0.5, 0.1], { ratio: 0.3 });
    expect(order).toEqual([1, 7]);
    expect(removed).toEqual([1, 7]);
  });

  it('breaks ties by the lower index, also when equal sums round differently', () => {
    expect(algorithm1([0.9, 0.5, 0.5, 0.5, 0.9 + Number.EPSILON, 0.5], { ratio: 0.2, alpha: 0, beta: 0.7 }).removed).toEqual([0]);
    expect(algorithm1([0.9 + Number.EPSILON, 0.5, 0.5, 0.5, 0.9, 0.5], { ratio: 0.2, alpha: 0, beta: 0.7 }).removed).toEqual([0]);
  });

  it('removes nothing from kernels that are all alike or at ratio 0', () => {
    expect(algorithm1([0.5, 0.5, 0.5, 0.5], { ratio: 0.5 }).removed).toEqual([]);
    expect(algorithm1([0.1, 0.5, 0.6, 0.7], { ratio: 0 }).removed).toEqual([]);
  });

  it('never loses a kernel to binary fractions', () => {
    const spread = Array.from({ length: 100 }, (_, i) => i);
    expect(algorithm1(spread, { ratio: 0.29 }).removed).toHaveLength(29);
  });

  it('takes explicit quantiles, and still limits by the ratio', () => {
    const spread = Array.from({ length: 10 }, (_, i) => i);
    expect(algorithm1(spread, { ratio: 0.5, alpha: 0, beta: 0.7 }).removed).toEqual([7, 8, 9]);
    expect(algorithm1(spread, { ratio: 0.1, alpha: 0, beta: 0.7 }).removed).toEqual([9]);
  });

  it('refuses ratios and quantiles out of range by name', () => {
    for (const ratio of [1, 1.5, -0.1, Number.NaN]) {
      expect(() => algorithm1([1, 2], { ratio })).toThrow(expect.objectContaining({ code: 'invalid-request', field: 'ratio' }));
    }
    expect(() => algorithm1([1, 2], { ratio: 0.5, alpha: 0.8, beta: 0.2 })).toThrow(expect.objectContaining({ field: 'beta' }));
    expect(() => algorithm1([1, 2], { ratio: 0.5, alpha: -1 })).toThrow(expect.objectContaining({ field: 'alpha' }));
  });
});
