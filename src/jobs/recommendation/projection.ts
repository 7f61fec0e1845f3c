import { logistic, logitOf } from '../../core/transfer/outcome-model.ts';
import { mean } from '../../core/stats/index.ts';
import type { Estimate } from '../../schema/common.ts';
import type { Verified } from './rank.ts';

/** How far learning curves come apart or together after a candidate is dropped: standard deviation, in logits. */
const CURVES_DEVIATION = 0.4;
/** The 97.5 % quantile of the standard normal distribution. */
const Z = 1.959963984540054;

/**
 * What a dropped candidate would have come to: as far from those that went to the end as it was, in logits, when it was
 * dropped. Its interval holds how its curve might have gone on, not only the images.
 *
 * @param finalists those that were trained to the end; at least one
 * @param images that accuracies are of
 */
export function projectedAccuracy(dropped: Verified, finalists: readonly Verified[], images: number): Estimate {
  const at = (one: Verified, epoch: number): number => logitOf(one.runs[0].history[epoch - 1].validationAccuracy, images);
  const then = mean(finalists.map((one) => at(one, dropped.epochs)));
  const atLast = mean(finalists.map((one) => at(one, one.epochs)));
  const centre = atLast + at(dropped, dropped.epochs) - then;
  const half = Z * CURVES_DEVIATION;
  return { value: logistic(centre), low: logistic(centre - half), high: logistic(centre + half) };
}
