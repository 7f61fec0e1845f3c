import { Failure } from '../failure.ts';
import { quantileOfSorted } from '../stats/quantile.ts';

export interface Selection {
  /** Indices of the kernels that leave, ascending. */
  readonly removed: number[];
  /** The same indices, most extreme first. */
  readonly order: number[];
  readonly tauMin: number;
  readonly tauMax: number;
}

/** Differences of S_avg below this are rounding: equal kernels tie although their sums run in another order. */
const TIE = 1e-12;

/**
 * Dice selection, Algorithm 1 of Hajbi 2025. Kernels with S_avg below τmin = Q_α (uninformative) or above τmax = Q_β
 * (redundant) are candidates; at most ⌊ratio · N⌋ of them leave, the farthest from the median first, ties to the lower
 * index. Quantiles interpolate linearly.
 *
 * @param sAvg average similarity of each kernel of one layer or group
 * @param options ratio in [0, 1); alpha and beta in [0, 1], by default ratio / 2 and 1 − ratio / 2
 * @throws Failure `invalid-request` for a ratio or quantile out of range
 */
export function algorithm1(
  sAvg: ArrayLike<number>,
  { ratio, alpha = ratio / 2, beta = 1 - ratio / 2 }: { ratio: number; alpha?: number; beta?: number },
): Selection {
  if (!(ratio >= 0 && ratio < 1)) {
    throw new Failure('invalid-request', `A pruning ratio of ${ratio} is not possible.`, {
      hint: 'Give a ratio of at least 0 and below 1.',
      field: 'ratio',
    });
  }
  if (!(alpha >= 0 && alpha <= beta && beta <= 1)) {
    throw new Failure('invalid-request', `Quantiles alpha ${alpha} and beta ${beta} are not in order.`, {
      hint: 'Give 0 ≤ alpha ≤ beta ≤ 1.',
      field: alpha >= 0 && alpha <= 1 ? 'beta' : 'alpha',
    });
  }
  const sorted = Float64Array.from(sAvg).sort();
  const tauMin = quantileOfSorted(sorted, alpha);
  const tauMax = quantileOfSorted(sorted, beta);
  const middle = quantileOfSorted(sorted, 0.5);
  const extremity = Array.from(sAvg, (value) => Math.round(Math.abs(value - middle) / TIE));
  // 0.29 · 100 is 28.999… in binary; the ratio that was meant gives 29.
  const limit = Math.floor(ratio * sAvg.length + 1e-9);
  const order = Array.from(sAvg, (_, i) => i)
    .filter((i) => sAvg[i] < tauMin || sAvg[i] > tauMax)
    .sort((a, b) => extremity[b] - extremity[a] || a - b)
    .slice(0, limit);
  return { removed: [...order].sort((a, b) => a - b), order, tauMin, tauMax };
}
