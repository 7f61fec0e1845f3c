import { algorithm1, averageSimilarity, groupSimilarity } from '../dice/index.ts';
import { Failure } from '../failure.ts';
import type { GroupRows, GroupView } from './view.ts';

/** How channels are chosen: a score for each, once a group, and from the scores those that leave at a ratio. */
export interface Criterion {
  /** One score for each channel of the group. */
  score(view: GroupView): Float64Array;
  /**
   * Channels that leave at a ratio in [0, 1), the first to leave first; at most {@link limitOf} of them.
   * The choice depends on the ratio for Dice, whose thresholds move with it; scalar criteria take the lowest scores.
   */
  select(scores: Float64Array, ratio: number): readonly number[];
}

/** ⌊ratio · n⌋, the most channels that a group of n loses; 0.29 · 100 counts as 29 in spite of binary fractions. */
export const limitOf = (size: number, ratio: number): number => Math.floor(ratio * size + 1e-9);

/** The lowest scores leave first, ties to the lower index. */
function lowest(scores: Float64Array, ratio: number): number[] {
  return Array.from(scores, (_, channel) => channel)
    .sort((a, b) => scores[a] - scores[b] || a - b)
    .slice(0, limitOf(scores.length, ratio));
}

/** Average Dice similarity of each channel to the others of its group, chosen by Algorithm 1 (Hajbi 2025; METHOD.md §2, §3). */
const dice: Criterion = {
  score({ size, kernels, activations }) {
    return averageSimilarity(groupSimilarity((activations ?? kernels).flat()), size);
  },
  select: (scores, ratio) => algorithm1(scores, { ratio }).order,
};

/** Σ|w| of a channel's kernels, divided by the layer's mean, averaged over the group's producers (Li et al. 2017). */
const l1: Criterion = {
  score({ size, kernels }) {
    const scores = new Float64Array(size);
    for (const producer of kernels) {
      const norms = absoluteSums(producer, size);
      const mean = norms.reduce((sum, norm) => sum + norm, 0) / size;
      if (mean > 0) for (let c = 0; c < size; c++) scores[c] += norms[c] / mean / kernels.length;
    }
    return scores;
  },
  select: lowest,
};

/** Uniform and seeded: the control that every criterion must beat (Frankle & Carbin 2019). */
const random: Criterion = {
  score: (view) => Float64Array.from({ length: view.size }, () => view.random.next()),
  select: lowest,
};

function absoluteSums(matrices: readonly GroupRows[], count: number): Float64Array {
  const sums = new Float64Array(count);
  for (const { size, values } of matrices) {
    for (let at = 0; at < values.length; at++) sums[Math.floor(at / size)] += Math.abs(values[at]);
  }
  return sums;
}

/** Every criterion by its id. */
export const criteria: Readonly<Record<string, Criterion>> = { dice, l1, random };

/** @throws Failure `unknown-criterion`, listing those that exist. */
export function criterionOf(id: string): Criterion {
  if (!Object.hasOwn(criteria, id)) {
    throw new Failure('unknown-criterion', `There is no criterion "${id}".`, {
      hint: `The criteria are ${Object.keys(criteria).join(', ')}.`,
      field: 'criterion',
    });
  }
  return criteria[id];
}
