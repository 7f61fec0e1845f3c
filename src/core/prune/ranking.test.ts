import { describe, expect, it } from 'vitest';
import { costOf, type Network, type Node } from '../network/index.ts';
import * as make from '../network/testing.ts';
import { Failure } from '../failure.ts';
import { checkPlan, planPruning, type PlanOptions } from './plan.ts';
import { matches } from './ranking.ts';

const block = (id: string, from: string, filters: number, rest = {}): Node[] => [
  make.conv(id, from, filters, { size: 1, ...rest }),
  make.norm(`${id}-norm`, id),
  make.relu(`${id}-relu`, `${id}-norm`),
];

/** Three blocks of four channels in a row, and a depthwise one between two others of four: two topologies. */
const network = scaled(
  make.withRandomWeights([
    make.input([4, 4, 3]),
    ...block('a', 'input', 4),
    ...block('b', 'a-relu', 4),
    ...block('c', 'b-relu', 4),
    make.depthwise('c-depth', 'c-relu'),
    ...block('d', 'c-depth', 4),
    make.globalAverage('pool', 'd-relu'),
    make.dense('classes', 'pool', 2),
  ]),
  {
    'a-norm/gamma': [1, 2, 3, 4],
    'b-norm/gamma': [0.1, 0.2, 5, 0.3],
    'c-norm/gamma': [0.4, 6, 7, 0.05],
    'd-norm/gamma': [8, 9, 0.15, 10],
  },
);

function scaled(of: Network, values: Record<string, number[]>): Network {
  const weights = new Map(of.weights);
  for (const [key, data] of Object.entries(values)) weights.set(key, { shape: [data.length], data: Float32Array.from(data) });
  return { ...of, weights };
}

/** By |γ|, which is compared between layers as it is. */
const options = { criterion: 'bn-scale', target: { ratio: 0.25 }, layers: 'conv', seed: 1 } as const;
const removed = (given: Partial<PlanOptions>) =>
  Object.fromEntries(planPruning(network, { ...options, ...given }).groups.map((group) => [group.id, group.removed]));

describe('ranking', () => {
  it('local: the same share of every group', () => {
    expect(removed({})).toEqual({ a: [0], b: [0], c: [3], d: [2] });
  });

  it('global: the lowest scores of all, and never all channels of a group', () => {
    expect(removed({ ranking: 'global' })).toEqual({ a: [], b: [0, 1], c: [3], d: [2] });
    // 0.3 comes before 0.4; at three channels b is left with its one, and the next lowest leave elsewhere.
    expect(removed({ ranking: 'global', target: { ratio: 0.45 } })).toEqual({ a: [0], b: [0, 1, 3], c: [0, 3], d: [2] });
    expect(removed({ ranking: 'global', target: { ratio: 0.45 }, minChannels: 2 })).toEqual({ a: [0, 1], b: [0, 1], c: [0, 3], d: [2] });
  });

  it('global keeps multiples', () => {
    const widths = planPruning(network, { ...options, ranking: 'global', roundTo: 2 }).groups.map(({ kept }) => kept.length);
    expect(widths.every((width) => width % 2 === 0)).toBe(true);
    expect(widths).not.toEqual([4, 4, 4, 4]);
  });

  it('isomorphic: among groups of one form alone', () => {
    // a and b are read by a convolution; c goes through a depthwise one; d is pooled into the classifier.
    expect(removed({ ranking: 'isomorphic', target: { ratio: 0.5 } })).toEqual({ a: [0], b: [0, 1, 3], c: [0, 3], d: [0, 2] });
  });

  it('dice decides by itself which channels leave, and by distance from the median how many of each group', () => {
    const global = planPruning(network, { ...options, criterion: 'dice', ranking: 'global', target: { ratio: 0.5 } });
    const counts = global.groups.map((group) => group.removed.length);
    expect(counts.reduce((a, b) => a + b)).toBeLessThanOrEqual(8);
    expect(new Set(counts).size).toBeGreaterThan(1);
  });
});

describe('ratios by layer', () => {
  it('hold for the group that a named layer makes, the first pattern that fits', () => {
    const target = { ratio: 0.25, byLayer: { a: 0, '[bc]': 0.9, 'b*': 0.5, '?': 0.75 } };
    expect(() => planPruning(network, { ...options, target })).toThrow('No layer is called "[bc]"');
    const { '[bc]': _, ...byLayer } = target.byLayer;
    expect(removed({ target: { ratio: 0.25, byLayer } })).toEqual({ a: [], b: [0, 1], c: [0, 1, 3], d: [0, 1, 2] });
  });

  it('take the group out of the pool', () => {
    expect(removed({ ranking: 'global', target: { ratio: 0.25, byLayer: { b: 0 } } })).toEqual({ a: [], b: [], c: [0, 3], d: [2] });
  });

  it.each([
    ['conv1', 'conv1', true],
    ['conv1', 'conv10', false],
    ['stage?/*/conv', 'stage3/block1/conv', true],
    ['a.c', 'abc', false],
    ['*', 'anything (1)', true],
    ['w[1]', 'w[1]', true],
  ])('%s fits %s: %s', (pattern, name, fits) => {
    expect(matches(pattern, name)).toBe(fits);
  });
});

describe('cost targets', () => {
  const before = costOf(network);

  it.each(['params', 'bytes'] as const)('%s come to the target or just under', (metric) => {
    const wide = make.withRandomWeights([
      make.input([4, 4, 3]),
      ...block('a', 'input', 40),
      ...block('b', 'a-relu', 60),
      make.globalAverage('pool', 'b-relu'),
      make.dense('classes', 'pool', 2),
    ]);
    for (const ranking of ['local', 'global', 'isomorphic'] as const) {
      const amount = 0.6 * costOf(wide)[metric];
      const { cost, notes } = planPruning(wide, {
        ...options,
        criterion: 'l2',
        ranking,
        target: { [metric]: amount } as { params: number },
      });
      expect(cost.after[metric]).toBeLessThanOrEqual(amount);
      expect(cost.after[metric]).toBeGreaterThan(0.98 * amount);
      expect(notes).toEqual([]);
    }
  });

  it('name their own field', () => {
    expect(failureOf({ target: { params: 3 } })).toMatchObject({ code: 'target-unreachable', field: 'target.params' });
    expect(failureOf({ target: { bytes: before.bytes } })).toMatchObject({ code: 'invalid-request', field: 'target.bytes' });
    expect(failureOf({ target: { params: Number.NaN } })).toMatchObject({ code: 'invalid-request', field: 'target.params' });
  });
});

function failureOf(given: Partial<PlanOptions>, act: typeof planPruning | typeof checkPlan = planPruning): unknown {
  try {
    return act(network, { ...options, ...given });
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
}

describe('what cannot be', () => {
  it('a source that the criterion does not have, and evidence that was not given', () => {
    expect(failureOf({ source: 'activations' })).toMatchObject({ code: 'invalid-request', field: 'source' });
    expect(failureOf({ criterion: 'taylor' })).toMatchObject({ code: 'invalid-request', field: 'criterion' });
    expect(failureOf({ criterion: 'hrank' })).toMatchObject({ code: 'invalid-request', field: 'criterion' });
    expect(failureOf({ criterion: 'dice', source: 'activations' })).toMatchObject({ code: 'invalid-request', field: 'source' });
  });

  it('is known before anything is collected', () => {
    expect(failureOf({ criterion: 'taylor' }, checkPlan)).toBeUndefined();
    expect(failureOf({ criterion: 'taylor', target: { flops: 1 } }, checkPlan)).toMatchObject({ code: 'target-unreachable' });
    expect(failureOf({ source: 'activations' }, checkPlan)).toMatchObject({ field: 'source' });
  });

  it('groups without a score are skipped with the reason', () => {
    const bare = make.withRandomWeights([
      make.input([4, 4, 3]),
      ...block('a', 'input', 4),
      make.conv('bare', 'a-relu', 4),
      make.globalAverage('pool', 'bare'),
      make.dense('classes', 'pool', 2),
    ]);
    const { groups, skipped } = planPruning(bare, options);
    expect(groups.map(({ id }) => id)).toEqual(['a']);
    expect(skipped[0]).toMatchObject({ id: 'bare', reason: 'It has no BatchNormalization whose scale could be its score.' });
  });
});
