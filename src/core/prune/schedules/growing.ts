import type { Network } from '../../network/index.ts';
import type { Penalty, TrainingHook, TrainingMoment, WeightValues } from '../../training-hook.ts';
import type { Removal } from '../cut.ts';
import type { DependencyGroup } from '../groups.ts';
import { portionsOf, sumsOf } from '../portion.ts';
import type { SparsePhase } from './sparse.ts';
import { leaving, spread, withValues } from './spread.ts';

/** K of Wang et al. 2021 for small data: steps between two raises of λ. */
const EVERY_STEPS = 10;
/** λ at the end of growth, of channels that leave and, while they are still looked for, of all. */
const GREATEST = 1;
const GREATEST_OF_ALL = 1e-2;
/** Mean magnitude of what stays over that of what leaves at which the rest of the growth changes nothing. */
const RATIO_MAX = 1000;
/** Epochs that the search of GReg-2 takes of all: it grows λ a hundredth as far. */
const SEARCH_SHARE = 0.25;

/**
 * GReg-1 (Wang et al. 2021): λ of the chosen channels' L2 penalty grows every K = 10 steps by the same amount, to 1 at the
 * end of the epochs; it ends before where what stays is 1,000 times as large as what leaves.
 */
export const growing: SparsePhase = { name: 'growing', share: 1, chosen: true, hook: growingHook };

/** GReg-2: the same growth for all channels to 1e-2 shows which the loss can do without; these are chosen by L1 … */
export const searching: SparsePhase = {
  name: 'search',
  share: SEARCH_SHARE,
  chosen: false,
  hook(network, { groups }) {
    const ones = coefficientsOf(network, groups, ({ size }) => new Float64Array(size).fill(1));
    return { penalty: { everySteps: EVERY_STEPS, at: (moment) => scaled(ones, GREATEST_OF_ALL * grown(moment)) } };
  },
};

/** … and grow as in GReg-1, while what stays is left without weight decay (λ = −weight decay undoes it). */
export const growingFree: SparsePhase = {
  ...growing,
  share: 1 - SEARCH_SHARE,
  hook(network, setting) {
    const undecayed = new Set(coefficientsOf(network, setting.groups, ({ size }) => new Float64Array(size)).keys());
    return { ...growingHook(network, setting), undecayed };
  },
};

function growingHook(
  network: Network,
  { groups, removals }: { readonly groups: readonly DependencyGroup[]; readonly removals: readonly Removal[] },
): TrainingHook {
  const ones = coefficientsOf(network, groups, (group) => leaving(group, removals));
  return {
    penalty: { everySteps: EVERY_STEPS, at: (moment) => scaled(ones, GREATEST * grown(moment)) },
    ended: (weights) => magnitudeRatio(withValues(network, weights), groups, removals) >= RATIO_MAX,
  };
}

/** From just above 0 to 1 over the training, in equal raises. */
function grown({ step, steps }: TrainingMoment): number {
  const raises = Math.max(1, Math.floor(steps / EVERY_STEPS));
  return Math.min(1, (Math.floor(step / EVERY_STEPS) + 1) / raises);
}

/** A value for each channel at every parameter that leaves with it. */
function coefficientsOf(
  network: Network,
  groups: readonly DependencyGroup[],
  perChannel: (group: DependencyGroup) => Float64Array,
): WeightValues {
  const portions = portionsOf(network);
  const all = new Map<string, Float32Array>();
  for (const group of groups) {
    const values = perChannel(group);
    for (const portion of portions.parameters(group)) spread(portion, values, all);
  }
  return all;
}

/** A weight where two leaving channels meet counts once. */
const scaled = (ones: WeightValues, lambda: number): Penalty => ({
  norm: 'l2',
  coefficients: new Map(Array.from(ones, ([key, values]) => [key, values.map((value) => lambda * Math.min(1, value))])),
});

/** Mean |w| of the producers' kernels that stay over that of those that leave. */
function magnitudeRatio(network: Network, groups: readonly DependencyGroup[], removals: readonly Removal[]): number {
  const portions = portionsOf(network);
  const sums = { stay: 0, stayCount: 0, leave: 0, leaveCount: 0 };
  for (const group of groups) {
    const flags = leaving(group, removals);
    for (const kernels of portions.kernels(group)) {
      const magnitudes = sumsOf(kernels, Math.abs);
      const counts = sumsOf(kernels, () => 1);
      flags.forEach((leaves, channel) => {
        if (leaves === 1) {
          sums.leave += magnitudes[channel];
          sums.leaveCount += counts[channel];
        } else {
          sums.stay += magnitudes[channel];
          sums.stayCount += counts[channel];
        }
      });
    }
  }
  return sums.stay / sums.stayCount / (sums.leave / Math.max(1, sums.leaveCount));
}
