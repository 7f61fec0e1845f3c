import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inferShapes, type Network } from '../network/index.ts';
import { createCostModel } from './cost-model.ts';
import { dependencyGroups, type DependencyGroup } from './groups.ts';
import { planPruning, type Plan } from './plan.ts';
import { randomNetworks } from './random-network.fixture.ts';

const options = { criterion: 'l1', layers: 'all', seed: 1 } as const;
/** Combinations of widths that are tried one by one. */
const COMBINATIONS_MAX = 3000;

type Metric = 'flops' | 'params' | 'bytes';
const targetOf = (metric: Metric, amount: number) =>
  ({ flops: { flops: amount }, params: { params: amount }, bytes: { bytes: amount } })[metric];

/** Groups of a plan, and what the network costs when so many channels leave each. */
function costsOf(
  network: Network,
  { groups: planned }: Plan,
): { groups: DependencyGroup[]; cost(counts: readonly number[], metric: Metric): number } {
  const known = new Map(dependencyGroups(network).map((group) => [group.id, group]));
  const groups = planned.flatMap(({ id }) => known.get(id) ?? []);
  const model = createCostModel(network.nodes, inferShapes(network), groups);
  return {
    groups,
    cost: (counts, metric) =>
      model(groups.map((group, at) => ({ group, removed: Array.from({ length: counts[at] }, (_, channel) => channel) })))[metric],
  };
}

/** Every way to take fewer channels than there are from each group. */
function* countsOf(groups: readonly DependencyGroup[]): Generator<number[]> {
  const counts = groups.map(() => 0);
  for (;;) {
    yield [...counts];
    let at = 0;
    while (at < counts.length && ++counts[at] === groups[at].size) counts[at++] = 0;
    if (at === counts.length) return;
  }
}

describe('a cost target', () => {
  it('is met from below within 2 % wherever any widths do, and else said to be the nearest', () => {
    const seen = { near: 0, far: 0 };
    const property = fc.property(
      randomNetworks,
      fc.constantFrom<Metric>('flops', 'params', 'bytes'),
      fc.double({ min: 0.1, max: 0.95, noNaN: true }),
      (network, metric, share) => {
        let plan: Plan;
        let target: number;
        try {
          const before = planPruning(network, { ...options, target: { ratio: 0.01 } }).cost.before[metric];
          target = share * before;
          plan = planPruning(network, { ...options, target: targetOf(metric, target) });
        } catch (error) {
          expect(error).toMatchObject({ code: 'target-unreachable' });
          return;
        }
        const reached = plan.cost.after[metric];
        expect(reached).toBeLessThanOrEqual(target);
        const { groups, cost } = costsOf(network, plan);
        const removed = plan.groups.map((group) => group.removed.length);
        expect(cost(removed, metric)).toBe(reached);
        if (reached > 0.98 * target) {
          seen.near++;
          expect(plan.notes).toEqual([]);
          return;
        }
        seen.far++;
        expect(plan.notes).toEqual([expect.stringContaining('nearest')]);
        // What the note says: one channel more in any group is too many.
        for (const [at, count] of removed.entries())
          if (count > 0) expect(cost(removed.with(at, count - 1), metric)).toBeGreaterThan(target);
        if (groups.reduce((product, { size }) => product * size, 1) > COMBINATIONS_MAX) return;
        for (const counts of countsOf(groups)) {
          const other = cost(counts, metric);
          expect(
            other > 0.98 * target && other <= target,
            `${counts.join()} has ${other} of ${target}, ${removed.join()} has ${reached}`,
          ).toBe(false);
        }
      },
    );
    fc.assert(property, { numRuns: 400, seed: 5 });
    expect(seen.near).toBeGreaterThan(30);
    expect(seen.far).toBeGreaterThan(20);
  });
});
