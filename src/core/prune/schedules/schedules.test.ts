import { describe, expect, it } from 'vitest';
import type { Network } from '../../network/index.ts';
import * as make from '../../network/testing.ts';
import type { TrainingHook, WeightValues } from '../../training-hook.ts';
import { criteria } from '../criteria.ts';
import { planPruning, prunableGroups } from '../plan.ts';
import { sparseTrainings, type PhaseSetting } from './index.ts';

/** Two channels from c to the classes, every weight that leaves with them known. */
const bare = make.withRandomWeights([
  make.input([1, 1, 2]),
  make.conv('c', 'input', 2, { size: 1 }),
  make.norm('n', 'c'),
  make.globalAverage('pool', 'n'),
  make.dense('classes', 'pool', 1),
]);
const values: Record<string, number[]> = {
  // Channel 0: 3, 0; channel 1: 0, 0.
  'c/kernel': [3, 0, 0, 0],
  'n/gamma': [0, -1],
  'n/beta': [0, 0],
  // Channel 0 → norm 5; channel 1 → norm 1.
  'classes/kernel': [4, 0],
};
const network: Network = {
  ...bare,
  weights: new Map(
    Array.from(bare.weights, ([key, tensor]) => [key, { ...tensor, data: Float32Array.from(values[key] ?? [...tensor.data]) }]),
  ),
};
const options = { criterion: 'l1', layers: 'conv', seed: 0 } as const;
const now = (): WeightValues => new Map(Array.from(network.weights, ([key, { data }]) => [key, data]));

const setting = (given: Partial<PhaseSetting> = {}): PhaseSetting => ({
  groups: prunableGroups(network, options),
  removals: [{ id: 'c', channels: 2, removed: [1] }],
  strength: 0.5,
  choose: (of) => planPruning(of, { ...options, criterion: 'sfp', target: { ratio: 0.5 } }).groups,
  ...given,
});
const hookOf = (criterion: string, phase = 0): TrainingHook => sparseTrainings[criterion].phases[phase].hook(network, setting());
const coefficients = (hook: TrainingHook, step = 0, steps = 100): Record<string, number[]> =>
  Object.fromEntries(Array.from(hook.penalty?.at({ step, steps }, now).coefficients ?? [], ([key, own]) => [key, [...own]]));

describe('penalties', () => {
  it('group-norm: λ · 16^((max − I)/(max − min)) on all that leaves with a channel', () => {
    const hook = hookOf('group-norm');
    expect(hook.penalty?.at({ step: 0, steps: 1 }, now).norm).toBe('l2');
    // The kernel's outputs lie last, the classes' inputs first.
    expect(coefficients(hook)).toEqual({
      'c/kernel': [0.5, 8, 0.5, 8],
      'n/gamma': [0.5, 8],
      'n/beta': [0.5, 8],
      'classes/kernel': [0.5, 8],
    });
  });

  it('group-norm follows the weights of the training', () => {
    const moved = new Map([...now(), ['classes/kernel', Float32Array.of(0, 9)]]);
    const own = hookOf('group-norm').penalty?.at({ step: 0, steps: 1 }, () => moved).coefficients;
    expect([...(own?.get('n/gamma') ?? [])]).toEqual([8, 0.5]);
  });

  it('bn-scale: λ · sign(γ) and nothing else', () => {
    const hook = hookOf('bn-scale');
    expect(hook.penalty?.at({ step: 0, steps: 1 }, now).norm).toBe('l1');
    expect(coefficients(hook)).toEqual({ 'n/gamma': [0.5, 0.5] });
  });

  it('dacp: λ / ‖w‖ on the filters, finite where one is zero', () => {
    const own = coefficients(hookOf('dacp'));
    expect(Object.keys(own)).toEqual(['c/kernel']);
    expect(own['c/kernel'][0]).toBeCloseTo(0.5 / 3, 6);
    expect(own['c/kernel'][1]).toBeCloseTo(0.5 / 3e-3, 3);
  });
});

describe('growing-reg', () => {
  it('raises λ of the chosen channels every ten steps, to 1 at the end', () => {
    const hook = hookOf('growing-reg');
    const gamma = (step: number): number[] => coefficients(hook, step)['n/gamma'];
    expect(gamma(0).map((value) => +value.toFixed(6))).toEqual([0, 0.1]);
    expect(gamma(9)).toEqual(gamma(0));
    expect(+gamma(10)[1].toFixed(6)).toBe(0.2);
    expect(gamma(90)).toEqual([0, 1]);
    // Fewer steps than one raise: at once.
    expect(coefficients(hook, 0, 5)['n/gamma']).toEqual([0, 1]);
  });

  it('ends once what stays is a thousand times what leaves', () => {
    const hook = hookOf('growing-reg');
    const ended = (leaving: number): boolean | undefined =>
      hook.ended?.(new Map([...now(), ['c/kernel', Float32Array.of(3, leaving, 3, leaving)]]));
    expect(ended(0.01)).toBe(false);
    expect(ended(0.0029)).toBe(true);
  });

  it('GReg-2 grows all to 1e-2, then the chosen as before with no decay on what stays', () => {
    const first = coefficients(hookOf('growing-reg-2'), 90)['n/gamma'];
    expect(first.map((value) => +value.toFixed(6))).toEqual([0.01, 0.01]);
    const second = hookOf('growing-reg-2', 1);
    expect(coefficients(second, 90)).toEqual(coefficients(hookOf('growing-reg'), 90));
    expect(second.undecayed).toEqual(new Set(['c/kernel', 'n/gamma', 'n/beta', 'classes/kernel']));
  });
});

describe('sfp', () => {
  it('zeroes the kernels that would leave now, and only them', () => {
    const weights = new Map([...now(), ['c/kernel', Float32Array.of(1, 5, 2, 5)]]);
    const projected = hookOf('sfp').project?.(weights);
    expect(Array.from(projected ?? [], ([key, own]) => [key, [...own]])).toEqual([['c/kernel', [0, 5, 0, 5]]]);
    expect([...(weights.get('c/kernel') ?? [])]).toEqual([1, 5, 2, 5]);
  });
});

it('belongs to criteria, and its phases fill the epochs', () => {
  for (const [criterion, { phases }] of Object.entries(sparseTrainings)) {
    expect(criteria).toHaveProperty([criterion]);
    expect(phases.reduce((sum, { share }) => sum + share, 0)).toBe(1);
  }
});
