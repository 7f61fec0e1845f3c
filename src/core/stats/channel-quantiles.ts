import type { Tensor } from '../network/types.ts';
import { quantileOfSorted } from './quantile.ts';

/** Quantile levels of a channel's activation distribution: k / 31 for k = 0 … 31, so the first is the minimum and the last the maximum. */
export const CHANNEL_QUANTILES = 32;

/**
 * Summarises each channel's distribution by its quantiles (METHOD.md §7, source–target alignment), linear-interpolated.
 *
 * @param values channel-major: values[c · samples + s]
 * @returns channels × 32
 */
export function channelQuantiles(values: Float32Array, channels: number): Tensor {
  const samples = values.length / channels;
  const data = new Float32Array(channels * CHANNEL_QUANTILES);
  for (let c = 0; c < channels; c++) {
    const sorted = values.slice(c * samples, (c + 1) * samples).sort();
    for (let k = 0; k < CHANNEL_QUANTILES; k++) data[c * CHANNEL_QUANTILES + k] = quantileOfSorted(sorted, k / (CHANNEL_QUANTILES - 1));
  }
  return { shape: [channels, CHANNEL_QUANTILES], data };
}
