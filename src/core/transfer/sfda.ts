import { gramOfColumns } from '../linear/gram.ts';
import { symmetricEigen } from '../linear/symmetric.ts';
import { softmax } from '../stats/classification.ts';
import { type Features, imagesByClass, sumOf } from './features.ts';

/**
 * SFDA (Shao 2022): the mean probability that a regularised Fisher discriminant gives to the right class, after every image
 * was mixed with the mean of the other classes in the measure of a first discriminant's doubt about it (ConfMix).
 *
 * @param labels count class indices below `classes`, each class with an image
 */
export function sfda(features: Features, labels: ArrayLike<number>, classes: number): number {
  const { dimensions, values } = features;
  const first = discriminant(features, labels, classes);
  const images = imagesByClass(labels, classes);
  const total = sumOf(
    features,
    Array.from(labels, (_, image) => image),
  );
  const mixed = Float64Array.from(values);
  images.forEach((members, label) => {
    const own = sumOf(features, members);
    const others = own.map((sum, d) => (total[d] - sum) / (labels.length - members.length));
    for (const image of members) {
      // The published code softens the probabilities by a second softmax before it mixes.
      const confidence = softmax(first.probabilities.subarray(image * classes, (image + 1) * classes))[label];
      for (let d = 0; d < dimensions; d++) {
        const at = image * dimensions + d;
        mixed[at] = confidence * values[at] + (1 - confidence) * others[d];
      }
    }
  });
  const { probabilities } = discriminant({ dimensions, values: mixed }, labels, classes, first.shrinkage);
  let sum = 0;
  for (let image = 0; image < labels.length; image++) sum += probabilities[image * classes + labels[image]];
  return sum / labels.length;
}

/** Linear discriminant with shrunk within-class covariance; the shrinkage follows from the features when not given. */
function discriminant(
  features: Features,
  labels: ArrayLike<number>,
  classes: number,
  given?: number,
): { probabilities: Float64Array; shrinkage: number } {
  const { dimensions, values } = features;
  const count = labels.length;
  const images = imagesByClass(labels, classes);
  const means = images.map((members) => sumOf(features, members).map((sum) => sum / members.length));
  const deviations = values.map((value, at) => value - means[labels[Math.floor(at / dimensions)]][at % dimensions]);
  const within = gramOfColumns({ count, size: dimensions, values: deviations }).map((value) => value / count);
  const shrinkage = given ?? Math.max(Math.exp(-5 * largestEigenvalue(within, dimensions)), 1e-10);
  const inverse = shrunkInverse(within, dimensions, shrinkage);
  const directions = means.map((mean) => inverse(mean));
  const offsets = means.map((mean, label) => Math.log(images[label].length / count) - dot(mean, directions[label]) / 2);
  const probabilities = new Float64Array(count * classes);
  for (let image = 0; image < count; image++) {
    const row = values.subarray(image * dimensions, (image + 1) * dimensions);
    const scores = Float64Array.from(directions, (direction, label) => dot(row, direction) + offsets[label]);
    probabilities.set(softmax(scores), image * classes);
  }
  return { probabilities, shrinkage };
}

/** Three rounds of power iteration from the row sums, as published: close enough to set a shrinkage by. */
function largestEigenvalue(matrix: Float64Array, n: number): number {
  const times = (vector: Float64Array): Float64Array =>
    Float64Array.from({ length: n }, (_, i) => dot(matrix.subarray(i * n, (i + 1) * n), vector));
  const unit = (vector: Float64Array): Float64Array => vector.map((value) => value / Math.sqrt(dot(vector, vector)));
  let x: Float64Array = times(new Float64Array(n).fill(1));
  let y = x;
  for (let round = 0; round < 3; round++) {
    y = unit(times(x));
    x = unit(times(y));
  }
  return dot(x, times(y));
}

/** Multiplication by the inverse of (1 − s)·matrix + s·mean variance·I. */
function shrunkInverse(matrix: Float64Array, n: number, shrinkage: number): (vector: Float64Array) => Float64Array {
  const { values, vectors } = symmetricEigen(matrix, n);
  const average = values.reduce((a, b) => a + b, 0) / n;
  return (vector) => {
    const result = new Float64Array(n);
    for (let k = 0; k < n; k++) {
      const axis = vectors.subarray(k * n, (k + 1) * n);
      const weight = dot(axis, vector) / ((1 - shrinkage) * Math.max(0, values[k]) + shrinkage * average);
      for (let d = 0; d < n; d++) result[d] += weight * axis[d];
    }
    return result;
  };
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
