import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costOf, type Network } from '../../network/index.ts';
import * as make from '../../network/testing.ts';
import { cut } from '../cut.ts';
import { planPruning, type Plan, type PlanOptions } from '../plan.ts';
import { randomNetworks } from '../random-network.fixture.ts';
import type { PruneTarget } from '../target.ts';
import { compose, stepTargets } from './iterative.ts';

const options = { criterion: 'l1', layers: 'all', seed: 1 } as const;

/** Plans and cuts step by step, as an iterative schedule does without training. */
function stepwise(
  network: Network,
  target: PruneTarget,
  steps: number,
  more: Partial<PlanOptions> = {},
): { plans: Plan[]; small: Network } {
  const plans: Plan[] = [];
  let small = network;
  for (const step of stepTargets(target, costOf(network), steps)) {
    const plan = planPruning(small, { ...options, ...more, target: step, original: network });
    plans.push(plan);
    small = cut(small, plan);
  }
  return { plans, small };
}

describe('stepTargets', () => {
  const before = { macs: 500, flops: 1000, params: 80, bytes: 320 };

  it('takes the same share of what is left, and ends at the target', () => {
    expect(stepTargets({ flops: 125 }, before, 3)).toEqual([{ flops: 500 }, { flops: 250 }, { flops: 125 }]);
    const ratios = stepTargets({ ratio: 0.875, byLayer: { c: 0, d: 0.75 } }, before, 3);
    expect(ratios[0]).toEqual({ ratio: 0.5, byLayer: { c: 0, d: 1 - 0.25 ** (1 / 3) } });
    expect(ratios[2]).toEqual({ ratio: 0.875, byLayer: { c: 0, d: 0.75 } });
    expect(stepTargets({ params: 40 }, before, 1)).toEqual([{ params: 40 }]);
  });
});

describe('pruning step by step', () => {
  const network = make.withRandomWeights([
    make.input([8, 8, 3]),
    make.conv('c1', 'input', 10),
    make.norm('n1', 'c1'),
    make.conv('c2', 'n1', 7),
    make.conv('c3', 'c2', 7),
    make.add('sum', 'c2', 'c3'),
    make.globalAverage('pool', 'sum'),
    make.dense('classes', 'pool', 4),
  ]);
  const widths = ({ groups }: Plan): number[] => groups.map(({ kept }) => kept.length);

  it.each([0.3, 0.5, 0.6, 0.9])('ends at the widths of one cut at ratio %s', (ratio) => {
    for (const ranking of ['local', 'global', 'isomorphic'] as const) {
      const { plans } = stepwise(network, { ratio }, 4, { ranking });
      const total = (plan: Plan): number => widths(plan).reduce((a, b) => a + b, 0);
      const once = planPruning(network, { ...options, ranking, target: { ratio } });
      expect(total(plans[3])).toBe(total(once));
      if (ranking === 'local') expect(widths(plans[3])).toEqual(widths(once));
    }
  });

  it('comes to the FLOPs of the target or just under', () => {
    const flops = 0.3 * costOf(network).flops;
    expect(costOf(stepwise(network, { flops }, 3).small).flops).toBeLessThanOrEqual(flops);
  });

  it('is one plan for the whole, on random networks of every kind', () => {
    let removed = 0;
    fc.assert(
      fc.property(randomNetworks, fc.constantFrom('l1', 'fpgm', 'dice'), (random, criterion) => {
        let done: ReturnType<typeof stepwise>;
        try {
          done = stepwise(random, { ratio: 0.6 }, 3, { criterion });
        } catch (error) {
          // Every channel of some random networks is coupled to the image, pinned, or the last of its group.
          expect(error).toMatchObject({ code: 'target-unreachable' });
          return;
        }
        const whole = compose(random, done.plans);
        expect(cut(random, whole)).toEqual(done.small);
        expect(costOf(done.small)).toMatchObject(whole.cost.after);
        removed += whole.groups.reduce((sum, group) => sum + group.removed.length, 0);
      }),
      { numRuns: 200, seed: 3 },
    );
    expect(removed).toBeGreaterThan(300);
  });
});
