import { describe, expect, it } from 'vitest';
import { Failure } from '../failure.ts';
import { costOf, type Network, type Node, type Tensor } from '../network/index.ts';
import * as make from '../network/testing.ts';
import { cut } from './cut.ts';
import { planPruning, type PlanOptions } from './plan.ts';

const block = (id: string, from: string, filters: number): Node[] => [
  make.conv(id, from, filters),
  make.norm(`${id}-norm`, id),
  make.relu(`${id}-relu`, `${id}-norm`),
];

const network = make.withRandomWeights([
  make.input([8, 8, 3]),
  ...block('c1', 'input', 16),
  ...block('c2', 'c1-relu', 24),
  ...block('c3', 'c2-relu', 24),
  make.add('sum', 'c2-relu', 'c3-relu'),
  make.globalAverage('pool', 'sum'),
  make.dense('hidden', 'pool', 10),
  make.dense('classes', 'hidden', 4),
]);

const plan = (given: Partial<PlanOptions> = {}, of: Network = network) =>
  planPruning(of, { criterion: 'l1', target: { ratio: 0.3 }, layers: 'conv', seed: 1, ...given });
const widths = (given: Partial<PlanOptions>) => Object.fromEntries(plan(given).groups.map(({ id, kept }) => [id, kept.length]));

function failureOf(act: () => unknown): Failure {
  try {
    act();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('nothing failed');
}

describe('planPruning at a ratio', () => {
  it.each(['dice', 'l1', 'random'])('%s takes ⌊p · n⌋ of each group and leaves Dense units alone', (criterion) => {
    const { groups, skipped, cost, notes } = plan({ criterion });
    expect(groups.map(({ id, producers, channels, removed }) => [id, producers, channels, removed.length])).toEqual([
      ['c1', ['c1'], 16, 4],
      ['c2', ['c2', 'c3'], 24, 7],
    ]);
    for (const { kept, removed } of groups) {
      expect([...kept, ...removed].sort((a, b) => a - b)).toEqual(Array.from({ length: kept.length + removed.length }, (_, i) => i));
    }
    expect(skipped).toEqual([
      { id: 'hidden', producers: ['hidden'], reason: '"hidden" is no convolution; its channels leave only with layers "all".' },
      { id: 'classes', producers: ['classes'], reason: 'Its channels must stay: "classes" is the network\'s output.' },
    ]);
    expect(notes).toEqual([]);
    const { macs, flops, params, bytes } = costOf(cut(network, plan({ criterion })));
    expect(cost.after).toEqual({ macs, flops, params, bytes });
    expect(cost.before.macs).toBe(costOf(network).macs);
  });

  it('prunes Dense units with layers "all"', () => {
    expect(widths({ layers: 'all', target: { ratio: 0.5 } })).toEqual({ c1: 8, c2: 12, hidden: 5 });
  });

  it('never empties a group, and keeps multiples and minima', () => {
    expect(widths({ target: { ratio: 0.999 } })).toEqual({ c1: 1, c2: 1 });
    expect(widths({ target: { ratio: 0.3 }, roundTo: 8 })).toEqual({ c1: 16, c2: 16 });
    expect(widths({ target: { ratio: 0.999 }, roundTo: 8 })).toEqual({ c1: 8, c2: 8 });
    expect(widths({ target: { ratio: 0.9 }, minChannels: 5, roundTo: 4 })).toEqual({ c1: 8, c2: 8 });
    // Steps of 8 at widths of 16 and 24, of 4 at 10.
    expect(widths({ target: { ratio: 0.6 }, layers: 'all', roundTo: 'auto' })).toEqual({ c1: 8, c2: 8, hidden: 4 });
    expect(widths({ target: { ratio: 0.9 }, minChannels: 20 })).toEqual({ c1: 16, c2: 20 });
  });

  it('keeps a protected layer and what is coupled to it', () => {
    const { groups, skipped } = plan({ protect: ['c3-norm'] });
    expect(groups.map(({ id }) => id)).toEqual(['c1']);
    expect(skipped[0]).toEqual({
      id: 'c2',
      producers: ['c2', 'c3'],
      reason: 'Layer "c3-norm" is protected, and the group\'s channels are coupled to it.',
    });
  });

  it('is the same for the same seed, and random is another for another', () => {
    expect(plan({ criterion: 'random' })).toEqual(plan({ criterion: 'random' }));
    expect(plan({ criterion: 'random', seed: 2 }).groups).not.toEqual(plan({ criterion: 'random' }).groups);
  });

  it('l1 takes the kernels with the least magnitude, over all producers alike', () => {
    const scaled = (id: string, factors: number[]): [string, Tensor] => {
      const kernel = network.weights.get(`${id}/kernel`) ?? { shape: [], data: new Float32Array() };
      return [`${id}/kernel`, { shape: kernel.shape, data: kernel.data.map((_, at) => factors[at % factors.length]) }];
    };
    // Kernel i has magnitude i + 1 in c2 and a constant 100 times larger in c3, which must not drown c2.
    const rising = Array.from({ length: 24 }, (_, i) => i + 1);
    const weights = new Map([
      ...network.weights,
      scaled('c2', rising),
      scaled(
        'c3',
        rising.map(() => 1000),
      ),
    ]);
    expect(plan({}, { ...network, weights }).groups[1].removed).toEqual([0, 1, 2, 3, 4, 5, 6]);
  });

  it('dice takes fewer where Algorithm 1 singles out no more, and says so', () => {
    const data = new Float32Array(3 * 3 * 3 * 16).fill(1);
    const weights = new Map([...network.weights, ['c1/kernel', { shape: [3, 3, 3, 16], data }] as const]);
    const { groups, notes } = plan({ criterion: 'dice' }, { ...network, weights });
    expect(groups[0].removed).toEqual([]);
    expect(notes).toEqual(['Group "c1" loses 0 of the 4 channels asked: the criterion singles out no more, or its width rules hold them.']);
  });

  it('dice compares activations where they are given', () => {
    const samples = (channels: number, odd: number) => ({
      channels,
      samples: 4,
      values: Float32Array.from({ length: 4 * channels }, (_, at) =>
        Math.floor(at / 4) === odd ? [1, 0, 0, 0][at % 4] : [0, 1, 1, 1 + (0.01 * at) / channels][at % 4],
      ),
      nonNegative: true,
    });
    const activations = new Map([
      ['c1', samples(16, 9)],
      ['c2', samples(24, 5)],
      ['c3', samples(24, 5)],
    ]);
    const target = { ratio: 0.1 };
    const removed = plan({ criterion: 'dice', source: 'activations', evidence: { activations }, target }).groups.map(
      (group) => group.removed,
    );
    expect(removed[0]).toEqual([9]);
    expect(removed[1]).toContain(5);
    activations.delete('c3');
    expect(failureOf(() => plan({ criterion: 'dice', source: 'activations', evidence: { activations } }))).toMatchObject({
      code: 'invalid-request',
      field: 'source',
    });
  });
});

describe('planPruning for FLOPs', () => {
  const before = costOf(network).flops;

  it.each([0.9, 0.7, 0.5, 0.25, 0.1])('comes to %s of the FLOPs or just under', (share) => {
    for (const criterion of ['dice', 'l1']) {
      const target = share * before;
      const { cost, notes } = plan({ criterion, target: { flops: target } });
      expect(cost.after.flops).toBeLessThanOrEqual(target);
      expect(cost.after.flops).toBeGreaterThan(0.98 * target);
      expect(notes).toEqual([]);
    }
  });

  it('says that it is the nearest where the widths are coarse', () => {
    const { cost, notes, groups } = plan({ target: { flops: 0.45 * before }, roundTo: 8 });
    expect(cost.after.flops).toBeLessThan(0.45 * before);
    expect(groups.every(({ kept }) => kept.length % 8 === 0)).toBe(true);
    expect(notes).toHaveLength(1);
    expect(notes[0]).toContain('nearest');
  });

  it('names the smallest that can be reached, and it can', () => {
    const failure = failureOf(() => plan({ target: { flops: 100 } }));
    expect(failure).toMatchObject({ code: 'target-unreachable', field: 'target.flops' });
    const smallest = Number(/smallest possible is (\d+)/.exec(failure.message)?.[1]);
    expect(plan({ target: { flops: smallest } }).cost.after.flops).toBe(smallest);
    expect(failureOf(() => plan({ target: { flops: before } }))).toMatchObject({ code: 'invalid-request', field: 'target.flops' });
  });
});

describe('planPruning refuses', () => {
  it.each<[string, string, Partial<PlanOptions>]>([
    ['target.ratio', 'invalid-request', { target: { ratio: 1.5 } }],
    ['target.ratio', 'invalid-request', { target: { ratio: 0 } }],
    ['target.ratio', 'invalid-request', { target: { ratio: Number.NaN } }],
    ['target.flops', 'invalid-request', { target: { flops: -1 } }],
    ['roundTo', 'invalid-request', { roundTo: 0 }],
    ['minChannels', 'invalid-request', { minChannels: 1.5 }],
    ['protect', 'invalid-request', { protect: ['nowhere'] }],
    ['criterion', 'unknown-criterion', { criterion: 'toString' }],
    ['target', 'target-unreachable', { protect: ['c1', 'c2'] }],
  ])('%s: %s', (field, code, given) => {
    expect(failureOf(() => plan(given))).toMatchObject({ field, code });
  });
});
