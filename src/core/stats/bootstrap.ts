import type { Random } from '../random.ts';
import type { Estimate } from './binomial.ts';
import { quantileOfSorted } from './quantile.ts';

/** Replicates of a bootstrap: the ends of a 95 % interval then vary by about a tenth of its half-width. */
export const REPLICATES = 1000;

/**
 * A stratified resampler of images: each call fills and returns the same array of image indices, drawn with replacement
 * within each class, so that every replicate has the data's class counts.
 *
 * @param labels class of each image
 */
export function stratifiedResampler(labels: ArrayLike<number>, random: Random): () => Int32Array {
  const strata = new Map<number, number[]>();
  for (let i = 0; i < labels.length; i++) {
    const stratum = strata.get(labels[i]);
    if (stratum === undefined) strata.set(labels[i], [i]);
    else stratum.push(i);
  }
  const groups = [...strata.values()].map((indices) => Int32Array.from(indices));
  const drawn = new Int32Array(labels.length);
  return () => {
    let at = 0;
    for (const group of groups) {
      for (let i = 0; i < group.length; i++) drawn[at++] = group[random.integer(group.length)];
    }
    return drawn;
  };
}

/** The figure with the 95 % percentile interval of its bootstrap replicates. */
export function percentileEstimate(value: number, replicates: Float64Array): Estimate {
  const sorted = Float64Array.from(replicates).sort();
  return { value, low: quantileOfSorted(sorted, 0.025), high: quantileOfSorted(sorted, 0.975) };
}
