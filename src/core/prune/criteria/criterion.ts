import type { Need, Source } from '../evidence.ts';
import type { Power } from '../magnitudes.ts';
import type { Portion } from '../portion.ts';
import type { GroupView } from '../view.ts';

/** How channels are chosen: a score for each, computed once a group. */
export interface Criterion {
  /** True where it compares channels by Dice, so that `source` says what is compared. */
  readonly compares: boolean;
  /** True where every pair of a layer's kernels is compared, which takes long in large layers. */
  readonly pairwise?: true;
  /** True where its choices take hardly longer than reading the similarities once. */
  readonly readsOnce?: true;
  /** True where it looks at the sums of {@link kernelMagnitudes} and no further. */
  readonly ofMagnitudes?: true;
  /** What the views must hold beside the weights. */
  needs(source: Source): readonly Need[];
  /** Why no score can be given to this group, where none can. */
  obstacle?(view: GroupView): string | undefined;
  /**
   * Importance of each channel: the lowest leave first, ties to the lower index. Global ranking compares the scores of
   * several groups as they are.
   */
  score(view: GroupView): Float64Array;
  /**
   * Where it is not simply the lowest scores that leave: the channels that leave at a ratio in [0, 1), the first to
   * leave first, at most ⌊ratio · size⌋ of them. Prepared once a group.
   */
  chooser?(view: GroupView): (ratio: number) => readonly number[];
}

/** A criterion of the weights alone. */
export const ofWeights = (score: Criterion['score'], rest: Partial<Criterion> = {}): Criterion => ({
  compares: false,
  needs: () => [],
  score,
  ...rest,
});

/** A criterion of the sums over the kernels of each producer, whose scores are averaged. */
export const ofMagnitudes = (power: Power, score: (sums: Float64Array) => Float64Array): Criterion =>
  ofWeights((view) => meanOver(view.magnitudes(power), view.size, score), { ofMagnitudes: true });

/** The score of a group's channel is the mean of its members' (METHOD.md §3). */
export function meanOver<T>(members: readonly T[], size: number, score: (member: T) => Float64Array): Float64Array {
  const total = new Float64Array(size);
  for (const member of members) {
    const own = score(member);
    for (let channel = 0; channel < size; channel++) total[channel] += own[channel] / members.length;
  }
  return total;
}

/** Mean over the kernels of the group's producers. */
export const meanOfKernels = (view: GroupView, score: (kernels: Portion) => Float64Array): Float64Array =>
  meanOver(view.kernels(), view.size, score);

/** Scores divided by their mean, so that those of layers of another size or scale can be averaged and compared. */
export function relative(scores: Float64Array): Float64Array {
  const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
  return mean > 0 ? scores.map((score) => score / mean) : scores;
}
