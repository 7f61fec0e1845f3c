import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { featureMapStatistics, joinStatistics, matrixRank } from './feature-maps.ts';

describe('matrixRank', () => {
  it.each([
    ['zeros', [0, 0, 0, 0, 0, 0], 2, 3, 0],
    ['a row thrice', [1, 2, 1, 2, 1, 2], 3, 2, 1],
    ['a permutation', [0, 0, 1, 1, 0, 0, 0, 1, 0], 3, 3, 3],
    ['the sum of two others', [1, 2, 3, 4, 5, 6, 5, 7, 9], 3, 3, 2],
    ['wide', [1, 0, 5, 0, 1, 5], 2, 3, 2],
  ])('%s', (_, values, rows, columns, rank) => {
    expect(matrixRank(Float64Array.from(values), rows, columns)).toBe(rank);
  });

  it('counts the factors of a float32 product', () => {
    const random = createRandom(4);
    for (const rank of [1, 3, 7, 12]) {
      const [a, b] = [0, 1].map(() => Float64Array.from({ length: 12 * rank }, () => random.normal()));
      const product = Float32Array.from({ length: 144 }, (_, at) =>
        a.slice(0, rank).reduce((sum, _value, k) => sum + a[Math.floor(at / 12) * rank + k] * b[k * 12 + (at % 12)], 0),
      );
      expect(matrixRank(Float64Array.from(product), 12, 12)).toBe(rank);
    }
  });
});

describe('featureMapStatistics', () => {
  // Channel 0 has maps of rank 1 and 2, channel 1 of rank 0 and 1.
  const values = Float32Array.from([1, 2, 2, 4, /**/ 1, 0, 0, 3, /**/ 0, 0, 0, 0, /**/ 0, 5, 0, 0]);
  const statistics = featureMapStatistics({ channels: 2, samples: 8, values, nonNegative: true }, { height: 2, width: 2 });

  it('averages ranks over the images and counts zeros', () => {
    expect(statistics).toEqual({ meanRank: Float64Array.from([1.5, 0.5]), zeroShare: Float64Array.from([0.25, 0.875]), nonNegative: true });
  });

  it('is joined by the number of images', () => {
    const other = { ...statistics, meanRank: Float64Array.from([3, 3]), zeroShare: Float64Array.from([0, 0.5]) };
    const joined = joinStatistics([
      { statistics, images: 2 },
      { statistics: other, images: 6 },
    ]);
    expect([...joined.meanRank]).toEqual([0.25 * 1.5 + 0.75 * 3, 0.25 * 0.5 + 0.75 * 3]);
    expect([...joined.zeroShare]).toEqual([0.0625, 0.25 * 0.875 + 0.375]);
  });
});
