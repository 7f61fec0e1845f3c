import { similarityMatrix, type SampledActivations } from '../dice/index.ts';
import { activationSites, nodeOf, referenceForward, type ActivationSite, type Network, type Tensor } from '../network/index.ts';
import { CHANNEL_QUANTILES, channelQuantiles } from '../stats/channel-quantiles.ts';
import { normalQuantile } from './normal.ts';

/** Points that stand for a normal distribution. */
const NORMAL_POINTS_MAX = 512;

/** Source–target alignment of a backbone. */
export interface Alignment {
  /** In [0, 1]; mean over the layers weighted by their channels. */
  readonly value: number;
  /** Where the source's distributions come from: the card's quantiles, or the normal distribution of the moving statistics. */
  readonly from: 'source quantiles' | 'batch normalisation';
  readonly layers: readonly { readonly layer: string; readonly channels: number; readonly alignment: number }[];
  /** Convolutions of which the source says nothing. */
  readonly skipped: number;
}

/**
 * Source–target alignment (Hajbi 2025, §6.3; METHOD.md §7): for each channel the Dice similarity of its activations'
 * distribution on the source and on the target, both as 32 quantiles, each divided by its own largest absolute value and,
 * where activations are signed, rescaled to [0, 1].
 *
 * @param target activations on the target's images, by convolution (Engine.activations)
 * @param quantiles channels × 32 on the source, by convolution, where they were kept; otherwise the source side of a
 *   convolution with BatchNormalization is the normal distribution of its moving mean and variance, sent through the layers
 *   up to where activations are read
 * @returns null where the source says nothing of any convolution
 */
export function alignment(
  network: Network,
  target: ReadonlyMap<string, SampledActivations>,
  quantiles?: ReadonlyMap<string, Tensor>,
): Alignment | null {
  const layers: Alignment['layers'][number][] = [];
  let skipped = 0;
  for (const site of activationSites(network)) {
    const sample = target.get(site.conv);
    if (sample === undefined) continue;
    const { channels, samples, values } = sample;
    const source = quantiles === undefined ? normalQuantiles(network, site, samples) : quantiles.get(site.conv);
    if (source === undefined || source.shape[0] !== channels) {
      skipped++;
      continue;
    }
    const seen = channelQuantiles(values, channels);
    let sum = 0;
    const pair = new Float32Array(2 * CHANNEL_QUANTILES);
    for (let c = 0; c < channels; c++) {
      const [from, to] = [c * CHANNEL_QUANTILES, (c + 1) * CHANNEL_QUANTILES];
      pair.set(source.data.subarray(from, to));
      pair.set(seen.data.subarray(from, to), CHANNEL_QUANTILES);
      sum += similarityMatrix({ count: 2, size: CHANNEL_QUANTILES, values: pair }, { rescale: !sample.nonNegative })[1];
    }
    layers.push({ layer: site.conv, channels, alignment: sum / channels });
  }
  const channels = layers.reduce((sum, layer) => sum + layer.channels, 0);
  if (channels === 0) return null;
  return {
    value: layers.reduce((sum, layer) => sum + layer.channels * layer.alignment, 0) / channels,
    from: quantiles === undefined ? 'batch normalisation' : 'source quantiles',
    layers,
    skipped,
  };
}

/**
 * What the moving statistics say of a convolution's activations: evenly spread quantiles of the normal distribution, sent
 * through BatchNormalization and activation as a small network of their own. Undefined without moving statistics.
 */
function normalQuantiles(network: Network, site: ActivationSite, samples: number): Tensor | undefined {
  const chain = [nodeOf(network, site.read)];
  while (chain[0].inputs[0] !== site.conv && chain[0].id !== site.conv) chain.unshift(nodeOf(network, chain[0].inputs[0]));
  const mean = network.weights.get(`${chain[0].id}/moving_mean`);
  const variance = network.weights.get(`${chain[0].id}/moving_variance`);
  if (mean === undefined || variance === undefined) return undefined;
  const channels = mean.data.length;
  const points = Math.min(samples, NORMAL_POINTS_MAX);
  const input = new Float32Array(points * channels);
  for (let point = 0; point < points; point++) {
    const z = normalQuantile((point + 0.5) / points);
    for (let c = 0; c < channels; c++) input[point * channels + c] = mean.data[c] + Math.sqrt(variance.data[c]) * z;
  }
  const entrance = { id: site.conv, kind: 'Input', config: { shape: [points, 1, channels] }, inputs: [] } as const;
  const sent = referenceForward({ ...network, nodes: [entrance, ...chain] }, input).get(site.read) ?? input;
  const byChannel = new Float32Array(sent.length);
  for (let point = 0; point < points; point++) {
    for (let c = 0; c < channels; c++) byChannel[c * points + point] = sent[point * channels + c];
  }
  return channelQuantiles(byChannel, channels);
}
