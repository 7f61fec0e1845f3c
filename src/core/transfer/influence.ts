import type { Estimate } from '../stats/index.ts';

/** A score of images, and how much it moves when an image counts more: ∂score/∂weight, one value an image. */
export interface Measured {
  readonly value: number;
  readonly influence: Float64Array;
}

/** The 97.5 % quantile of the standard normal distribution. */
const Z = 1.959963984540054;

/**
 * Standard error from influences by the infinitesimal jackknife (Jaeckel 1972; Efron 1982, ch. 6), stratified by class: each
 * class's images vary about their own mean. A class with one image has nothing to vary.
 */
export function standardError(influence: Float64Array, labels: ArrayLike<number>): number {
  const strata = new Map<number, { count: number; sum: number; squares: number }>();
  influence.forEach((value, image) => {
    const stratum = strata.get(labels[image]) ?? { count: 0, sum: 0, squares: 0 };
    stratum.count++;
    stratum.sum += value;
    stratum.squares += value * value;
    strata.set(labels[image], stratum);
  });
  let variance = 0;
  for (const { count, sum, squares } of strata.values()) {
    if (count > 1) variance += (Math.max(0, squares - (sum * sum) / count) * count) / (count - 1);
  }
  return Math.sqrt(variance);
}

/** The score with its 95 % interval over images, normal approximation. */
export function estimateOf({ value, influence }: Measured, labels: ArrayLike<number>): Estimate {
  const half = Z * standardError(influence, labels);
  return { value, low: value - half, high: value + half };
}
