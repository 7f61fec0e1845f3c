import { type Compare, type KernelMatrix, pairsOf, type SimilarityOptions } from '../dice/index.ts';
import type { Portion } from './portion.ts';

/** Dice similarities of convolutions' kernels that were computed before, by layer: each as `packTriangle` gives it. */
export type StoredSimilarities = ReadonlyMap<string, Float32Array>;

/** One kernel of every channel of the group, compared. */
interface Part {
  /** Pairs of kernels below the diagonal, as `packTriangle` gives them. */
  readonly triangle: Float32Array | Float64Array;
  /** Which kernel is each channel's. */
  readonly own: Int32Array;
  /** σ: sums of the kernels' normalised values; not asked for where there is one part only. */
  sums(): Float64Array;
}

/**
 * Similarity of a group's channels, whose kernels are those of several layers one after the other: with σ_i the sum of a
 * normalised kernel, 2·Σ min = S_ij·(σ_i + σ_j), so that the similarity of the concatenated kernels, each
 * normalised by itself (METHOD.md §3), is Σ_m S_m,ij·(σ_m,i + σ_m,j) / Σ_m (σ_m,i + σ_m,j). Two channels without mass are equal.
 *
 * @param parts made one by one; a part may be lent until the next is asked for
 * @returns size × size
 */
function similarityOf(parts: readonly (() => Part)[], size: number): Float64Array {
  const similarity = new Float64Array(size * size);
  const isAlone = parts.length === 1;
  /** Σ_m σ_m,i; where there is one kernel a channel, its weight plays no part. */
  const totals = new Float64Array(size).fill(isAlone ? 0.5 : 0);
  for (const make of parts) {
    const { triangle, own, sums } = make();
    const weights = isAlone ? totals : picked(sums(), own);
    addWeighted(similarity, triangle, own, weights);
    if (!isAlone) for (let i = 0; i < size; i++) totals[i] += weights[i];
  }
  for (let i = 0; i < size; i++) {
    const row = similarity.subarray(i * size, i * size + i);
    const total = totals[i];
    if (!isAlone) for (let j = 0; j < i; j++) row[j] = total + totals[j] === 0 ? 1 : row[j] / (total + totals[j]);
    similarity[i * size + i] = 1;
  }
  mirror(similarity, size);
  return similarity;
}

/**
 * Similarity of a group's channels from those of its producers' kernels.
 *
 * @param kernels of the group's producers
 * @returns size × size; undefined where a producer's similarities are not stored
 */
export function storedSimilarity(kernels: readonly Portion[], size: number, stored: StoredSimilarities): Float64Array | undefined {
  const parts: (() => Part)[] = [];
  for (const portion of kernels) {
    const triangle = stored.get(portion.node);
    if (triangle?.length !== pairsOf(portion.tensor.shape[portion.axis])) return undefined;
    for (let slot = 0; slot < portion.indices[0].length; slot++) {
      const own = Int32Array.from(portion.indices, (channels) => channels[slot]);
      parts.push(() => ({ triangle, own, sums: () => sumsOfPortion(portion) }));
    }
  }
  return similarityOf(parts, size);
}

/**
 * Similarity of a group's channels.
 *
 * @param matrices one for each kernel of a channel, all of the same count: row c belongs to channel c
 * @returns size × size
 */
export function rowsSimilarity(matrices: readonly (KernelMatrix & SimilarityOptions)[], compare: Compare): Float64Array {
  const { count } = matrices[0];
  const own = Int32Array.from({ length: count }, (_, channel) => channel);
  const parts = matrices.map((matrix) => (): Part => {
    const { triangle } = compare(matrix, matrix);
    return { triangle, own, sums: () => sumsOfRows(matrix) };
  });
  return similarityOf(parts, count);
}

const picked = (values: Float64Array, own: Int32Array): Float64Array => Float64Array.from(own, (kernel) => values[kernel]);

/** Adds S_ij·(σ_i + σ_j) below the diagonal. */
function addWeighted(similarity: Float64Array, packed: Part['triangle'], own: Int32Array, weights: Float64Array): void {
  const size = own.length;
  // As nearly always: then the pairs of a row lie in one row of the triangle.
  const isAscending = own.every((kernel, at) => at === 0 || own[at - 1] < kernel);
  for (let i = 1; i < size; i++) {
    const row = similarity.subarray(i * size, i * size + i);
    const weight = weights[i];
    const a = own[i];
    if (isAscending) {
      const pairs = packed.subarray(pairsOf(a), pairsOf(a) + a);
      for (let j = 0; j < row.length; j++) row[j] += pairs[own[j]] * (weight + weights[j]);
    } else {
      for (let j = 0; j < row.length; j++) {
        const b = own[j];
        row[j] += packed[a > b ? pairsOf(a) + b : pairsOf(b) + a] * (weight + weights[j]);
      }
    }
  }
}

/** Rows and columns of a block stay in the cache together. */
const BLOCK = 32;

function mirror(matrix: Float64Array, size: number): void {
  for (let top = 0; top < size; top += BLOCK) {
    for (let left = 0; left <= top; left += BLOCK) {
      for (let i = top; i < Math.min(top + BLOCK, size); i++) {
        for (let j = left; j < Math.min(left + BLOCK, i); j++) matrix[j * size + i] = matrix[i * size + j];
      }
    }
  }
}

/** Σŵ of every kernel along the portion's axis. */
function sumsOfPortion({ tensor: { shape, data }, axis }: Portion): Float64Array {
  const side = shape[axis];
  const inner = shape.slice(axis + 1).reduce((product, length) => product * length, 1);
  const sums = new Float64Array(side);
  const largest = new Float64Array(side);
  for (let from = 0, kernel = 0; from < data.length; from += inner, kernel = kernel + 1 === side ? 0 : kernel + 1) {
    for (let at = from; at < from + inner; at++) {
      const value = data[at];
      sums[kernel] += value;
      if (value > largest[kernel]) largest[kernel] = value;
      else if (-value > largest[kernel]) largest[kernel] = -value;
    }
  }
  return normalised(sums, largest, data.length / side, true);
}

/** Σŵ of every row. */
function sumsOfRows({ count, size, values, rescale }: KernelMatrix & SimilarityOptions): Float64Array {
  const sums = new Float64Array(count);
  const largest = new Float64Array(count);
  for (let row = 0; row < count; row++) {
    for (let at = row * size; at < (row + 1) * size; at++) {
      sums[row] += values[at];
      largest[row] = Math.max(largest[row], Math.abs(values[at]));
    }
  }
  return normalised(sums, largest, size, rescale);
}

/** Σw / max|w|, nothing for a kernel of zeros; and (Σw / max|w| + values) / 2 after equation 2. */
function normalised(sums: Float64Array, largest: Float64Array, values: number, rescale: boolean): Float64Array {
  return sums.map((sum, kernel) => {
    const scaled = largest[kernel] === 0 ? 0 : sum / largest[kernel];
    return rescale ? (scaled + values) / 2 : scaled;
  });
}
