import { Failure } from '../failure.ts';

/** What a classifier says of each image. */
export interface Predictions {
  readonly count: number;
  readonly classes: number;
  /** Class of the largest logit, the lower index on a tie; one an image. */
  readonly predicted: Int32Array;
  /** Softmax: count × classes, row-major. */
  readonly probabilities: Float64Array;
}

/** Probabilities of one image's classes; logits of any size. */
export function softmax(logits: Float32Array | Float64Array): Float64Array {
  let largest = Number.NEGATIVE_INFINITY;
  for (const logit of logits) largest = Math.max(largest, logit);
  const probabilities = Float64Array.from(logits, (logit) => Math.exp(logit - largest));
  const sum = probabilities.reduce((a, b) => a + b, 0);
  return probabilities.map((value) => value / sum);
}

/**
 * Softmax of logits and its class of each image.
 *
 * @param logits count × classes, row-major
 * @throws Failure `non-finite-weights` when a logit is NaN or infinite
 */
export function predict(logits: Float32Array, classes: number): Predictions {
  const count = logits.length / classes;
  const predicted = new Int32Array(count);
  const probabilities = new Float64Array(logits.length);
  for (let image = 0; image < count; image++) {
    const row = image * classes;
    let best = 0;
    for (let c = 0; c < classes; c++) {
      if (!Number.isFinite(logits[row + c])) {
        throw new Failure('non-finite-weights', `The network answers ${logits[row + c]} for class ${c} of image ${image}.`, {
          hint: 'Train with a smaller learning rate, or take a checkpoint from before the training diverged.',
        });
      }
      if (logits[row + c] > logits[row + best]) best = c;
    }
    probabilities.set(softmax(logits.subarray(row, row + classes)), row);
    predicted[image] = best;
  }
  return { count, classes, predicted, probabilities };
}

/** Right answers, answers and images of each class. */
export interface ClassCounts {
  readonly right: Int32Array;
  readonly predicted: Int32Array;
  readonly actual: Int32Array;
}

/** Counts over the given images (repeats count), or over all. */
export function countClasses(
  predicted: Int32Array,
  labels: ArrayLike<number>,
  classes: number,
  images: Int32Array = Int32Array.from(predicted, (_, i) => i),
): ClassCounts {
  const counts = { right: new Int32Array(classes), predicted: new Int32Array(classes), actual: new Int32Array(classes) };
  for (const image of images) {
    counts.predicted[predicted[image]]++;
    counts.actual[labels[image]]++;
    if (predicted[image] === labels[image]) counts.right[labels[image]]++;
  }
  return counts;
}

/** F1 of one class, 2·right / (predicted + actual); a class that is neither predicted nor there counts 0. */
export function f1Score({ right, predicted, actual }: ClassCounts, label: number): number {
  return right[label] === 0 ? 0 : (2 * right[label]) / (predicted[label] + actual[label]);
}

/** Mean F1 over all classes. */
export function macroF1(counts: ClassCounts): number {
  let sum = 0;
  for (let label = 0; label < counts.right.length; label++) sum += f1Score(counts, label);
  return sum / counts.right.length;
}

/** Share of right answers. */
export function accuracy(counts: ClassCounts): number {
  return counts.right.reduce((a, b) => a + b, 0) / counts.actual.reduce((a, b) => a + b, 0);
}

/** Entry [actual][predicted] counts images. */
export function confusionMatrix(predicted: Int32Array, labels: ArrayLike<number>, classes: number): number[][] {
  const matrix = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  predicted.forEach((answer, image) => matrix[labels[image]][answer]++);
  return matrix;
}

/** −ln of the probability given to the right class of each image (natural logarithm; floored at 1e-300). */
export function logLosses({ count, classes, probabilities }: Predictions, labels: ArrayLike<number>): Float64Array {
  return Float64Array.from({ length: count }, (_, image) => -Math.log(Math.max(probabilities[image * classes + labels[image]], 1e-300)));
}

export interface Calibration {
  /** Expected calibration error: mean |accuracy − confidence| over the bins, weighted by their images. */
  readonly expectedError: number;
  readonly bins: readonly { readonly count: number; readonly confidence: number; readonly accuracy: number }[];
}

const CALIBRATION_BINS = 15;

/**
 * Calibration over 15 equal bins of confidence (Guo 2017). No interval: the error is an average of absolute values, which
 * resampling can only push up, so a bootstrap interval would not hold it.
 */
export function calibration({ count, classes, predicted, probabilities }: Predictions, labels: ArrayLike<number>): Calibration {
  const bins = Array.from({ length: CALIBRATION_BINS }, () => ({ count: 0, confidence: 0, accuracy: 0 }));
  for (let image = 0; image < count; image++) {
    const confidence = probabilities[image * classes + predicted[image]];
    const bin = bins[Math.max(0, Math.ceil(confidence * CALIBRATION_BINS) - 1)];
    bin.count++;
    bin.confidence += confidence;
    if (predicted[image] === labels[image]) bin.accuracy++;
  }
  let expectedError = 0;
  for (const bin of bins) {
    expectedError += Math.abs(bin.accuracy - bin.confidence) / count;
    bin.confidence /= Math.max(1, bin.count);
    bin.accuracy /= Math.max(1, bin.count);
  }
  return { expectedError, bins };
}
