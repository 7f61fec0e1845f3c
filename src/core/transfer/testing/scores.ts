import { describe, expect, it } from 'vitest';
import type { LinearAlgebra } from '../../linear/algebra.ts';
import type { ScoredCandidate } from '../evidence.ts';
import { scoreCandidate } from '../score-candidate.ts';
import type { ScoreId } from '../scores.ts';
import { type Clusters, clusters } from './clusters.fixture.ts';
import { goldenCase } from './golden.fixture.ts';

// METHOD.md §7, but for PARC: its 39.525348 and 66.389267 come from numpy's 1 − corrcoef of the one-hot labels, where pairs
// of one class lie at 0 or at 2e-16 depending on the class, so that Spearman's ranks split what is a tie. scipy's spearmanr
// with those distances rounded to 12 digits gives the values here.
const golden: readonly { count: number; dimensions: number; values: Partial<Record<ScoreId, number>> }[] = [
  {
    count: 24,
    dimensions: 4,
    values: {
      logme: -0.200574,
      leep: -0.980381,
      nce: -0.581253,
      'h-score': 1.395052,
      'h-score-regularised': 0.669823,
      transrate: 2.754034,
      'gbc-spherical': -3.158284,
      'gbc-diagonal': -1.096476,
      parc: 39.749915,
      sfda: 0.783478,
    },
  },
  {
    count: 9,
    dimensions: 12,
    values: {
      logme: -0.791959,
      leep: -0.949224,
      nce: 0,
      'h-score': 2,
      'h-score-regularised': 0.572326,
      transrate: 19.690497,
      'gbc-spherical': -0.565935,
      'gbc-diagonal': 0,
      parc: 67.618685,
      sfda: 1,
    },
  },
];

/** What any linear algebra has to make of the scores. */
export function describeScores(linear: () => LinearAlgebra): void {
  const scoreOf = ({ features, labels, classes }: Clusters): ScoredCandidate =>
    scoreCandidate({ features, labels, classes, flops: 2e6, params: 1e5 }, { seed: 3, linear: linear() });

  for (const { count, dimensions, values } of golden) {
    it(`give the golden values of ${count} × ${dimensions}`, () => {
      const { features, labels } = goldenCase(count, dimensions);
      const source = { classes: dimensions, logits: Float32Array.from(features.values) };
      const { scores } = scoreCandidate({ features, labels, classes: 3, source, flops: 1, params: 1 }, { seed: 1, linear: linear() });
      const close = Object.fromEntries(Object.keys(values).map((id) => [id, scores[id as ScoreId].value]));
      for (const [id, value] of Object.entries(values)) expect(close[id], id).toBeCloseTo(value, 5);
    });
  }

  /** Scores that turning, moving and scaling the features leave as they are. */
  const turning: readonly ScoreId[] = ['logme', 'h-score', 'h-score-regularised', 'transrate', 'gbc-spherical', 'linear-probe', 'knn'];
  const moving: readonly ScoreId[] = [
    'nleep',
    'h-score',
    'h-score-regularised',
    'transrate',
    'gbc-spherical',
    'gbc-diagonal',
    'parc',
    'sfda',
    'linear-probe',
  ];
  const scaling: readonly ScoreId[] = ['h-score', 'h-score-regularised', 'parc', 'linear-probe', 'knn'];
  const permuting: readonly ScoreId[] = [...turning, 'gbc-diagonal', 'parc', 'nleep', 'sfda'];

  for (const [count, dimensions] of [
    [90, 12],
    [36, 50],
  ]) {
    describe(`of ${count} images in ${dimensions} dimensions`, () => {
      const base = clusters(count, dimensions, 0.8);
      const mapped = (map: (values: Float32Array, at: number) => number): Clusters => ({
        ...base,
        features: { dimensions, values: base.features.values.map((_, at) => map(base.features.values, at)) },
      });
      const same = (other: Clusters, ids: readonly ScoreId[]): void => {
        const [expected, actual] = [scoreOf(base).scores, scoreOf(other).scores];
        for (const id of ids) expect(actual[id].value, id).toBeCloseTo(expected[id].value ?? Number.NaN, 3);
      };
      const column = (at: number): number => at % dimensions;

      it('do not mind the order of the dimensions', () => {
        same(
          mapped((values, at) => values[at - column(at) + (dimensions - 1 - column(at))]),
          permuting,
        );
      });
      it('do not mind turning', () => {
        const half = Math.SQRT1_2;
        same(
          mapped((values, at) => {
            const twin = values[column(at) % 2 === 0 ? at + 1 : at - 1];
            return column(at) % 2 === 0 ? half * (values[at] - twin) : half * (twin + values[at]);
          }),
          turning,
        );
      });
      it('do not mind moving', () => {
        same(
          mapped((values, at) => values[at] + (column(at) % 5) / 2),
          moving,
        );
      });
      it('do not mind scaling', () => {
        same(
          mapped((values, at) => 4 * values[at]),
          scaling,
        );
      });
      it('are higher for classes further apart', () => {
        const [near, far] = [scoreOf(clusters(count, dimensions, 0.2)).scores, scoreOf(clusters(count, dimensions, 2)).scores];
        // PARC of principal components is a matter of noise where there are hardly more images than components.
        const telling = ['logme', 'nleep', 'h-score-regularised', 'gbc-spherical', 'knn', 'linear-probe'] as const;
        for (const id of count > 60 ? [...telling, 'parc' as const] : telling) {
          expect(far[id].value ?? 0, id).toBeGreaterThan(near[id].value ?? 0);
        }
      });
    });
  }

  it('move as their influences say when an image counts twice', () => {
    const { features, labels, classes } = clusters(240, 6, 0.8);
    const source = { classes: 4, logits: new Float32Array(240 * 4) };
    for (let image = 0; image < 240; image++) source.logits.set(features.values.subarray(image * 6, image * 6 + 4), image * 4);
    const whole = scoreCandidate({ features, labels, classes, source, flops: 1, params: 1 }, { seed: 1, linear: linear() });
    const ids = ['logme', 'leep', 'nce', 'h-score', 'h-score-regularised', 'transrate', 'gbc-spherical', 'gbc-diagonal', 'parc'] as const;
    const moved = new Map(ids.map((id) => [id, { expected: [] as number[], actual: [] as number[] }]));
    for (let image = 0; image < 240; image += 13) {
      const again = (values: Float32Array, size: number): Float32Array =>
        Float32Array.from([...values, ...values.subarray(image * size, (image + 1) * size)]);
      const more = scoreCandidate(
        {
          features: { dimensions: 6, values: again(features.values, 6) },
          labels: [...labels, labels[image]],
          classes,
          source: { classes: 4, logits: again(source.logits, 4) },
          flops: 1,
          params: 1,
        },
        { seed: 1, linear: linear() },
      );
      for (const id of ids) {
        moved.get(id)?.expected.push(whole.influences[id]?.[image] ?? Number.NaN);
        moved.get(id)?.actual.push((more.scores[id].value ?? Number.NaN) - (whole.scores[id].value ?? Number.NaN));
      }
    }
    for (const [id, { expected, actual }] of moved) {
      const scale = Math.hypot(...expected);
      const error = Math.hypot(...expected.map((value, i) => value - actual[i]));
      // An image is a large part of its class's coding rate: what is left falls with the number of images.
      expect(error / scale, id).toBeLessThan(id === 'transrate' ? 0.3 : 0.1);
    }
  });
}
