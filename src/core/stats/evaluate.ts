import { createRandom } from '../random.ts';
import { type Estimate, type McNemar, mcNemar, wilson } from './binomial.ts';
import { percentileEstimate, REPLICATES, stratifiedResampler } from './bootstrap.ts';
import {
  accuracy,
  type Calibration,
  calibration,
  confusionMatrix,
  countClasses,
  f1Score,
  logLosses,
  macroF1,
  predict,
} from './classification.ts';
import { mean } from './quantile.ts';

/** How good a classifier is on labelled images. Plain and serialisable; intervals are 95 %. */
export interface Evaluation {
  readonly count: number;
  readonly classes: number;
  /** Top-1, Wilson interval. */
  readonly accuracy: Estimate;
  /** Mean of the per-class F1, an absent class counting 0; stratified bootstrap. */
  readonly macroF1: Estimate;
  /** Mean −ln p of the right class; stratified bootstrap. */
  readonly logLoss: Estimate;
  /** In the order of the classes. Precision and recall with Wilson intervals, F1 with the bootstrap's. */
  readonly perClass: readonly {
    readonly images: number;
    readonly precision: Estimate;
    readonly recall: Estimate;
    readonly f1: Estimate;
  }[];
  /** Entry [actual][predicted] counts images. */
  readonly confusion: readonly (readonly number[])[];
  readonly calibration: Calibration;
}

/**
 * All metrics of METHOD.md §6 for the logits of a set of images.
 *
 * @param logits count × classes, row-major
 * @param labels count class indices below `classes`
 * @param options seed of the bootstrap
 * @throws Failure `non-finite-weights` when a logit is NaN or infinite
 */
export function evaluateLogits(logits: Float32Array, labels: ArrayLike<number>, classes: number, { seed }: { seed: number }): Evaluation {
  const predictions = predict(logits, classes);
  const { count, predicted } = predictions;
  const counts = countClasses(predicted, labels, classes);
  const losses = logLosses(predictions, labels);

  const resample = stratifiedResampler(labels, createRandom(seed));
  const f1Replicates = Array.from({ length: classes }, () => new Float64Array(REPLICATES));
  const macroReplicates = new Float64Array(REPLICATES);
  const lossReplicates = new Float64Array(REPLICATES);
  for (let replicate = 0; replicate < REPLICATES; replicate++) {
    const images = resample();
    const drawn = countClasses(predicted, labels, classes, images);
    macroReplicates[replicate] = macroF1(drawn);
    for (let label = 0; label < classes; label++) f1Replicates[label][replicate] = f1Score(drawn, label);
    let loss = 0;
    for (const image of images) loss += losses[image];
    lossReplicates[replicate] = loss / count;
  }

  return {
    count,
    classes,
    accuracy: wilson(
      counts.right.reduce((a, b) => a + b, 0),
      count,
    ),
    macroF1: percentileEstimate(macroF1(counts), macroReplicates),
    logLoss: percentileEstimate(mean(losses), lossReplicates),
    perClass: Array.from({ length: classes }, (_, label) => ({
      images: counts.actual[label],
      precision: wilson(counts.right[label], counts.predicted[label]),
      recall: wilson(counts.right[label], counts.actual[label]),
      f1: percentileEstimate(f1Score(counts, label), f1Replicates[label]),
    })),
    confusion: confusionMatrix(predicted, labels, classes),
    calibration: calibration(predictions, labels),
  };
}

/** Second classifier against the first on the same images: differences are second − first, intervals 95 %. */
export interface PairedComparison {
  readonly count: number;
  readonly accuracy: Estimate;
  readonly macroF1: Estimate;
  readonly mcNemar: McNemar;
}

/**
 * Paired stratified bootstrap of the differences of accuracy and macro F1, and McNemar's exact test. Two classifiers that
 * are right on exactly the same images get an interval of no width: the bootstrap knows only the images that it has.
 *
 * @param first logits of one network, count × classes
 * @param second logits of the other over the same images
 * @throws Failure `non-finite-weights` when a logit is NaN or infinite
 */
export function compareLogits(
  first: Float32Array,
  second: Float32Array,
  labels: ArrayLike<number>,
  classes: number,
  { seed }: { seed: number },
): PairedComparison {
  const [a, b] = [first, second].map((logits) => predict(logits, classes).predicted);
  const difference = (images?: Int32Array): { accuracy: number; macroF1: number } => {
    const [before, after] = [a, b].map((predicted) => countClasses(predicted, labels, classes, images));
    return { accuracy: accuracy(after) - accuracy(before), macroF1: macroF1(after) - macroF1(before) };
  };
  const resample = stratifiedResampler(labels, createRandom(seed));
  const replicates = Array.from({ length: REPLICATES }, () => difference(resample()));
  const observed = difference();
  const rightAlone = (one: Int32Array, other: Int32Array): number =>
    one.reduce((sum, answer, image) => sum + (answer === labels[image] && other[image] !== labels[image] ? 1 : 0), 0);
  return {
    count: a.length,
    accuracy: percentileEstimate(
      observed.accuracy,
      Float64Array.from(replicates, (r) => r.accuracy),
    ),
    macroF1: percentileEstimate(
      observed.macroF1,
      Float64Array.from(replicates, (r) => r.macroF1),
    ),
    mcNemar: mcNemar(rightAlone(a, b), rightAlone(b, a)),
  };
}
