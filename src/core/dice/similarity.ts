import { packTriangle } from './triangle.ts';

/** Kernels (or channels) as rows of values: count × size, row-major. */
export interface KernelMatrix {
  readonly count: number;
  readonly size: number;
  readonly values: Float32Array | Float64Array;
}

export interface SimilarityOptions {
  /**
   * Equation 2, (w + 1) / 2. True for weights and signed activations; false for activations after a ReLU, which are
   * already ≥ 0.
   */
  readonly rescale: boolean;
  /** Only the columns [from, to) are compared, all of them unless given; equation 1 looks at the whole row still. */
  readonly columns?: { readonly from: number; readonly to: number };
}

/** What all kernels of a layer have in common, pair by pair. */
export interface Similarities {
  /** S below the diagonal, row after row: S_ij with j < i at i(i − 1)/2 + j. */
  readonly triangle: Float64Array;
  /** Equation 4, one value a kernel. */
  readonly averages: Float64Array;
}

/**
 * How a profile compares kernels: {@link compareKernels}, or a faster twin of it. What it returns is lent: the next comparison
 * may overwrite it, because copying S takes a third as long as computing it.
 */
export type Compare = (matrix: KernelMatrix, options: SimilarityOptions) => Similarities;

/** Rows after equations 1 and 2: all values in [0, 1]. */
interface NormalisedRows {
  readonly count: number;
  readonly size: number;
  readonly values: Float64Array;
}

/**
 * Equations 1 and 2 (Hajbi 2025): each row divided by its own largest absolute value, then rescaled to [0, 1] where
 * asked. An all-zero row stays all zero under equation 1.
 */
export function normaliseRows(matrix: KernelMatrix, { rescale }: SimilarityOptions): NormalisedRows {
  const { count, size } = matrix;
  const values = new Float64Array(count * size);
  for (let row = 0; row < count; row++) {
    const end = (row + 1) * size;
    let largest = 0;
    for (let k = row * size; k < end; k++) largest = Math.max(largest, Math.abs(matrix.values[k]));
    if (largest === 0) largest = 1;
    for (let k = row * size; k < end; k++) {
      const value = matrix.values[k] / largest;
      values[k] = rescale ? (value + 1) / 2 : value;
    }
  }
  return { count, size, values };
}

/**
 * City-block distances between all rows over the columns [from, to), added into `distances` (count × count; the lower
 * triangle, row > column, is the one filled).
 */
function addDistances(rows: NormalisedRows, from: number, to: number, distances: Float64Array): void {
  const { count, size, values } = rows;
  for (let i = 1; i < count; i++) {
    const a = i * size;
    let j = 0;
    // Four rows at a time share the loads of row i. |a − b| because it needs no branch, unlike a minimum.
    for (; j + 4 <= i; j += 4) {
      let b0 = j * size + from;
      let b1 = b0 + size;
      let b2 = b1 + size;
      let b3 = b2 + size;
      let d0 = 0;
      let d1 = 0;
      let d2 = 0;
      let d3 = 0;
      for (let k = a + from; k < a + to; k++) {
        const value = values[k];
        d0 += Math.abs(value - values[b0++]);
        d1 += Math.abs(value - values[b1++]);
        d2 += Math.abs(value - values[b2++]);
        d3 += Math.abs(value - values[b3++]);
      }
      const at = i * count + j;
      distances[at] += d0;
      distances[at + 1] += d1;
      distances[at + 2] += d2;
      distances[at + 3] += d3;
    }
    for (; j < i; j++) {
      const b = j * size;
      let distance = 0;
      for (let k = from; k < to; k++) distance += Math.abs(values[a + k] - values[b + k]);
      distances[i * count + j] += distance;
    }
  }
}

/** Sum of each row over the columns [from, to). */
function rowSums({ count, size, values }: NormalisedRows, from: number, to: number): Float64Array {
  const sums = new Float64Array(count);
  for (let row = 0; row < count; row++) for (let k = from; k < to; k++) sums[row] += values[row * size + k];
  return sums;
}

/**
 * Equation 3 by its identity S_ij = 1 − ‖ŵ_i − ŵ_j‖₁ / (Σŵ_i + Σŵ_j). Two rows without mass are equal: S = 1.
 *
 * @param distances lower triangle from {@link addDistances}
 * @param sums from {@link rowSums} over the same columns
 * @returns count × count, symmetric, ones on the diagonal
 */
function similarityFromDistances(distances: Float64Array, sums: Float64Array): Float64Array {
  const count = sums.length;
  const similarity = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    similarity[i * count + i] = 1;
    for (let j = 0; j < i; j++) {
      const mass = sums[i] + sums[j];
      const value = mass === 0 ? 1 : 1 - distances[i * count + j] / mass;
      similarity[i * count + j] = value;
      similarity[j * count + i] = value;
    }
  }
  return similarity;
}

/** {@link similarityMatrix} of rows that are normalised, over the columns [from, to). */
export function similarityOfRows(rows: NormalisedRows, from: number, to: number): Float64Array {
  const distances = new Float64Array(rows.count * rows.count);
  addDistances(rows, from, to, distances);
  return similarityFromDistances(distances, rowSums(rows, from, to));
}

/**
 * Sørensen–Dice similarity of all pairs of kernels (Hajbi 2025, eq. 1–3; Dice 1945). Without rescaling a dead (all-zero)
 * row has S = 1 with another dead one and 0 with a live one. Values must be finite: see {@link requireFinite}.
 *
 * @returns S, count × count, row-major, symmetric, in [0, 1], ones on the diagonal
 */
export function similarityMatrix(matrix: KernelMatrix, options: SimilarityOptions): Float64Array {
  const { from, to } = options.columns ?? { from: 0, to: matrix.size };
  return similarityOfRows(normaliseRows(matrix, options), from, to);
}

/**
 * Equation 4: S_avg,i = mean over j ≠ i of S_ij. NaN for a single kernel, which has nothing to be similar to.
 *
 * @param similarity S, count × count
 */
export function averageSimilarity(similarity: Float64Array, count: number): Float64Array {
  const averages = new Float64Array(count);
  for (let i = 0; i < count; i++) {
    let sum = -similarity[i * count + i];
    for (let j = 0; j < count; j++) sum += similarity[i * count + j];
    averages[i] = sum / (count - 1);
  }
  return averages;
}

/** {@link similarityMatrix} as a triangle, with {@link averageSimilarity}. */
export function compareKernels(matrix: KernelMatrix, options: SimilarityOptions): Similarities {
  const similarity = similarityMatrix(matrix, options);
  return { triangle: packTriangle(similarity, matrix.count), averages: averageSimilarity(similarity, matrix.count) };
}
