import { epsilonOf, type LinearAlgebra } from '../linear/algebra.ts';
import type { Rows } from '../linear/gram.ts';
import { centreOf, type Features, imagesByClass, rowsOf } from './features.ts';

/** Above this side of the smaller Gram matrix the decomposition is float32 (METHOD.md §7), or it would take longer than the forward pass. */
const DOUBLE_SIDE_MAX = 511;

/** The centred features taken apart once for all scores: F − 1μᵀ = U S Vᵀ. */
export interface Decomposition {
  readonly count: number;
  readonly dimensions: number;
  readonly labels: ArrayLike<number>;
  readonly classes: number;
  /** Indices of the images of each class. */
  readonly members: readonly (readonly number[])[];
  /** F − 1μᵀ. */
  readonly centred: Features;
  /** σ = s², descending; as many as there are directions. */
  readonly sigma: Float64Array;
  /** Directions × classes: Uᵀ of each class's indicator. */
  readonly projections: Float64Array;
  /** Vᵀ μ, and the squared length of the rest of μ. */
  readonly meanAlong: Float64Array;
  readonly meanOutside: number;
  /** Relative rounding of the arithmetic. */
  readonly epsilon: number;
  readonly linear: LinearAlgebra;
  /** U, count × directions; worked out when first asked for. */
  left(): Float64Array;
  /** Vᵀ of a vector of as many values as there are dimensions. */
  along(vector: Float64Array): Float64Array;
}

/**
 * Takes the features apart by the eigenvectors of the smaller of FᵀF and FFᵀ. Directions whose σ is below
 * max(count, dimensions) · ε of the largest are rounding and left out.
 *
 * @param features count × dimensions, finite
 * @param labels count class indices below `classes`
 */
export function decompose(features: Features, labels: ArrayLike<number>, classes: number, linear: LinearAlgebra): Decomposition {
  const { dimensions } = features;
  const count = labels.length;
  const wide = count < dimensions;
  const side = Math.min(count, dimensions);
  const single = side > DOUBLE_SIDE_MAX;
  const { centred, mean } = centreOf(features);
  const rows = rowsOf(single ? { dimensions, values: new Float32Array(centred.values) } : centred);
  const gram = wide ? linear.gramOfRows(rows) : linear.gramOfColumns(rows);
  const { values, vectors, epsilon } = linear.eigen(single ? new Float32Array(gram) : gram, side);
  const floor = Math.max(count, dimensions) * epsilon * Math.max(values[0], 0);
  const rounding = values.findIndex((value) => value <= floor);
  const rank = rounding < 0 ? side : rounding;
  const sigma = values.slice(0, rank);
  const axes: Rows = { count: rank, size: side, values: vectors.subarray(0, rank * side) };
  const members = imagesByClass(labels, classes);

  // From the side of the dimensions the axes are V, and U = F V / S; from that of the images they are U, and Vᵀ = Uᵀ F / S.
  const perDirection = (products: Float64Array, columns: number): Float64Array =>
    products.map((value, at) => value / Math.sqrt(sigma[Math.floor(at / columns)]));
  const projections = wide
    ? sumsByClass(axes, members)
    : perDirection(linear.products(axes, rowsOf(classSums(centred, labels, classes))), classes);
  const along = (vector: Float64Array): Float64Array =>
    wide
      ? perDirection(linear.products(axes, rowOf(linear.products(rowsOf(centred), rowOf(vector)))), 1)
      : linear.products(axes, rowOf(vector));
  const meanAlong = along(mean);
  const meanLength = mean.reduce((sum, value) => sum + value * value, 0);
  let left: Float64Array | undefined;
  return {
    count,
    dimensions,
    labels,
    classes,
    members,
    centred,
    sigma,
    projections,
    meanAlong,
    meanOutside: Math.max(
      0,
      meanAlong.reduce((rest, value) => rest - value * value, meanLength),
    ),
    epsilon: Math.max(epsilon, epsilonOf(rows.values)),
    linear,
    along,
    left: () => (left ??= wide ? transposed(axes) : unitColumns(linear.products(rows, axes), sigma)),
  };
}

const rowOf = (values: Float64Array): Rows => ({ count: 1, size: values.length, values });

/** Of each axis, the sum over each class's images: axes × classes. */
function sumsByClass({ count, size, values }: Rows, members: readonly (readonly number[])[]): Float64Array {
  const sums = new Float64Array(count * members.length);
  for (let k = 0; k < count; k++) {
    members.forEach((images, label) => {
      for (const image of images) sums[k * members.length + label] += values[k * size + image];
    });
  }
  return sums;
}

/** Sum of the features of each class: one row a class. */
function classSums({ dimensions, values }: Features, labels: ArrayLike<number>, classes: number): Features {
  const sums = new Float64Array(classes * dimensions);
  for (let image = 0; image < labels.length; image++) {
    const row = image * dimensions;
    const to = labels[image] * dimensions;
    for (let d = 0; d < dimensions; d++) sums[to + d] += values[row + d];
  }
  return { dimensions, values: sums };
}

function transposed({ count, size, values }: Rows): Float64Array {
  const result = new Float64Array(count * size);
  for (let row = 0; row < count; row++) for (let at = 0; at < size; at++) result[at * count + row] = values[row * size + at];
  return result;
}

/** Columns of squared length sigma to length one. */
function unitColumns(values: Float64Array, sigma: Float64Array): Float64Array {
  const scale = sigma.map((value) => 1 / Math.sqrt(value));
  for (let row = 0; row < values.length; row += scale.length) for (let k = 0; k < scale.length; k++) values[row + k] *= scale[k];
  return values;
}

/** Coordinates of the images on the first principal axes, U S: count × axes. */
export function principalCoordinates({ count, sigma, left }: Decomposition, axes = sigma.length): Features {
  const kept = Math.min(axes, sigma.length);
  const u = left();
  const values = new Float64Array(count * kept);
  const lengths = sigma.map(Math.sqrt);
  for (let image = 0; image < count; image++) {
    for (let k = 0; k < kept; k++) values[image * kept + k] = u[image * sigma.length + k] * lengths[k];
  }
  return { dimensions: kept, values };
}

/**
 * Of each image and column, Σ_k u_ik · weights_kj: count × columns.
 *
 * @param weights directions × columns
 */
export function alongLeft({ count, sigma, linear, left }: Decomposition, weights: Float64Array, columns: number): Float64Array {
  return linear.products({ count, size: sigma.length, values: left() }, columnsAsRows(weights, sigma.length, columns));
}

/** Of each image and column, Σ_k u²_ik · weights_kj: count × columns. */
export function alongSquares({ count, sigma, linear, left }: Decomposition, weights: Float64Array, columns: number): Float64Array {
  const squares = left().map((value) => value * value);
  return linear.products({ count, size: sigma.length, values: squares }, columnsAsRows(weights, sigma.length, columns));
}

function columnsAsRows(weights: Float64Array, directions: number, columns: number): Rows {
  return { count: columns, size: directions, values: transposed({ count: directions, size: columns, values: weights }) };
}
