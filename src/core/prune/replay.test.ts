import { describe, expect, it } from 'vitest';
import type { Node } from '../network/index.ts';
import * as make from '../network/testing.ts';
import { cut } from './cut.ts';
import { planPruning } from './plan.ts';
import { replayPlan } from './replay.ts';

const block = (id: string, from: string, filters: number): Node[] => [
  make.conv(id, from, filters),
  make.norm(`${id}-norm`, id),
  make.relu(`${id}-relu`, `${id}-norm`),
];

const networkOf = (width: number) =>
  make.withRandomWeights([
    make.input([8, 8, 3]),
    ...block('c1', 'input', width),
    ...block('c2', 'c1-relu', 24),
    make.globalAverage('pool', 'c2-relu'),
    make.dense('classes', 'pool', 4),
  ]);
const network = networkOf(16);
const plan = planPruning(network, { criterion: 'l1', target: { ratio: 0.3 }, layers: 'conv', seed: 1 });

describe('replayPlan', () => {
  it('tells the same plan again from what leaves alone', () => {
    const groups = plan.groups.map(({ id, channels, removed }) => ({ id, channels, removed }));
    const { target: _, ...rest } = plan;
    expect(replayPlan(network, { ...plan, groups })).toEqual(rest);
    expect(cut(network, { groups })).toEqual(cut(network, plan));
  });

  it('says which groups the plan leaves alone', () => {
    const { skipped, cost } = replayPlan(network, { ...plan, groups: plan.groups.slice(0, 1) });
    expect(skipped).toContainEqual({ id: 'c2', producers: ['c2'], reason: 'The plan leaves it alone.' });
    expect(cost.after.macs).toBeGreaterThan(plan.cost.after.macs);
  });

  it.each([
    ['another width', networkOf(12), plan.groups],
    ['a group that is not there', network, [{ id: 'c9', channels: 16, removed: [0] }]],
    ['a channel that is not there', network, [{ id: 'c1', channels: 16, removed: [16] }]],
    ['a channel twice', network, [{ id: 'c1', channels: 16, removed: [3, 3] }]],
    [
      'a group twice',
      network,
      [0, 1].map((half) => ({ id: 'c1', channels: 16, removed: Array.from({ length: 8 }, (_, c) => 8 * half + c) })),
    ],
    ['all channels of a group', network, [{ id: 'c1', channels: 16, removed: Array.from({ length: 16 }, (_, c) => c) }]],
    ['channels that must stay', network, [{ id: 'classes', channels: 4, removed: [0] }]],
  ])('refuses %s', (_, given, groups) => {
    expect(() => replayPlan(given, { ...plan, groups })).toThrow(/does not fit this network/);
  });
});
