import { describe, expect, it } from 'vitest';
import type { ImageSet } from '../../core/images.ts';
import { costOf, type Network } from '../../core/network/index.ts';
import * as make from '../../core/network/testing.ts';
import { createPlanner } from '../../core/prune/index.ts';
import type { Engine } from '../../engine/types.ts';
import { pruneRequest } from '../../schema/prunings.ts';
import { isMeasured, searchPlan, type Search } from './search.ts';

const base = make.withRandomWeights([
  make.input([8, 8, 3]),
  make.conv('c', 'input', 100),
  make.globalAverage('pool', 'c'),
  make.dense('classes', 'pool', 2),
]);
const channelsOf = (network: Network): number => (network.weights.get('c/kernel')?.shape ?? [])[3];

/** An engine that is right on as many of the images as `accuracyAt` says for the channels left, and takes a millisecond for ten. */
function searchWith(accuracyAt: (channels: number) => number, images: number): Search & { recalibrations: () => number } {
  let recalibrations = 0;
  const engine = {
    info: { backend: 'cpu' },
    latency: async (networks: readonly Network[]) => networks.map((network) => ({ medianMs: channelsOf(network) / 10 })),
    recalibrate: async (network: Network) => {
      recalibrations++;
      return network;
    },
    logits: async (network: Network) =>
      Float32Array.from({ length: 2 * images }, (_, at) => {
        const right = Math.floor(at / 2) < Math.round(accuracyAt(channelsOf(network)) * images);
        return (at % 2 === 0) === right ? 1 : 0;
      }),
  } as unknown as Engine;
  const set: ImageSet = { count: images, height: 8, width: 8, pixels: new Uint8Array(192 * images), labels: new Int32Array(images) };
  const request = pruneRequest.parse({
    model: 'mdl_01M86VCQ192HQKSF56YQKC7YE6',
    dataset: 'dst_01M86VCQ192HQKSF56YQKC7YE6',
    target: { elbow: true },
  });
  return {
    engine,
    base,
    planner: createPlanner(base, { criterion: 'l1', layers: 'conv', seed: 1 }),
    request,
    train: set,
    validation: set,
    classes: 2,
    seed: 1,
    progress: () => undefined,
    signal: new AbortController().signal,
    recalibrations: () => recalibrations,
  };
}

/** 90 % down to 60 channels, then falling to nothing. */
const falling = (channels: number): number => (channels >= 60 ? 0.9 : (0.9 * channels) / 60);

describe('latencyMs', () => {
  it('finds the widest network that is fast enough', async () => {
    const { plan, steps } = await searchPlan({ latencyMs: 4.25 }, searchWith(falling, 10));
    expect(plan.groups[0].kept).toHaveLength(42);
    expect(plan.notes[0]).toContain('4.20 ms');
    expect(steps.every(({ latencyMs, accuracy }) => latencyMs !== null && accuracy === null)).toBe(true);
    expect(plan.cost.after.flops).toBeLessThan(costOf(base).flops / 2);
  });

  it('says the least that can be reached', async () => {
    const search = searchWith(falling, 10);
    await expect(searchPlan({ latencyMs: 0.05 }, search)).rejects.toMatchObject({ code: 'target-unreachable', field: 'target.latencyMs' });
    await expect(searchPlan({ latencyMs: 0.05 }, search)).rejects.toThrow('0.10 ms');
    await expect(searchPlan({ latencyMs: 10 }, search)).rejects.toMatchObject({ code: 'invalid-request' });
  });
});

describe('accuracyDropMax', () => {
  it('goes as far as the bound keeps to the budget', async () => {
    const search = searchWith(falling, 1000);
    const { plan, steps } = await searchPlan({ accuracyDropMax: 0.03, certify: true }, search);
    // At 59 channels 15 of 1,000 are lost: a bound of 2.3 points; at 58 channels 30: 4.1 points.
    expect(plan.groups[0].kept.length).toBeGreaterThanOrEqual(59);
    expect(plan.groups[0].kept.length).toBeLessThanOrEqual(60);
    for (const { drop, dropBound } of steps) expect(dropBound).toBeGreaterThan(drop ?? 1);
    expect(search.recalibrations()).toBe(steps.length);
  });

  it('goes by the estimate where it need not be certified', async () => {
    const { plan } = await searchPlan({ accuracyDropMax: 0.4, certify: false }, searchWith(falling, 20));
    expect(plan.groups[0].kept.length).toBeLessThan(40);
    expect(plan.notes.at(-1)).toContain('not certified');
  });

  it('names the smallest drop that the images can certify', async () => {
    const asked = searchPlan({ accuracyDropMax: 0.01, certify: true }, searchWith(falling, 200));
    await expect(asked).rejects.toMatchObject({ code: 'target-unreachable', field: 'target.accuracyDropMax' });
    await expect(asked).rejects.toThrow('1.49 points');
  });

  it('says the least drop where even the first step loses more', async () => {
    const fragile = searchWith((channels) => (channels === 100 ? 0.9 : 0.5), 1000);
    await expect(searchPlan({ accuracyDropMax: 0.05, certify: true }, fragile)).rejects.toThrow(/the least is 4\d\.\d\d points/);
  });
});

describe('elbow', () => {
  it('is where accuracy begins to fall', async () => {
    const { plan, steps } = await searchPlan({ elbow: true }, searchWith(falling, 1000));
    expect(plan.groups[0].kept).toHaveLength(60);
    expect(steps).toHaveLength(18);
    expect(steps.map(({ ratio }) => ratio)).toEqual(steps.map(({ ratio }) => ratio).sort((a, b) => a - b));
  });

  it('takes the first step where there is none', async () => {
    const { plan } = await searchPlan(
      { elbow: true },
      searchWith((channels) => (0.9 * channels ** 3) / 1e6, 1000),
    );
    expect(plan.groups[0].kept).toHaveLength(95);
    expect(plan.notes.at(-1)).toContain('no elbow');
  });
});

it('tells measured targets from others', () => {
  expect([{ latencyMs: 1 }, { elbow: true as const }, { accuracyDropMax: 0.1, certify: true }].every(isMeasured)).toBe(true);
  expect([{ ratio: 0.5 }, { flops: 1 }, { params: 1 }, { bytes: 1 }].some(isMeasured)).toBe(false);
});
