import { gramOfColumns, gramOfRows, type Rows } from '../linear/gram.ts';
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

/** The features as rows of a matrix. */
export function rowsOf({ dimensions, values }: Features): Rows {
  return { count: values.length / dimensions, size: dimensions, values };
}

/** The smaller of FᵀF and FFᵀ, and the class indicators seen from its side: all that {@link spectrumOf} needs. */
export interface ClassGram {
  readonly count: number;
  readonly dimensions: number;
  readonly classes: number;
  /** True where it is FFᵀ: fewer images than dimensions. */
  readonly wide: boolean;
  readonly side: number;
  /** side × side. */
  readonly gram: Float64Array;
  /** side × classes: the indicators Y themselves when wide, FᵀY otherwise. */
  readonly right: Float64Array;
}

export function classGram(features: Features, labels: ArrayLike<number>, classes: number): ClassGram {
  const { dimensions } = features;
  const count = labels.length;
  const wide = count < dimensions;
  const side = wide ? count : dimensions;
  const gram = wide ? gramOfRows(rowsOf(features)) : gramOfColumns(rowsOf(features));
  const right = wide ? indicators(labels, classes) : classSums(features, labels, classes);
  return { count, dimensions, classes, wide, side, gram, right };
}

/** The same without some images: parts of what is known are taken away, which costs far less than starting again. */
export function withoutImages(whole: ClassGram, features: Features, labels: ArrayLike<number>, images: readonly number[]): ClassGram {
  const count = whole.count - images.length;
  if (!whole.wide) {
    const left = takeImages(features, images);
    const leftLabels = images.map((image) => labels[image]);
    const gram = gramOfColumns(rowsOf(left));
    const right = classSums(left, leftLabels, whole.classes);
    return { ...whole, count, gram: whole.gram.map((x, at) => x - gram[at]), right: whole.right.map((x, at) => x - right[at]) };
  }
  const left = new Set(images);
  const kept = Array.from(labels, (_, image) => image).filter((image) => !left.has(image));
  const gram = new Float64Array(count * count);
  kept.forEach((from, row) => kept.forEach((column, at) => (gram[row * count + at] = whole.gram[from * whole.side + column])));
  const keptLabels = kept.map((image) => labels[image]);
  return { ...whole, count, side: count, gram, right: indicators(keptLabels, whole.classes) };
}

function indicators(labels: ArrayLike<number>, classes: number): Float64Array {
  const matrix = new Float64Array(labels.length * classes);
  for (let image = 0; image < labels.length; image++) matrix[image * classes + labels[image]] = 1;
  return matrix;
}

/** Sum of the features of each class: dimensions × classes. */
function classSums({ dimensions, values }: Features, labels: ArrayLike<number>, classes: number): Float64Array {
  const sums = new Float64Array(dimensions * classes);
  for (let at = 0; at < values.length; at++) sums[(at % dimensions) * classes + labels[Math.floor(at / dimensions)]] += values[at];
  return sums;
}

export interface ClassSpectrum {
  /** σ = s², the squared singular values above rounding, descending. */
  readonly sigma: Float64Array;
  /** rank × classes: Uᵀ of each class's indicator vector, U the left singular vectors. */
  readonly projections: Float64Array;
}

/**
 * What the scores need of the singular value decomposition F = U S Vᵀ: σ = S² and the class indicators in the basis U,
 * where U = F V / S when FᵀF is the smaller side. Directions below max(count, dimensions) · ε of the largest σ are
 * rounding and left out.
 */
export function spectrumOf({ count, dimensions, classes, wide, side, gram, right }: ClassGram): ClassSpectrum {
  const { values, projections } = eigenProjections(gram, side, right, classes);
  const floor = Math.max(count, dimensions) * Number.EPSILON * Math.max(values[0], 0);
  const rank = values.filter((value) => value > floor).length;
  const scaled = projections.subarray(0, rank * classes);
  if (!wide) scaled.forEach((value, at) => (scaled[at] = value / Math.sqrt(values[Math.floor(at / classes)])));
  return { sigma: values.slice(0, rank), projections: scaled };
}
