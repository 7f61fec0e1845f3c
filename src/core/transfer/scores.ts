import type { Estimate } from '../stats/index.ts';

/**
 * Every score of METHOD.md §7 by id: what it is called, and what it is made of. All are read as "higher is better"; size
 * and cost count so because larger networks transferred better in published studies.
 */
export const scoreTable = {
  logme: { title: 'LogME', of: 'features' },
  leep: { title: 'LEEP', of: 'source head' },
  nce: { title: 'NCE', of: 'source head' },
  nleep: { title: 'NLEEP', of: 'features' },
  'h-score': { title: 'H-score', of: 'features' },
  'h-score-regularised': { title: 'regularised H-score', of: 'features' },
  transrate: { title: 'TransRate', of: 'features' },
  'gbc-spherical': { title: 'GBC, spherical', of: 'features' },
  'gbc-diagonal': { title: 'GBC, diagonal', of: 'features' },
  parc: { title: 'PARC', of: 'features' },
  sfda: { title: 'SFDA', of: 'features' },
  knn: { title: 'k-NN', of: 'features' },
  'linear-probe': { title: 'linear probe', of: 'features' },
  'dice-weights': { title: 'Dice diversity of weights', of: 'network' },
  'dice-weights-excess': { title: 'Dice diversity of weights over their null', of: 'network' },
  'dice-activations': { title: 'Dice diversity of activations', of: 'activations' },
  'dice-activations-excess': { title: 'Dice diversity of activations over their null', of: 'activations' },
  alignment: { title: 'source–target alignment', of: 'activations' },
  parameters: { title: 'parameters', of: 'network' },
  flops: { title: 'FLOPs', of: 'network' },
  'source-accuracy': { title: 'source accuracy', of: 'network' },
} as const satisfies Record<string, { title: string; of: 'features' | 'source head' | 'network' | 'activations' }>;

export type ScoreId = keyof typeof scoreTable;
export const scoreIds = Object.keys(scoreTable) as readonly ScoreId[];

/** A score with its 95 % interval (of no width where nothing was sampled), or why there is none. */
export type Score =
  | (Estimate & {
      /** What to know before trusting it: a saturation guard, a bound of precision. */
      readonly note?: string;
    })
  | { readonly value: null; readonly reason: string };

export type CandidateScores = Readonly<Record<ScoreId, Score>>;
