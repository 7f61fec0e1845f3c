import { gramOfRows } from '../../linear/gram.ts';
import type { GroupRows } from '../view.ts';
import { meanOver, ofWeights, relative } from './criterion.ts';

/**
 * Σ_j ‖w_i − w_j‖₂ over the layer's filters, signs kept: one near the geometric median is replaceable (FPGM, He et al.
 * 2019); divided by the layer's mean, averaged over the producers.
 */
export const fpgm = ofWeights((view) => meanOver(view.rows(), view.size, (matrices) => relative(distanceSums(matrices, view.size))), {
  pairwise: true,
});

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
      const dots = dotsOf(matrices, size);
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
function distanceSums(matrices: readonly GroupRows[], size: number): Float64Array {
  const dots = dotsOf(matrices, size);
  const sums = new Float64Array(size);
  for (let i = 1; i < size; i++) {
    for (let j = 0; j < i; j++) {
      const distance = Math.sqrt(Math.max(0, dots[i * size + i] + dots[j * size + j] - 2 * dots[i * size + j]));
      sums[i] += distance;
      sums[j] += distance;
    }
  }
  return sums;
}

/** Products of all pairs of filters, size × size; a filter in several matrices is their rows one after the other. */
function dotsOf(matrices: readonly GroupRows[], size: number): Float64Array {
  const [total, ...others] = matrices.map(gramOfRows);
  for (const own of others) for (let at = 0; at < size * size; at++) total[at] += own[at];
  return total;
}
