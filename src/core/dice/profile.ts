import { Failure } from '../failure.ts';
import { kernelLayers, type Network } from '../network/index.ts';
import type { OnProgress } from '../progress.ts';
import { type DiceStatistics, profileMatrix, similaritySpectrum, type Spectrum } from './profile-matrix.ts';
import { type Compare, compareKernels, type KernelMatrix } from './similarity.ts';

export interface LayerProfile {
  /** Node id of the layer. */
  readonly layer: string;
  readonly kernels: number;
  /** Values a kernel has, or samples a channel has. */
  readonly size: number;
  /** All-zero kernels, or channels that never answered. */
  readonly dead: number;
  /** Absent where there is nothing to compare: the note says why. */
  readonly dice?: DiceStatistics;
  readonly note?: string;
}

export interface ModelProfile {
  readonly source: 'weights' | 'activations';
  readonly seed: number;
  /** Kernels in the layers that have a diversity. */
  readonly kernels: number;
  /** Mean over the layers weighted by their number of kernels. */
  readonly diversity: number;
  /** Plain mean over the layers. */
  readonly diversityUnweighted: number;
  /** Kernel-weighted mean of diversity minus the permuted layers' diversity. */
  readonly diversityExcess: number;
  /** Kernel-weighted share of kernels in a redundant pair. */
  readonly redundantShare: number;
  readonly layers: readonly LayerProfile[];
}

/** What the profile needs of an activation sample. */
export interface SampledActivations {
  readonly channels: number;
  readonly samples: number;
  /** values[channel · samples + sample]. Asked for once, when the layer's turn comes, so that it may be read only then. */
  readonly values: Float32Array;
  /** True after a ReLU: the rescaling of equation 2 is skipped. */
  readonly nonNegative: boolean;
}

export interface ProfileOptions {
  /** Of the permuted null, and of the blocks of a sample. */
  readonly seed: number;
  /** {@link compareKernels} unless a faster twin is given. */
  readonly compare?: Compare;
  /** {@link similaritySpectrum} unless a faster twin is given. */
  readonly spectrum?: Spectrum;
  readonly onProgress?: OnProgress;
  /** Told S below the diagonal, row after row, of every layer that has one; lent until it returns. */
  readonly onSimilarity?: (layer: string, triangle: Float64Array) => void;
}

/**
 * Dice profile of a network's weights (Hajbi 2025, eq. 1–4): every convolution, or every layer with kernels.
 *
 * @throws Failure `non-finite-weights` naming the layer and the index of the value; `unsupported-layer` when no layer has
 *   two kernels to compare
 */
export function weightProfile(
  network: Network,
  { layers, ...options }: ProfileOptions & { readonly layers: 'conv' | 'all' },
): ModelProfile {
  const inputs = kernelLayers(network, layers).map((layer) => {
    const { count, size } = layer.kernels;
    return { layer: layer.node.id, count, size, rescale: true, read: () => layer.kernels.values };
  });
  return profileLayers(inputs, 'weights', options);
}

/**
 * Dice profile of a network's activations over a probe set, with the standard error that the sample of images and
 * positions leaves (from random blocks of the sample that share one normalisation).
 *
 * @param samples one entry a convolution, keyed by its node id
 * @throws Failure `non-finite-weights` naming the layer and the index of the value; `unsupported-layer` when no layer has
 *   two kernels to compare
 */
export function activationProfile(samples: ReadonlyMap<string, SampledActivations>, options: ProfileOptions): ModelProfile {
  const inputs = Array.from(samples, ([layer, sample]) => ({
    layer,
    count: sample.channels,
    size: sample.samples,
    rescale: !sample.nonNegative,
    read: () => sample.values,
  }));
  return profileLayers(inputs, 'activations', options);
}

/** @throws Failure `non-finite-weights` for the first value of a layer that is NaN or infinite. */
export function requireFinite({ size, values }: KernelMatrix, layer: string): void {
  let at = 0;
  while (at < values.length && Number.isFinite(values[at])) at++;
  if (at === values.length) return;
  throw new Failure('non-finite-weights', `Layer "${layer}" holds ${values[at]} in kernel ${Math.floor(at / size)}, value ${at % size}.`, {
    hint: 'Take a checkpoint from before the training diverged.',
    field: layer,
  });
}

interface ProfileInput extends Pick<KernelMatrix, 'count' | 'size'> {
  readonly layer: string;
  readonly rescale: boolean;
  /** The matrix's values. */
  readonly read: () => KernelMatrix['values'];
}

function profileLayers(
  inputs: readonly ProfileInput[],
  source: ModelProfile['source'],
  { seed, compare = compareKernels, spectrum = similaritySpectrum, onProgress, onSimilarity }: ProfileOptions,
): ModelProfile {
  const total = inputs.reduce((sum, input) => sum + cost(input), 0);
  let done = 0;
  const layers = inputs.map(({ layer, count, size, rescale, read }): LayerProfile => {
    const matrix = { count, size, values: read() };
    requireFinite(matrix, layer);
    const profiled = count > 1 ? profileMatrix(matrix, { rescale, seed, sampled: source === 'activations', compare, spectrum }) : undefined;
    if (profiled !== undefined) onSimilarity?.(layer, profiled.triangle);
    done += cost(matrix);
    onProgress?.({ phase: `profile ${source}`, done, total });
    return {
      layer,
      kernels: count,
      size,
      dead: deadRows(matrix),
      ...(profiled === undefined ? { note: 'One kernel has nothing to be similar to: no S_avg.' } : { dice: profiled.statistics }),
    };
  });
  return { source, seed, ...summary(layers), layers };
}

/** Pair values that a profile of the matrix goes through, to measure progress by. */
function cost({ count, size }: Pick<KernelMatrix, 'count' | 'size'>): number {
  return (count * (count - 1) * size) / 2;
}

function deadRows({ count, size, values }: KernelMatrix): number {
  let dead = 0;
  for (let row = 0; row < count; row++) {
    if (values.subarray(row * size, (row + 1) * size).every((value) => value === 0)) dead++;
  }
  return dead;
}

function summary(layers: readonly LayerProfile[]): Omit<ModelProfile, 'source' | 'seed' | 'layers'> {
  const profiled = layers.flatMap(({ kernels, dice }) => (dice === undefined ? [] : [{ kernels, dice }]));
  if (profiled.length === 0) {
    throw new Failure('unsupported-layer', 'The network has no layer of two or more kernels to compare.', {
      hint: 'Profile a convolutional network, or all layers instead of convolutions only.',
      field: 'layers',
    });
  }
  const kernels = profiled.reduce((sum, layer) => sum + layer.kernels, 0);
  const weighted = (value: (dice: DiceStatistics) => number): number =>
    profiled.reduce((sum, layer) => sum + layer.kernels * value(layer.dice), 0) / kernels;
  return {
    kernels,
    diversity: weighted((dice) => dice.diversity),
    diversityUnweighted: profiled.reduce((sum, { dice }) => sum + dice.diversity, 0) / profiled.length,
    diversityExcess: weighted((dice) => dice.diversityExcess),
    redundantShare: weighted((dice) => dice.redundantShare),
  };
}
