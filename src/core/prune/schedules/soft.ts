import type { Network } from '../../network/index.ts';
import type { WeightValues } from '../../training-hook.ts';
import type { Removal } from '../cut.ts';
import type { DependencyGroup } from '../groups.ts';
import { portionsOf } from '../portion.ts';
import type { SparsePhase } from './sparse.ts';
import { leaving, spread, withValues } from './spread.ts';

/**
 * Soft filter pruning (He et al. 2018): after every epoch the kernels of the channels that would leave are set to zero;
 * they go on being trained, may grow back, and only those that are zero after the last epoch leave.
 */
export const softPruning: SparsePhase = {
  name: 'soft',
  share: 1,
  chosen: false,
  hook: (network, { groups, choose }) => ({
    project(weights) {
      const now = withValues(network, weights);
      return zeroed(now, groups, choose(now));
    },
  }),
};

/** The kernels of the leaving channels' producers, zero where they leave. */
function zeroed(network: Network, groups: readonly DependencyGroup[], removals: readonly Removal[]): WeightValues {
  const portions = portionsOf(network);
  const flags = new Map<string, Float32Array>();
  for (const group of groups) for (const kernels of portions.kernels(group)) spread(kernels, leaving(group, removals), flags);
  return new Map(
    Array.from(flags, ([key, leaves]) => [
      key,
      (network.weights.get(key)?.data ?? leaves).map((value, at) => (leaves[at] === 0 ? value : 0)),
    ]),
  );
}
