import type { Rows } from '../linear/gram.ts';

/** Features of images at the penultimate layer: count × dimensions, row-major, one row an image. */
export interface Features {
  readonly dimensions: number;
  readonly values: Float32Array | Float64Array;
}

/** Indices of the images of each class; a class without images has none. */
export function imagesByClass(labels: ArrayLike<number>, classes: number): number[][] {
  const images: number[][] = Array.from({ length: classes }, () => []);
  for (let image = 0; image < labels.length; image++) images[labels[image]].push(image);
  return images;
}

/** The features of some images, in that order. */
export function takeImages({ dimensions, values }: Features, images: ArrayLike<number>): Features {
  const taken = new Float64Array(images.length * dimensions);
  for (let i = 0; i < images.length; i++) {
    taken.set(values.subarray(images[i] * dimensions, (images[i] + 1) * dimensions), i * dimensions);
  }
  return { dimensions, values: taken };
}

/** Sum of the features of some images, one value a dimension. */
export function sumOf({ dimensions, values }: Features, images: ArrayLike<number>): Float64Array {
  const sum = new Float64Array(dimensions);
  for (let i = 0; i < images.length; i++) {
    for (let d = 0; d < dimensions; d++) sum[d] += values[images[i] * dimensions + d];
  }
  return sum;
}

/** The features minus their mean over the images, and that mean. */
export function centreOf({ dimensions, values }: Features): { centred: Features & { values: Float64Array }; mean: Float64Array } {
  const count = values.length / dimensions;
  const mean = new Float64Array(dimensions);
  for (let row = 0; row < values.length; row += dimensions) for (let d = 0; d < dimensions; d++) mean[d] += values[row + d];
  for (let d = 0; d < dimensions; d++) mean[d] /= count;
  const centred = new Float64Array(values.length);
  for (let row = 0; row < values.length; row += dimensions)
    for (let d = 0; d < dimensions; d++) centred[row + d] = values[row + d] - mean[d];
  return { centred: { dimensions, values: centred }, mean };
}

/** The features as rows of a matrix. */
export function rowsOf({ dimensions, values }: Features): Rows {
  return { count: values.length / dimensions, size: dimensions, values };
}
