import type { Random } from '../random.ts';
import type { KernelMatrix, SimilarityOptions } from './similarity.ts';
import { pairsOf } from './triangle.ts';

/** Equation 3 of two rows, in float64. */
function similarityOfPair({ size, values }: KernelMatrix, { rescale }: SimilarityOptions, i: number, j: number): number {
  const [a, b] = [i, j].map((row) => values.subarray(row * size, (row + 1) * size));
  const [largestA, largestB] = [a, b].map((row) => {
    let largest = 0;
    for (let k = 0; k < size; k++) largest = Math.max(largest, Math.abs(row[k]));
    return largest || 1;
  });
  let minima = 0;
  let mass = 0;
  for (let k = 0; k < size; k++) {
    const x = rescale ? (a[k] / largestA + 1) / 2 : a[k] / largestA;
    const y = rescale ? (b[k] / largestB + 1) / 2 : b[k] / largestB;
    minima += Math.min(x, y);
    mass += x + y;
  }
  return mass === 0 ? 1 : (2 * minima) / mass;
}

/**
 * How far similarities are from equation 3 in float64: the largest difference among pairs of rows drawn at random.
 *
 * @param triangle S over all columns below the diagonal, row after row
 * @param pairs how many are drawn
 */
export function measuredError(
  matrix: KernelMatrix,
  triangle: Float64Array,
  options: SimilarityOptions,
  { pairs, random }: { pairs: number; random: Random },
): number {
  const { count } = matrix;
  let worst = 0;
  for (let pair = 0; pair < pairs; pair++) {
    const i = random.integer(count);
    const j = random.integer(count);
    if (i === j) continue;
    const similarity = triangle[pairsOf(Math.max(i, j)) + Math.min(i, j)];
    worst = Math.max(worst, Math.abs(similarity - similarityOfPair(matrix, options, i, j)));
  }
  return worst;
}
