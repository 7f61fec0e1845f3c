import type { Network } from '../../network/index.ts';
import type { WeightValues } from '../../training-hook.ts';
import type { Removal } from '../cut.ts';
import type { DependencyGroup } from '../groups.ts';
import type { Portion } from '../portion.ts';

/** The network with other values for some of its weights. */
export function withValues(network: Network, values: WeightValues): Network {
  const weights = new Map(network.weights);
  for (const [key, data] of values) {
    const tensor = weights.get(key);
    if (tensor !== undefined) weights.set(key, { ...tensor, data });
  }
  return { ...network, weights };
}

/** Adds a value for each channel of the group to every place of the weight that leaves with the channel. */
export function spread(
  { key, tensor: { shape, data }, axis, indices }: Portion,
  perChannel: ArrayLike<number>,
  onto: Map<string, Float32Array>,
): void {
  const side = shape[axis];
  const inner = shape.slice(axis + 1).reduce((product, length) => product * length, 1);
  const along = new Float64Array(side);
  for (const [channel, own] of indices.entries()) for (const index of own) along[index] += perChannel[channel];
  const values = onto.get(key) ?? new Float32Array(data.length);
  for (let at = 0; at < values.length;) {
    for (let index = 0; index < side; index++) {
      for (const end = at + inner; at < end; at++) values[at] += along[index];
    }
  }
  onto.set(key, values);
}

/** 1 for each channel of the group that leaves. */
export function leaving({ id, size }: DependencyGroup, removals: readonly Removal[]): Float64Array {
  const flags = new Float64Array(size);
  for (const channel of removals.find((removal) => removal.id === id)?.removed ?? []) flags[channel] = 1;
  return flags;
}
