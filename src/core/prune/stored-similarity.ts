import { pairsOf } from '../dice/index.ts';
import type { Portion } from './portion.ts';

/** Dice similarities of convolutions' kernels that were computed before, by layer: each as `packTriangle` gives it. */
export type StoredSimilarities = ReadonlyMap<string, Float32Array>;

/**
 * Similarity of a group's channels from those of its producers' kernels: with σ_i = Σŵ_i the sum of a rescaled kernel,
 * 2·Σ min = S_ij·(σ_i + σ_j), so that what `groupSimilarity` computes of the concatenated kernels is
 * Σ_m S_m,ij·(σ_m,i + σ_m,j) / Σ_m (σ_m,i + σ_m,j).
 *
 * @param kernels of the group's producers
 * @returns size × size; undefined where a producer's similarities are not stored
 */
export function storedSimilarity(kernels: readonly Portion[], size: number, stored: StoredSimilarities): Float64Array | undefined {
  const similarity = new Float64Array(size * size);
  const isAlone = kernels.length === 1 && kernels[0].indices[0].length === 1;
  /** Σ_m σ_m,i; where there is one kernel a channel, its weight plays no part. */
  const totals = new Float64Array(size).fill(isAlone ? 0.5 : 0);
  for (const portion of kernels) {
    const packed = stored.get(portion.node);
    if (packed?.length !== pairsOf(portion.tensor.shape[portion.axis])) return undefined;
    const sums = isAlone ? undefined : rescaledSums(portion);
    for (let slot = 0; slot < portion.indices[0].length; slot++) {
      const own = Int32Array.from(portion.indices, (channels) => channels[slot]);
      const weights = sums ? Float64Array.from(own, (kernel) => sums[kernel]) : totals;
      addWeighted(similarity, packed, own, weights);
      if (sums) for (let i = 0; i < size; i++) totals[i] += weights[i];
    }
  }
  for (let i = 0; i < size; i++) {
    const row = similarity.subarray(i * size, i * size + i);
    const total = totals[i];
    if (!isAlone) for (let j = 0; j < i; j++) row[j] /= total + totals[j];
    similarity[i * size + i] = 1;
  }
  mirror(similarity, size);
  return similarity;
}

/** Adds S_ij·(σ_i + σ_j) below the diagonal. */
function addWeighted(similarity: Float64Array, packed: Float32Array, own: Int32Array, weights: Float64Array): void {
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

/** Σŵ of every kernel along the portion's axis: (Σw / max|w| + values) / 2, and half its values for a kernel of zeros. */
function rescaledSums({ tensor: { shape, data }, axis }: Portion): Float64Array {
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
  const values = data.length / side;
  return sums.map((sum, kernel) => ((largest[kernel] === 0 ? 0 : sum / largest[kernel]) + values) / 2);
}
