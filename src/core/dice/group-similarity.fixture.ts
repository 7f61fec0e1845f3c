import { normaliseRows, similarityOfRows, type KernelMatrix, type SimilarityOptions } from './similarity.ts';
/**
 * Similarity of the channels of a dependency group by its definition (METHOD.md §3): the kernel of a channel is the concatenation of its kernels in every
 * producer of the group, each producer normalised by itself, S_ij = 2·Σ_m Σ min / Σ_m (Σŵ_i + Σŵ_j). One producer is
 * {@link similarityMatrix} unchanged.
 *
 * @param matrices one per producer, all of the same count: row c is the kernel of the group's channel c. `rescale` is
 *   true unless said; false for activations after a ReLU
 */
export function groupSimilarity(matrices: readonly (KernelMatrix & Partial<SimilarityOptions>)[]): Float64Array {
  const count = matrices[0].count;
  const size = matrices.reduce((sum, matrix) => sum + matrix.size, 0);
  const values = new Float64Array(count * size);
  let column = 0;
  for (const matrix of matrices) {
    const rows = normaliseRows(matrix, { rescale: matrix.rescale ?? true });
    for (let row = 0; row < count; row++) {
      values.set(rows.values.subarray(row * rows.size, (row + 1) * rows.size), row * size + column);
    }
    column += rows.size;
  }
  return similarityOfRows({ count, size, values }, 0, size);
}
