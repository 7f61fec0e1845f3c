import { beforeAll, describe, expect, it } from 'vitest';
import { costOf, type Network } from '../../core/network/index.ts';
import { withRandomWeights } from '../../core/network/testing.ts';
import { cut } from '../../core/prune/index.ts';
import { openEngine } from '../../engine/index.ts';
import { learnableImages, tiny } from '../../engine/testing/fixtures.ts';
import type { Checkpoints, Engine } from '../../engine/types.ts';
import { pruneRequest } from '../../schema/prunings.ts';
import type { DatasetRef, ModelRef } from '../types.ts';
import { prunedBase, type PrunedBase } from './pruned.ts';
import { trained, type Run } from './stages.ts';
import { recipeOf } from './recipes.ts';

const CLASSES = ['a', 'b', 'c', 'd'];
const images = { train: learnableImages(96, 4, 1), validation: learnableImages(60, 4, 2), test: learnableImages(40, 4, 3) };
const fineTune = { epochs: 2, batchSize: 16, learningRate: 0.01, rotationDegrees: 0, shift: 0 };

let engine: Engine;
let base: Network;
beforeAll(async () => {
  engine = await openEngine({ threads: 1 });
  const untrained = withRandomWeights(tiny);
  const run = runOf();
  base = (await trained(run, untrained, { name: 'base', recipe: recipeOf({ recipe: 'default', ...fineTune, epochs: 6 }, 1) })).network;
});

/** A run whose checkpoints lie in memory. `stopAfter`: the process is killed once so many of them were written. */
function runOf({ kept = new Map<string, Uint8Array>(), stopAfter = Number.POSITIVE_INFINITY } = {}): Run {
  let saved = 0;
  const controller = new AbortController();
  const checkpoints = (name: string): Checkpoints => ({
    load: async () => kept.get(name),
    async save(bytes) {
      kept.set(name, bytes);
      if (++saved >= stopAfter) {
        controller.abort();
        throw new Error('killed');
      }
    },
  });
  return {
    engine,
    images,
    checkpoints,
    signal: controller.signal,
    progress: () => undefined,
    log: () => undefined,
    model: { contentHash: 'hash' } as ModelRef,
    dataset: { report: { classes: CLASSES.map((name) => ({ name })) } } as DatasetRef,
  };
}

const ask = (given: object) =>
  pruneRequest.parse({
    model: 'mdl_01M86VCQ192HQKSF56YQKC7YE6',
    dataset: 'dst_01M86VCQ192HQKSF56YQKC7YE6',
    target: { ratio: 0.5 },
    fineTune,
    ...given,
  });
const prune = (given: object, run = runOf()): Promise<PrunedBase> => prunedBase(run, base, ask(given));

const widths = ({ plan }: PrunedBase): number[] => plan.groups.map(({ kept }) => kept.length);
const valuesOf = ({ weights }: Network): number[] => [...weights.values()].flatMap(({ data }) => [...data]);
const named = ({ networks }: PrunedBase, stage: string): Network => {
  const found = networks.find(([name]) => name === stage)?.[1];
  if (found === undefined) throw new Error(`There is no stage ${stage}.`);
  return found;
};

describe.each<[string, object, readonly string[]]>([
  ['group-norm with a sparse phase', { criterion: 'group-norm', schedule: { kind: 'sparse', epochs: 3 } }, ['sparse']],
  ['bn-scale with L1 on γ', { criterion: 'bn-scale', schedule: { kind: 'sparse', epochs: 3, strength: 0.01 } }, ['sparse']],
  ['dacp with group lasso', { criterion: 'dacp', schedule: { kind: 'sparse', epochs: 2 } }, ['sparse']],
  ['sfp', { criterion: 'sfp', schedule: { kind: 'sparse', epochs: 3 } }, ['soft']],
  ['growing-reg', { criterion: 'growing-reg', schedule: { kind: 'sparse', epochs: 5 } }, ['growing']],
  ['growing-reg-2', { criterion: 'growing-reg-2', schedule: { kind: 'sparse', epochs: 4 } }, ['search', 'growing']],
  ['lottery', { criterion: 'lottery', schedule: { kind: 'iterative', steps: 2, epochsPerStep: 2 } }, ['early', 'step 1', 'step 2']],
  ['dice in three steps', { schedule: { kind: 'iterative', epochsPerStep: 1 } }, ['step 1', 'step 2']],
  ['taylor to FLOPs in steps', { criterion: 'taylor', target: { flops: 20_000 }, schedule: { kind: 'iterative', steps: 2 } }, ['step 1']],
])('%s', (_, given, parts) => {
  it('prunes to the target, proved, and goes on as if never killed', async () => {
    const whole = await prune(given);
    expect(whole.parts.map(({ name }) => name)).toEqual(parts);
    expect(whole.proof.relativeDifference).toBeLessThan(1e-4);
    expect(costOf(whole.final)).toMatchObject(whole.plan.cost.after);
    expect(costOf(cut(base, whole.plan))).toMatchObject(whole.plan.cost.after);
    const { target } = ask(given);
    if ('flops' in target) expect(costOf(whole.final).flops).toBeLessThanOrEqual(target.flops);
    else expect(widths(whole)).toEqual([4, 4]);
    for (const { training, cost } of whole.parts) {
      expect(training?.history.every(({ loss }) => Number.isFinite(loss))).toBe(true);
      expect(cost.flops).toBeGreaterThanOrEqual(whole.plan.cost.after.flops);
    }

    const kept = new Map<string, Uint8Array>();
    await prune(given, runOf({ kept, stopAfter: 2 })).catch(() => undefined);
    await prune(given, runOf({ kept, stopAfter: 3 })).catch(() => undefined);
    const resumed = await prune(given, runOf({ kept }));
    expect(resumed.parts.map(({ name, cost, validationAccuracy }) => ({ name, cost, validationAccuracy }))).toEqual(
      whole.parts.map(({ name, cost, validationAccuracy }) => ({ name, cost, validationAccuracy })),
    );
    expect(resumed.plan).toEqual(whole.plan);
    expect(valuesOf(resumed.final)).toEqual(valuesOf(whole.final));
  });
});

describe('what leaves has been made ready to leave', () => {
  /** Mean |w| of the first convolution's kernels that the plan takes, over that of those it leaves. */
  const share = (network: Network, { plan }: PrunedBase): number => {
    const { data = new Float32Array(), shape = [] } = network.weights.get('c1/kernel') ?? {};
    const removed = new Set(plan.groups[0].removed);
    const sums = [0, 0];
    for (const [at, value] of data.entries()) sums[removed.has(at % shape[3]) ? 1 : 0] += Math.abs(value);
    return sums[1] / sums[0];
  };

  it('sfp cuts zeros', async () => {
    const done = await prune({ criterion: 'sfp', schedule: { kind: 'sparse', epochs: 2 } });
    expect(share(named(done, 'sparse'), done)).toBe(0);
  });

  it('growing-reg shrinks what leaves and not what stays', async () => {
    const done = await prune({ criterion: 'growing-reg', schedule: { kind: 'sparse', epochs: 12 } });
    expect(share(named(done, 'sparse'), done)).toBeLessThan(0.1 * share(base, done));
  });

  it('slimming lowers γ with its strength', async () => {
    const gammas = async (strength: number): Promise<number> => {
      const done = await prune({ criterion: 'bn-scale', schedule: { kind: 'sparse', epochs: 3, strength } });
      return [...(named(done, 'sparse').weights.get('n1/gamma')?.data ?? [])].reduce((sum, value) => sum + Math.abs(value), 0);
    };
    expect(await gammas(0.1)).toBeLessThan(0.9 * (await gammas(1e-9)));
  });

  it('lottery goes back to the early weights of what stays', async () => {
    const done = await prune({
      criterion: 'lottery',
      fineTune: { ...fineTune, epochs: 0 },
      recalibrate: false,
      schedule: { kind: 'iterative', rewindEpochs: 0, steps: 2, epochsPerStep: 1 },
    });
    expect(valuesOf(done.final)).toEqual(valuesOf(cut(base, done.plan)));
  });
});
