import type { SampledActivations } from '../dice/index.ts';
import type { FeatureMapStatistics } from './evidence.ts';

/** Relative spacing of the float32 values that the maps consist of. */
const EPSILON = 2 ** -23;

/**
 * Statistics of whole feature maps: mean rank (HRank, Lin et al. 2020) and share of zeros (APoZ, Hu et al. 2016) of each
 * channel.
 *
 * @param samples activations of one convolution at every position: values[(channel · images + image) · height · width + y · width + x]
 */
export function featureMapStatistics(
  { channels, samples, values, nonNegative }: SampledActivations,
  { height, width }: { readonly height: number; readonly width: number },
): FeatureMapStatistics {
  const size = height * width;
  const images = samples / size;
  const meanRank = new Float64Array(channels);
  const zeroShare = new Float64Array(channels);
  for (let channel = 0; channel < channels; channel++) {
    for (let image = 0; image < images; image++) {
      const from = channel * samples + image * size;
      const map = Float64Array.from(values.subarray(from, from + size));
      zeroShare[channel] += map.reduce((zeros, value) => zeros + (value === 0 ? 1 : 0), 0) / samples;
      meanRank[channel] += matrixRank(map, height, width) / images;
    }
  }
  return { meanRank, zeroShare, nonNegative };
}

/** Statistics over more images, from those over parts of them. */
export function joinStatistics(
  parts: readonly { readonly statistics: FeatureMapStatistics; readonly images: number }[],
): FeatureMapStatistics {
  const images = parts.reduce((sum, part) => sum + part.images, 0);
  const mean = (of: (statistics: FeatureMapStatistics) => Float64Array): Float64Array =>
    of(parts[0].statistics).map((_, channel) =>
      parts.reduce((sum, part) => sum + of(part.statistics)[channel] * (part.images / images), 0),
    );
  return {
    meanRank: mean(({ meanRank }) => meanRank),
    zeroShare: mean(({ zeroShare }) => zeroShare),
    nonNegative: parts[0].statistics.nonNegative,
  };
}

/**
 * Numerical rank by Gaussian elimination with complete pivoting: pivots count above max(rows, columns) · ε of the first.
 *
 * @param matrix rows × columns, row-major; its values are overwritten
 */
export function matrixRank(matrix: Float64Array, rows: number, columns: number): number {
  let least = 0;
  for (let rank = 0; rank < Math.min(rows, columns); rank++) {
    let largest = 0;
    let pivot = 0;
    for (let row = rank; row < rows; row++) {
      for (let at = row * columns + rank; at < (row + 1) * columns; at++) {
        const size = Math.abs(matrix[at]);
        if (size > largest) [largest, pivot] = [size, at];
      }
    }
    if (rank === 0) least = largest * Math.max(rows, columns) * EPSILON;
    if (largest <= least) return rank;
    const [pivotRow, pivotColumn] = [Math.floor(pivot / columns), pivot % columns];
    for (let column = 0; column < columns; column++) {
      const [a, b] = [rank * columns + column, pivotRow * columns + column];
      [matrix[a], matrix[b]] = [matrix[b], matrix[a]];
    }
    for (let row = 0; row < rows; row++) {
      const [a, b] = [row * columns + rank, row * columns + pivotColumn];
      [matrix[a], matrix[b]] = [matrix[b], matrix[a]];
    }
    const head = matrix[rank * columns + rank];
    for (let row = rank + 1; row < rows; row++) {
      const factor = matrix[row * columns + rank] / head;
      if (factor === 0) continue;
      for (let column = rank; column < columns; column++) matrix[row * columns + column] -= factor * matrix[rank * columns + column];
    }
  }
  return Math.min(rows, columns);
}
