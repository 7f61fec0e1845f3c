import { eigenProjections } from '../linear/symmetric.ts';

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

/** The features minus their mean over the images. */
export function centred({ dimensions, values }: Features): Features {
  const count = values.length / dimensions;
  const mean = new Float64Array(dimensions);
  for (let at = 0; at < values.length; at++) mean[at % dimensions] += values[at] / count;
  return { dimensions, values: Float64Array.from(values, (value, at) => value - mean[at % dimensions]) };
}

/** FᵀF over the images: dimensions × dimensions. */
export function gramOfDimensions({ dimensions, values }: Features): Float64Array {
  const gram = new Float64Array(dimensions * dimensions);
  for (let row = 0; row < values.length; row += dimensions) {
    for (let i = 0; i < dimensions; i++) {
      const value = values[row + i];
      // Features after a ReLU are mostly zero.
      if (value === 0) continue;
      for (let j = 0; j <= i; j++) gram[i * dimensions + j] += value * values[row + j];
    }
  }
  return mirrored(gram, dimensions);
}

/** FFᵀ: count × count. */
export function gramOfImages({ dimensions, values }: Features): Float64Array {
  const count = values.length / dimensions;
  const gram = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    for (let j = 0; j <= i; j++) {
      let dot = 0;
      for (let a = i * dimensions, b = j * dimensions; a < (i + 1) * dimensions; a++, b++) dot += values[a] * values[b];
      gram[i * count + j] = dot;
    }
  }
  return mirrored(gram, count);
}

function mirrored(lower: Float64Array, n: number): Float64Array {
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) lower[j * n + i] = lower[i * n + j];
  return lower;
}

export interface ClassSpectrum {
  /** σ = s², the squared singular values above rounding, descending. */
  readonly sigma: Float64Array;
  /** rank × classes: Uᵀ of each class's indicator vector, U the left singular vectors. */
  readonly projections: Float64Array;
}

/**
 * What the scores need of the singular value decomposition F = U S Vᵀ: σ = S² and the class indicators in the basis U.
 * From the eigenvectors of the smaller of FᵀF and FFᵀ; directions below max(count, dimensions) · ε of the largest σ are
 * rounding and left out.
 */
export function classSpectrum(features: Features, labels: ArrayLike<number>, classes: number): ClassSpectrum {
  const { dimensions } = features;
  const count = labels.length;
  const wide = count < dimensions;
  const side = wide ? count : dimensions;
  // The indicators themselves, or FᵀY; then Uᵀy = Vᵀ(Fᵀy) / s.
  const right = new Float64Array(side * classes);
  imagesByClass(labels, classes).forEach((members, label) => {
    if (wide) for (const image of members) right[image * classes + label] = 1;
    else sumOf(features, members).forEach((sum, d) => (right[d * classes + label] = sum));
  });
  const { values, projections } = eigenProjections(wide ? gramOfImages(features) : gramOfDimensions(features), side, right, classes);
  const floor = Math.max(count, dimensions) * Number.EPSILON * Math.max(values[0], 0);
  const rank = values.filter((value) => value > floor).length;
  const scaled = projections.subarray(0, rank * classes);
  if (!wide) scaled.forEach((value, at) => (scaled[at] = value / Math.sqrt(values[Math.floor(at / classes)])));
  return { sigma: values.slice(0, rank), projections: scaled };
}
