import { algorithm1, averageSimilarity, greedy, representatives } from '../../dice/index.ts';
import { quantile } from '../../stats/quantile.ts';
import type { GroupView } from '../view.ts';
import { relative, type Criterion } from './criterion.ts';
import { taylor } from './gradient.ts';

const averages = (view: GroupView): Float64Array => averageSimilarity(view.similarity(), view.size);

/** Minus the distance of S_avg from the group's median, over the group's mean distance. */
function typicality(view: GroupView): Float64Array {
  const sAvg = averages(view);
  const middle = quantile([...sAvg], 0.5);
  return relative(sAvg.map((value) => Math.abs(value - middle))).map((extremity) => -extremity);
}

const comparing = (own: Pick<Criterion, 'score' | 'chooser' | 'readsOnce'>): Criterion => ({
  compares: true,
  pairwise: true,
  needs: (source) => (source === 'activations' ? ['activations'] : []),
  ...own,
});

/**
 * Average Dice similarity of each channel to the others of its group, chosen by Algorithm 1 (Hajbi 2025; METHOD.md §2, §3).
 * How many leave each group under global ranking follows from the distances to the median.
 */
export const dice = comparing({
  readsOnce: true,
  score: typicality,
  chooser(view) {
    const sAvg = averages(view);
    return (ratio) => algorithm1(sAvg, { ratio }).order;
  },
});

/** The same one kernel at a time, thresholds and averages computed anew over what is left (Hajbi 2025, §3.2). */
export const diceGreedy = comparing({
  score: typicality,
  chooser: (view) => (ratio) => greedy(view.similarity(), view.size, { ratio }),
});

/**
 * Groups of channels alike keep one representative (Hajbi 2025, ch. 2). How many leave each group under global ranking
 * follows from each channel's similarity to the one most like it.
 */
export const diceRepresentative = comparing({
  score: (view) => closest(view).map((similarity) => -similarity),
  chooser: (view) => representatives(view.similarity(), view.size),
});

/**
 * |Taylor| · (1 − redundancy): redundancy is the rank of a channel's highest S within its group, scaled to [0, 1], equal
 * ones sharing their mean rank (Hajbi 2025, §6.2).
 */
export const diceHybrid: Criterion = {
  ...comparing({
    score(view) {
      const redundancy = ranks(closest(view));
      return taylor.score(view).map((importance, channel) => importance * (1 - redundancy[channel]));
    },
  }),
  needs: (source) => (source === 'activations' ? ['gradients', 'activations'] : ['gradients']),
};

/** Each channel's highest similarity to another. */
function closest(view: GroupView): Float64Array {
  const { size } = view;
  const similarity = view.similarity();
  return Float64Array.from({ length: size }, (_, i) => {
    let highest = Number.NEGATIVE_INFINITY;
    for (let j = 0; j < size; j++) if (j !== i) highest = Math.max(highest, similarity[i * size + j]);
    return highest;
  });
}

/** From 0 for the smallest to 1 for the largest. */
function ranks(values: Float64Array): Float64Array {
  const last = Math.max(1, values.length - 1);
  return values.map((value) => {
    let smaller = 0;
    let equal = 0;
    for (const other of values) {
      if (other < value) smaller++;
      else if (other === value) equal++;
    }
    return (smaller + (equal - 1) / 2) / last;
  });
}
