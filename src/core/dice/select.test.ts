import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { quantile } from '../stats/quantile.ts';
import { algorithm1, greedy, representatives } from './select.ts';
import { averageSimilarity, similarityMatrix } from './similarity.ts';

/** A symmetric matrix with ones on its diagonal from the entries below it, row by row. */
function symmetric(...below: number[][]): Float64Array {
  const count = below.length + 1;
  const matrix = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    matrix[i * count + i] = 1;
    for (let j = 0; j < i; j++) matrix[i * count + j] = matrix[j * count + i] = below[i - 1][j];
  }
  return matrix;
}

/** §3.2 word for word: S_avg and both quantiles of the kernels that are left, from their own matrix at every step. */
function literalGreedy(similarity: Float64Array, count: number, ratio: number): number[] {
  let left = Array.from({ length: count }, (_, i) => i);
  const order: number[] = [];
  while (order.length < Math.floor(ratio * count + 1e-9)) {
    const own = Float64Array.from(left.flatMap((i) => left.map((j) => similarity[i * count + j])));
    const sAvg = [...averageSimilarity(own, left.length)];
    const [tauMin, tauMax] = [quantile(sAvg, ratio / 2), quantile(sAvg, 1 - ratio / 2)];
    const outside = sAvg.map((value) => Math.max(tauMin - value, value - tauMax));
    const most = Math.max(...outside);
    if (most <= 1e-11) break;
    const leaving = left[outside.findIndex((value) => value >= most - 1e-11)];
    order.push(leaving);
    left = left.filter((i) => i !== leaving);
  }
  return order;
}

describe('greedy', () => {
  it('recomputes what is left: of a redundant pair only one leaves', () => {
    // S_avg is 0.5, 0.5, 0.3, 0.3 and τmax 0.4: both of the pair 0, 1 are above. Without 0, kernel 1 is like the others.
    const similarity = symmetric([0.9], [0.3, 0.3], [0.3, 0.3, 0.3]);
    const options = { ratio: 0.5, alpha: 0, beta: 0.5 };
    expect(algorithm1(averageSimilarity(similarity, 4), options).removed).toEqual([0, 1]);
    expect(greedy(similarity, 4, options)).toEqual([0]);
  });

  it('is the literal recomputation', () => {
    const layer = fc.record({ count: fc.integer({ min: 2, max: 24 }), seed: fc.nat(), ratio: fc.constantFrom(0.1, 0.3, 0.5, 0.9) });
    fc.assert(
      fc.property(layer, ({ count, seed, ratio }) => {
        const random = createRandom(seed);
        const values = Float32Array.from({ length: count * 9 }, () => random.normal());
        const similarity = similarityMatrix({ count, size: 9, values }, { rescale: true });
        expect(greedy(similarity, count, { ratio })).toEqual(literalGreedy(similarity, count, ratio));
      }),
      { numRuns: 200, seed: 3 },
    );
  });

  it('refuses a ratio of 1', () => {
    expect(() => greedy(symmetric([0.5]), 2, { ratio: 1 })).toThrow('not possible');
  });
});

describe('representatives', () => {
  // Kernels 0, 1, 2 are a chain (0–1 and 1–2 alike, 0–2 less so), 3 and 4 a pair, 5 stands alone.
  const similarity = symmetric([0.9], [0.5, 0.8], [0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.7], [0.2, 0.2, 0.2, 0.2, 0.2]);
  const leaving = representatives(similarity, 6);

  it('keeps the medoid of each group, however the group is joined', () => {
    expect(leaving(0)).toEqual([]);
    // One group {0, 1}: equally good medoids, the lower index stays.
    expect(leaving(1 / 6)).toEqual([1]);
    // {0, 1, 2}: 1 is the medoid (0.9 + 0.8 against 0.9 + 0.5 and 0.5 + 0.8); 0 is the more similar to it.
    expect(leaving(2 / 6)).toEqual([0, 2]);
    expect(leaving(3 / 6)).toEqual([0, 2, 4]);
  });

  it('takes as many as are asked, and never all', () => {
    for (const ratio of [0.1, 0.4, 0.7, 0.99]) expect(leaving(ratio)).toHaveLength(Math.floor(6 * ratio));
  });

  it('joins groups as a threshold on S does', () => {
    const random = createRandom(5);
    const count = 20;
    const values = Float32Array.from({ length: count * 4 }, () => random.normal());
    const S = similarityMatrix({ count, size: 4, values }, { rescale: true });
    const of = representatives(S, count);
    for (let left = 1; left < 9; left++) {
      const gone = new Set(of(left / count));
      expect(gone.size).toBe(left);
      // The smallest threshold at which the graph S > threshold has this many components fewer than kernels.
      const pairs = [...new Set(S)].sort((a, b) => b - a);
      const threshold = pairs.find((value) => count - components(S, count, value).length >= left) ?? 0;
      for (const component of components(S, count, threshold)) expect(component.filter((i) => !gone.has(i))).toHaveLength(1);
    }
  });
});

function components(similarity: Float64Array, count: number, least: number): number[][] {
  const found: number[][] = [];
  const seen = new Set<number>();
  for (let start = 0; start < count; start++) {
    if (seen.has(start)) continue;
    const component: number[] = [start];
    seen.add(start);
    for (const i of component) {
      for (let j = 0; j < count; j++) {
        if (seen.has(j) || similarity[i * count + j] < least) continue;
        component.push(j);
        seen.add(j);
      }
    }
    found.push(component);
  }
  return found;
}
