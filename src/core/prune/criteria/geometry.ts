import { meanOver, ofWeights, relative } from './criterion.ts';

/**
 * Σ_j ‖w_i − w_j‖₂ over the layer's filters, signs kept: one near the geometric median is replaceable (FPGM, He et al.
 * 2019); divided by the layer's mean, averaged over the producers.
 */
export const fpgm = ofWeights(
  (view) => meanOver(view.rows(), view.size, (matrices) => relative(distanceSums(view.products(matrices), view.size))),
  { pairwise: true },
);

/**
 * ‖w_i‖₂ over the layer's mean, times the mean angle between w_i and the layer's other filters as a share of π, averaged
 * over the producers: a filter that is short, or that points where others point, leaves first. A filter of zeros is at a
 * right angle to all.
 *
 * This is the plain reading of "angular dissimilarity among filters with group lasso" (Yao et al. 2022, arXiv
 * 2210.16504); the lasso is its sparse training, see schedules/. Only the paper's abstract could be had: how it weights norm,
 * angle and the layers' connectivity is not checked.
 */
export const dacp = ofWeights(
  (view) =>
    meanOver(view.rows(), view.size, (matrices) => {
      const { size } = view;
      const dots = view.products(matrices);
      const norms = Float64Array.from({ length: size }, (_, i) => Math.sqrt(dots[i * size + i]));
      const lengths = relative(norms);
      return lengths.map((length, i) => {
        let angles = 0;
        for (let j = 0; j < size; j++) if (j !== i) angles += angleOf(dots[i * size + j], norms[i] * norms[j]);
        return (length * angles) / (Math.PI * (size - 1));
      });
    }),
  { pairwise: true },
);

const angleOf = (dot: number, lengths: number): number =>
  lengths === 0 ? Math.PI / 2 : Math.acos(Math.min(1, Math.max(-1, dot / lengths)));

/** ‖a − b‖² = ‖a‖² + ‖b‖² − 2ab: one table of products in place of a subtraction for every pair and value. */
function distanceSums(dots: Float64Array, size: number): Float64Array {
  const squares = Float64Array.from({ length: size }, (_, i) => dots[i * size + i]);
  const sums = new Float64Array(size);
  for (let i = 1; i < size; i++) {
    for (let j = 0; j < i; j++) {
      const distance = Math.sqrt(Math.max(0, squares[i] + squares[j] - 2 * dots[i * size + j]));
      sums[i] += distance;
      sums[j] += distance;
    }
  }
  return sums;
}
