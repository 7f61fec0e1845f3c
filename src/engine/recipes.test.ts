import { beforeAll, describe, expect, it } from 'vitest';
import { add, conv, dense, depthwise, globalAverage, input, norm, relu, withRandomWeights } from '../core/network/testing.ts';
import type { Network, Node } from '../core/network/types.ts';
import { loadBackend } from './backend.ts';
import { blocksOf } from './blocks.ts';
import { peakOf } from './epoch-choice.ts';
import { engineOf } from './index.ts';
import { planOf } from './plan.ts';
import { distance, learnableImages, recipe, tiny } from './testing/fixtures.ts';
import { tf } from './tf.ts';
import type { Engine, Recipe, TrainOptions, TrainResult } from './types.ts';

const train = learnableImages(96, 4, 1);
const validation = learnableImages(40, 4, 2);
const network = withRandomWeights(tiny);

const residual: Node[] = [
  input([8, 8, 3]),
  conv('c1', 'input', 6),
  norm('n1', 'c1'),
  relu('r1', 'n1'),
  conv('c2', 'r1', 6),
  norm('n2', 'c2'),
  add('a', 'n2', 'r1'),
  relu('r2', 'a'),
  depthwise('w', 'r2'),
  norm('n3', 'w'),
  globalAverage('g', 'n3'),
  dense('d', 'g', 4),
];

let engine: Engine;
beforeAll(async () => {
  engine = engineOf(await loadBackend('tensorflow', 1));
});

async function trained(change: Partial<Recipe>, options: TrainOptions = {}, from: Network = network): Promise<TrainResult> {
  const before = tf.memory().numTensors;
  const result = await engine.train(from, train, validation, { ...recipe, ...change }, options);
  expect(tf.memory().numTensors).toBe(before);
  return result;
}

const changedKeys = (from: Network, to: Network): string[] =>
  [...from.weights.keys()].filter((key) => distance(to.weights.get(key)?.data ?? [], from.weights.get(key)?.data ?? []) > 0);

const valuesOf = ({ weights }: Network): number[] => [...weights.values()].flatMap(({ data }) => [...data]);

describe('what is tuned', () => {
  it('finds blocks: a stem, a residual block, a depthwise convolution', () => {
    const plan = planOf(withRandomWeights(residual), 'd', { fuse: 'training' });
    expect(blocksOf(plan, 'd').map((block) => block.map(({ id }) => id))).toEqual([
      ['input', 'c1', 'n1', 'r1'],
      ['c2', 'n2', 'a', 'r2'],
      ['w', 'n3', 'g'],
    ]);
  });

  it('trains the last blocks, with the statistics before them left alone', async () => {
    const from = withRandomWeights(residual);
    const two = await trained({ tune: { lastBlocks: 2 } }, {}, from);
    expect(changedKeys(from, two.network).map((key) => key.split('/')[0])).not.toContain('n1');
    expect(new Set(changedKeys(from, two.network).map((key) => key.split('/')[0]))).toEqual(new Set(['c2', 'n2', 'w', 'n3', 'd']));
    const all = await trained({ tune: { lastBlocks: 9 } }, {}, from);
    expect(valuesOf(all.network)).toEqual(valuesOf((await trained({ tune: 'all' }, {}, from)).network));
  });

  it('trains BatchNormalization and the head alone', async () => {
    const { network: after, history } = await trained({ tune: 'bn', learningRate: 0.05 });
    expect(new Set(changedKeys(network, after).map((key) => key.split('/')[0]))).toEqual(new Set(['n1', 'n2', 'd']));
    expect(changedKeys(network, after)).toContain('n1/moving_mean');
    expect(history[2].loss).toBeLessThan(history[0].loss);
  });
});

describe('recipes', () => {
  let plain: TrainResult;
  beforeAll(async () => {
    plain = await trained({ epochs: 5 });
  });

  it.each<[string, Partial<Recipe>]>([
    ['SGD', { optimizer: { kind: 'sgd', momentum: 0.9 }, learningRate: 0.05 }],
    ['one cycle', { schedule: { kind: 'one-cycle', risingShare: 0.3 }, learningRate: 0.03 }],
    ['clipping', { clipNorm: 0.5 }],
    ['label smoothing', { labelSmoothing: 0.1 }],
    ['class weights', { classWeights: 'balanced' }],
    ['mixup', { mixup: 0.2 }],
    ['crop and erasing', { augmentation: { ...recipe.augmentation, crop: 0.5, erasing: 0.3 } }],
    ['averaging', { averaging: 0.9 }],
  ])('%s learns, and differs from the plain recipe', async (_, change) => {
    const result = await trained({ ...change, epochs: 5 });
    expect(result.history[result.bestEpoch - 1].validationAccuracy).toBeGreaterThan(0.5);
    expect(valuesOf(result.network)).not.toEqual(valuesOf(plain.network));
  });

  it('finds a learning rate that trains', async () => {
    const { history } = await trained({ learningRate: 'auto', epochs: 4, schedule: { kind: 'constant' } });
    expect(history[0].learningRate).toBeGreaterThan(1e-4);
    expect(history[0].learningRate).toBeLessThanOrEqual(0.1);
    expect(history[3].loss).toBeLessThan(history[0].loss);
  });

  it('ends early when nothing gets better', async () => {
    const { history } = await trained({ epochs: 30, learningRate: 1e-12, patience: 2 });
    expect(history).toHaveLength(peakOf(history) + 2);
    expect(history.length).toBeLessThan(30);
  });

  it('goes on within an epoch as if never stopped, whatever the recipe keeps', async () => {
    const everything: Partial<Recipe> = {
      epochs: 3,
      learningRate: 'auto',
      optimizer: { kind: 'sgd', momentum: 0.9 },
      averaging: 0.95,
      mixup: 0.3,
      augmentation: { horizontalFlip: true, rotationDegrees: 5, shift: 0.1, crop: 0.8, erasing: 0.2 },
      distillation: { temperature: 2, share: 0.5 },
    };
    const teacher = withRandomWeights(tiny, 9);
    const whole = await trained(everything, { teacher });
    let bytes: Uint8Array | undefined;
    let saved = 0;
    const controller = new AbortController();
    const checkpoints = {
      load: async () => bytes,
      async save(given: Uint8Array) {
        bytes = given;
        if (++saved === 9) controller.abort();
      },
    };
    const killed = trained(everything, { teacher, checkpoints, checkpointSeconds: 0, signal: controller.signal });
    await expect(killed).rejects.toMatchObject({ code: 'cancelled' });
    const resumed = await trained(everything, { teacher, checkpoints });
    expect(resumed.history).toEqual(whole.history);
    expect(valuesOf(resumed.network)).toEqual(valuesOf(whole.network));
  });
});

describe('distillation', () => {
  it('brings the answers nearer to the teacher than the labels do', async () => {
    const teacher = withRandomWeights(tiny, 9);
    const wanted = await engine.logits(teacher, validation);
    const gap = async (change: Partial<Recipe>): Promise<number> => {
      const result = await trained({ epochs: 6, ...change }, { teacher });
      return meanDivergence(wanted, await engine.logits(result.network, validation));
    };
    const taught = await gap({ distillation: { temperature: 2, share: 1 } });
    expect(taught).toBeLessThan(0.5 * (await gap({})));
  });

  it('refuses a teacher of other classes', async () => {
    const teacher = withRandomWeights([...tiny.slice(0, -1), dense('d', 'drop', 7)]);
    await expect(trained({ distillation: { temperature: 2, share: 0.5 } }, { teacher })).rejects.toMatchObject({ code: 'shape-mismatch' });
  });
});

/** Mean Kullback–Leibler divergence of the second rows of logits from the first, over rows of four classes. */
function meanDivergence(wanted: Float32Array, actual: Float32Array): number {
  const logShares = (logits: Float32Array, row: number): number[] => {
    const values = [...logits.subarray(4 * row, 4 * row + 4)];
    const normaliser = Math.log(values.reduce((sum, value) => sum + Math.exp(value), 0));
    return values.map((value) => value - normaliser);
  };
  let sum = 0;
  for (let row = 0; row < wanted.length / 4; row++) {
    const actualShares = logShares(actual, row);
    sum += logShares(wanted, row).reduce((total, value, c) => total + Math.exp(value) * (value - actualShares[c]), 0);
  }
  return sum / (wanted.length / 4);
}
