import { inferShapes, inputShapesOf, layerOf, type Network } from '../network/index.ts';
import { gathered, sumsAlong, type Portion } from './portion.ts';

/** Which power of a weight's size is summed: |w| or w². */
export type Power = 'absolute' | 'square';

/** Sums over the kernels of a network, by weight key: one value for each output channel. */
export type Magnitudes = ReadonlyMap<string, Readonly<Record<Power, Float64Array>>>;

const terms: Readonly<Record<Power, (value: number) => number>> = { absolute: Math.abs, square: (value) => value * value };

/**
 * All that the criteria of magnitude know of a network: worth keeping, since it is a hundredth of the weights and they
 * need not be read again.
 */
export function kernelMagnitudes(network: Network): Magnitudes {
  return new Map(
    kernelWeights(network).flatMap(({ key, axis }) => {
      const tensor = network.weights.get(key);
      if (tensor === undefined) return [];
      const sums = (power: Power): Float64Array => sumsAlong({ tensor, axis }, terms[power]);
      return [[key, { absolute: sums('absolute'), square: sums('square') }]];
    }),
  );
}

/** Keys of the kernels that make channels, in network order, with how many they make and along which axis. */
export function kernelWeights(network: Network): { readonly key: string; readonly axis: number; readonly channels: number }[] {
  const shapes = inferShapes(network);
  return network.nodes.flatMap((node) => {
    const layer = layerOf(node.kind);
    if (!layer.produces) return [];
    return layer
      .weights(node, inputShapesOf(node, shapes))
      .flatMap(({ name, shape, inAxis, outAxis: axis }) =>
        inAxis === undefined || axis === undefined ? [] : [{ key: `${node.id}/${name}`, axis, channels: shape[axis] }],
      );
  });
}

/** Sum over each channel's values of a kernel; from what is known of the network where that is given. */
export function magnitudesOf(kernels: Portion, power: Power, known?: Magnitudes): Float64Array {
  return gathered(known?.get(kernels.key)?.[power] ?? sumsAlong(kernels, terms[power]), kernels);
}
