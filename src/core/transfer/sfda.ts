import { type Decomposition, principalCoordinates } from './decomposition.ts';
import { type Features, rowsOf, sumOf } from './features.ts';
import type { Measured } from './influence.ts';

/**
 * SFDA (Shao 2022): the mean probability that a regularised Fisher discriminant gives to the right class, after every image
 * was mixed with the mean of the other classes in the measure of a first discriminant's doubt about it (ConfMix). Worked out
 * along the principal axes: turning and moving the features changes nothing. Influences take the discriminants as they are.
 * NaN where no class varies.
 *
 * @param parts each class with an image, two classes at least
 */
export function sfda(parts: Decomposition): Measured {
  const { count, classes, labels, members } = parts;
  const coordinates = principalCoordinates(parts);
  const { dimensions, values } = coordinates;
  const first = discriminant(parts, coordinates);
  const mixed = new Float64Array(values.length);
  for (const [label, images] of members.entries()) {
    // The images are centred: what is not in the class sums to minus the class.
    const others = sumOf(coordinates, images).map((sum) => -sum / (count - images.length));
    for (const image of images) {
      // The published code softens the probabilities by a second softmax before it mixes.
      const doubted = first.probabilities.slice(image * classes, (image + 1) * classes);
      softmaxInPlace(doubted, 0, classes);
      const confidence = doubted[label];
      for (let at = image * dimensions, d = 0; d < dimensions; at++, d++) {
        mixed[at] = confidence * values[at] + (1 - confidence) * others[d];
      }
    }
  }
  const { probabilities } = discriminant(parts, { dimensions, values: mixed }, first.shrinkage);
  const right = Float64Array.from(labels, (label, image) => probabilities[image * classes + label]);
  const value = right.reduce((a, b) => a + b, 0) / count;
  return { value, influence: right.map((probability) => (probability - value) / count) };
}

/** Linear discriminant with shrunk within-class covariance; the shrinkage follows from the features when not given. */
function discriminant(
  { count, classes, labels, members, dimensions: featureDimensions, linear, along, epsilon }: Decomposition,
  coordinates: Features,
  given?: number,
): { probabilities: Float64Array; shrinkage: number } {
  const { dimensions, values } = coordinates;
  const means = members.map((images) => sumOf(coordinates, images).map((sum) => sum / images.length));
  const deviations = new Float64Array(values.length);
  for (let image = 0; image < count; image++) {
    const mean = means[labels[image]];
    for (let d = 0, at = image * dimensions; d < dimensions; d++, at++) deviations[at] = values[at] - mean[d];
  }
  const within = linear.gramOfColumns({ count, size: dimensions, values: deviations }).map((value) => value / count);
  const start = along(new Float64Array(featureDimensions).fill(1));
  const largest = largestEigenvalue(within, start);
  const shrinkage = given ?? Math.max(Math.exp(-5 * largest), 1e-10);
  let trace = 0;
  for (let d = 0; d < dimensions; d++) trace += within[d * dimensions + d];
  // Never less than rounding makes of the smallest eigenvalues.
  const ridge = Math.max((shrinkage * trace) / featureDimensions, 4 * dimensions * epsilon * largest);
  for (let at = 0; at < within.length; at++) within[at] *= 1 - shrinkage;
  for (let d = 0; d < dimensions; d++) within[d * dimensions + d] += ridge;
  if (!(ridge > 0)) return { probabilities: new Float64Array(count * classes).fill(Number.NaN), shrinkage };

  const right = new Float64Array(dimensions * classes);
  means.forEach((mean, label) => mean.forEach((value, d) => (right[d * classes + label] = value)));
  const { solution } = linear.solve(within, dimensions, right, classes);
  const directions = new Float64Array(solution.length);
  const offsets = new Float64Array(classes);
  for (let label = 0; label < classes; label++) {
    offsets[label] = Math.log(members[label].length / count);
    for (let d = 0; d < dimensions; d++) {
      const along = (directions[label * dimensions + d] = solution[d * classes + label]);
      offsets[label] -= (along * means[label][d]) / 2;
    }
  }
  const scores = linear.products(rowsOf(coordinates), { count: classes, size: dimensions, values: directions });
  for (let row = 0; row < scores.length; row += classes) {
    for (let label = 0; label < classes; label++) scores[row + label] += offsets[label];
    softmaxInPlace(scores, row, classes);
  }
  return { probabilities: scores, shrinkage };
}

/** Softmax of one row of a table. */
function softmaxInPlace(values: Float64Array, row: number, columns: number): void {
  let largest = Number.NEGATIVE_INFINITY;
  for (let at = row; at < row + columns; at++) largest = Math.max(largest, values[at]);
  let sum = 0;
  for (let at = row; at < row + columns; at++) sum += values[at] = Math.exp(values[at] - largest);
  for (let at = row; at < row + columns; at++) values[at] /= sum;
}

/** Three rounds of power iteration from the row sums, as published: close enough to set a shrinkage by. */
function largestEigenvalue(matrix: Float64Array, start: Float64Array): number {
  const n = start.length;
  const times = (vector: Float64Array): Float64Array => {
    const product = new Float64Array(n);
    for (let i = 0, at = 0; i < n; i++) for (let j = 0; j < n; j++, at++) product[i] += matrix[at] * vector[j];
    return product;
  };
  const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, i) => sum + value * b[i], 0);
  const unit = (vector: Float64Array): Float64Array => {
    const length = Math.sqrt(dot(vector, vector));
    return vector.map((value) => (length === 0 ? 0 : value / length));
  };
  let x: Float64Array = times(start);
  let y = x;
  for (let round = 0; round < 3; round++) {
    y = unit(times(x));
    x = unit(times(y));
  }
  return dot(x, times(y));
}
