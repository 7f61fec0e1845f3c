import type { Network } from '../../network/index.ts';
import type { Penalty } from '../../training-hook.ts';
import { portionsOf, sumsOf, type Portion } from '../portion.ts';
import { spread, withValues } from './spread.ts';
import type { PhaseSetting, SparseTraining } from './sparse.ts';

/** Steps between two updates of coefficients that follow the weights: a small set has a few dozen steps an epoch. */
const EVERY_STEPS = 10;
/** Weakest and strongest penalty within a group differ by 2⁴ (Fang et al. 2023, eq. 5). */
const GROUP_BASE = 16;
/** Norms below this share of the layer's largest take its penalty, so that none is infinite. */
const SHORTEST = 1e-3;

type PenaltyOf = (network: Network, setting: Pick<PhaseSetting, 'groups' | 'strength'>) => Penalty;

const square = (value: number): number => value * value;

/**
 * Sparse training of the group norms (DepGraph, Fang et al. 2023): gradient += λ · 16^((max − I)/(max − min)) · w for every
 * parameter that leaves with a channel, I being the norm of all of them. A weight of two groups gets both.
 */
export const groupNormPenalty: PenaltyOf = (network, { groups, strength }) => {
  const portions = portionsOf(network);
  const coefficients = new Map<string, Float32Array>();
  for (const group of groups) {
    const parameters = portions.parameters(group);
    const squares = new Float64Array(group.size);
    for (const portion of parameters) sumsOf(portion, square).forEach((sum, channel) => (squares[channel] += sum));
    const norms = squares.map(Math.sqrt);
    const largest = norms.reduce((a, b) => Math.max(a, b));
    const range = largest - norms.reduce((a, b) => Math.min(a, b));
    const scales = norms.map((norm) => strength * (range === 0 ? 1 : GROUP_BASE ** ((largest - norm) / range)));
    for (const portion of parameters) spread(portion, scales, coefficients);
  }
  return { norm: 'l2', coefficients };
};

/** Network slimming (Liu et al. 2017): the subgradient λ · sign(γ) of λ‖γ‖₁ on the scales of BatchNormalization. */
export const slimmingPenalty: PenaltyOf = (network, { groups, strength }) => {
  const portions = portionsOf(network);
  const coefficients = new Map<string, Float32Array>();
  for (const group of groups) {
    for (const portion of portions.scales(group)) spread(portion, new Float64Array(group.size).fill(strength), coefficients);
  }
  return { norm: 'l1', coefficients };
};

/** Group lasso (Yuan & Lin 2006) of the filters: the gradient λ · w/‖w‖₂ of λ · Σ‖w‖₂. */
export const groupLasso: PenaltyOf = (network, { groups, strength }) => {
  const portions = portionsOf(network);
  const coefficients = new Map<string, Float32Array>();
  for (const group of groups) {
    for (const kernels of portions.kernels(group)) spread(kernels, lassoScales(kernels, strength), coefficients);
  }
  return { norm: 'l2', coefficients };
};

function lassoScales(kernels: Portion, strength: number): Float64Array {
  const norms = sumsOf(kernels, square).map(Math.sqrt);
  const shortest = SHORTEST * norms.reduce((a, b) => Math.max(a, b));
  return norms.map((norm) => (shortest === 0 ? 0 : strength / Math.max(norm, shortest)));
}

/** One phase under a penalty that follows the weights, after which channels are chosen. */
export function penalised(penaltyOf: PenaltyOf, strength: number): SparseTraining {
  return {
    required: false,
    everyEpoch: false,
    strength,
    phases: [
      {
        name: 'sparse',
        share: 1,
        chosen: false,
        hook: (network, setting) => ({
          penalty: { everySteps: EVERY_STEPS, at: (_, weights) => penaltyOf(withValues(network, weights()), setting) },
        }),
      },
    ],
  };
}
