import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { goldenCase } from './golden.fixture.ts';
import { parc } from './parc.ts';
import { gbc, hScore, regularisedHScore, transRate } from './separation.ts';
import { sfda } from './sfda.ts';
import { leep, nce } from './source-head.ts';

// METHOD.md §7, but for PARC: its 39.525348 and 66.389267 come from numpy's 1 − corrcoef of the one-hot labels, where pairs
// of one class lie at 0 or at 2e-16 depending on the class, so that Spearman's ranks split what is a tie. scipy's spearmanr
// with those distances rounded to 12 digits gives the values here.
const golden = [
  {
    count: 24,
    dimensions: 4,
    leep: -0.980381,
    nce: -0.581253,
    h: 1.395052,
    regularised: 0.669823,
    rate: 2.754034,
    spherical: -3.158284,
    diagonal: -1.096476,
    parc: 39.749915,
    sfda: 0.783478,
  },
  {
    count: 9,
    dimensions: 12,
    leep: -0.949224,
    nce: 0,
    h: 2,
    regularised: 0.572326,
    rate: 19.690497,
    spherical: -0.565935,
    diagonal: 0,
    parc: 67.618685,
    sfda: 1,
  },
];

describe('transfer scores', () => {
  for (const expected of golden) {
    it(`give the golden values of ${expected.count} × ${expected.dimensions}`, () => {
      const { features, labels, source } = goldenCase(expected.count, expected.dimensions);
      const head = { sourceClasses: expected.dimensions, values: source };
      expect(leep(head, labels, 3)).toBeCloseTo(expected.leep, 6);
      expect(nce(head, labels, 3)).toBeCloseTo(expected.nce, 6);
      expect(hScore(features, labels, 3)).toBeCloseTo(expected.h, 6);
      expect(regularisedHScore(features, labels, 3)).toBeCloseTo(expected.regularised, 6);
      expect(transRate(features, labels, 3)).toBeCloseTo(expected.rate, 5);
      expect(gbc(features, labels, 3, 'spherical')).toBeCloseTo(expected.spherical, 6);
      expect(gbc(features, labels, 3, 'diagonal')).toBeCloseTo(expected.diagonal, 6);
      expect(parc(features, labels, 3, null)).toBeCloseTo(expected.parc, 6);
      expect(sfda(features, labels, 3)).toBeCloseTo(expected.sfda, 6);
    });
  }

  it('LEEP guards source classes without mass', () => {
    const { labels, source } = goldenCase(24, 4);
    const padded = new Float64Array(24 * 5);
    for (let image = 0; image < 24; image++) padded.set(source.subarray(image * 4, image * 4 + 4), image * 5);
    expect(leep({ sourceClasses: 5, values: padded }, labels, 3)).toBe(leep({ sourceClasses: 4, values: source }, labels, 3));
  });

  it('PARC keeps its value on as many principal components as carry the features, from either Gram matrix', () => {
    const random = createRandom(6);
    const rank = 3;
    for (const [count, dimensions] of [
      [40, 8],
      [12, 30],
    ]) {
      const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
      const coordinates = Float64Array.from({ length: count * rank }, random.normal);
      const basis = Float64Array.from({ length: rank * dimensions }, random.normal);
      const values = Float64Array.from({ length: count * dimensions }, (_, at) => {
        const [image, d] = [Math.floor(at / dimensions), at % dimensions];
        return coordinates.subarray(image * rank, (image + 1) * rank).reduce((sum, x, k) => sum + x * basis[k * dimensions + d], 0);
      });
      const wide = parc({ dimensions, values }, labels, 3, rank);
      // Moving and mirroring the features changes nothing that principal components see.
      const moved = values.map((value) => 5 - value);
      expect(parc({ dimensions, values: moved }, labels, 3, rank)).toBeCloseTo(wide, 6);
      // Dimensions that repeat others only stretch the components, which are standardised afterwards.
      const twice = Float64Array.from(
        { length: 2 * values.length },
        (_, at) => values[Math.floor(at / (2 * dimensions)) * dimensions + (at % dimensions)],
      );
      expect(parc({ dimensions: 2 * dimensions, values: twice }, labels, 3, rank)).toBeCloseTo(wide, 6);
    }
  });
});
