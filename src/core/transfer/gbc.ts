import { type Features, imagesByClass, sumOf } from './features.ts';
import type { Measured } from './influence.ts';

const VARIANCE_FLOOR = 1e-4;
/** Pairs of classes that overlap less move nothing that a float shows. */
const OVERLAP_LEAST = 1e-14;

interface Gaussian {
  readonly images: readonly number[];
  readonly mean: Float64Array;
  /** Unfloored. */
  readonly spread: Float64Array;
  /** One a dimension, or their mean alone. */
  readonly variance: Float64Array;
  readonly logarithms: number;
  /** Derivatives of the score. */
  readonly byMean: Float64Array;
  readonly byVariance: Float64Array;
}

/**
 * GBC (Pándy 2022): −Σ over ordered pairs of classes of exp(−D_B), D_B the Bhattacharyya distance of Gaussians with the
 * classes' means and variances (floored at 1e-4).
 *
 * @param shape `diagonal`: a variance for each dimension; `spherical`: their mean, its logarithm counted once
 */
export function gbc(features: Features, labels: ArrayLike<number>, classes: number, shape: 'spherical' | 'diagonal'): Measured {
  const { dimensions, values } = features;
  const gaussians = imagesByClass(labels, classes)
    .filter((images) => images.length > 0)
    .map((images) => gaussianOf(features, images, shape));
  let overlap = 0;
  for (const [i, a] of gaussians.entries()) for (let j = 0; j < i; j++) overlap += 2 * overlapOf(a, gaussians[j]);

  const influence = new Float64Array(labels.length);
  for (const { images, mean, spread, byMean, byVariance } of gaussians) {
    for (const image of images) {
      let moved = 0;
      for (let d = 0; d < dimensions; d++) {
        const away = values[image * dimensions + d] - mean[d];
        moved += byMean[d] * away;
        if (spread[d] > VARIANCE_FLOOR) {
          moved += (shape === 'diagonal' ? byVariance[d] : byVariance[0] / dimensions) * (away * away - spread[d]);
        }
      }
      influence[image] = moved / images.length;
    }
  }
  return { value: -overlap, influence };
}

function gaussianOf(features: Features, images: readonly number[], shape: 'spherical' | 'diagonal'): Gaussian {
  const { dimensions, values } = features;
  const mean = sumOf(features, images).map((sum) => sum / images.length);
  const spread = new Float64Array(dimensions);
  for (const image of images) {
    for (let d = 0; d < dimensions; d++) spread[d] += (values[image * dimensions + d] - mean[d]) ** 2 / images.length;
  }
  const floored = spread.map((value) => Math.max(value, VARIANCE_FLOOR));
  const variance = shape === 'diagonal' ? floored : Float64Array.of(floored.reduce((a, b) => a + b, 0) / dimensions);
  return {
    images,
    mean,
    spread,
    variance,
    logarithms: variance.reduce((sum, value) => sum + Math.log(value), 0),
    byMean: new Float64Array(dimensions),
    byVariance: new Float64Array(variance.length),
  };
}

/** exp(−D_B) of two classes; adds what moves the score to their derivatives. */
function overlapOf(a: Gaussian, b: Gaussian): number {
  const last = a.variance.length - 1;
  let distance = -(a.logarithms + b.logarithms) / 4;
  for (let k = 0; k <= last; k++) distance += Math.log((a.variance[k] + b.variance[k]) / 2) / 2;
  for (let d = 0; d < a.mean.length; d++) {
    const k = Math.min(d, last);
    distance += (a.mean[d] - b.mean[d]) ** 2 / (4 * (a.variance[k] + b.variance[k]));
  }
  const overlap = Math.exp(-distance);
  if (overlap < OVERLAP_LEAST) return overlap;
  for (let d = 0; d < a.mean.length; d++) {
    const k = Math.min(d, last);
    const sum = a.variance[k] + b.variance[k];
    const apart = a.mean[d] - b.mean[d];
    a.byMean[d] += (overlap * apart) / sum;
    b.byMean[d] -= (overlap * apart) / sum;
    a.byVariance[k] -= (overlap * apart * apart) / (2 * sum * sum);
    b.byVariance[k] -= (overlap * apart * apart) / (2 * sum * sum);
  }
  for (let k = 0; k <= last; k++) {
    const sum = a.variance[k] + b.variance[k];
    a.byVariance[k] += overlap * (1 / sum - 1 / (2 * a.variance[k]));
    b.byVariance[k] += overlap * (1 / sum - 1 / (2 * b.variance[k]));
  }
  return overlap;
}
