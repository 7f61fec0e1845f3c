import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { ImageSet } from '../../../src/core/images.ts';
import { costOf, type Network } from '../../../src/core/network/index.ts';
import { criterionOf, cut, planPruning, type PlannerOptions } from '../../../src/core/prune/index.ts';
import { predict } from '../../../src/core/stats/index.ts';
import type { Engine, Recipe } from '../../../src/engine/index.ts';
import type { OnProgress } from '../../../src/core/progress.ts';
import { decodeNetwork, encodeNetwork } from '../../../src/formats/network.ts';
import { collectEvidence } from '../../../src/jobs/handlers/evidence.ts';
import { replaceFile } from '../../../src/store/files.ts';
import type { Store } from '../store.ts';

/** Share of the FLOPs that stay. */
export const FLOPS_SHARE = 0.5;
/** Training batches that BatchNormalization statistics are averaged over, as the service does. */
const RECALIBRATION = { batches: 200, batchSize: 32 };

/** What every run does after its cut; the seed is the run's. */
export const RECIPE = {
  epochs: 4,
  batchSize: 128,
  learningRate: 2e-3,
  schedule: { kind: 'cosine', warmupEpochs: 1 },
  weightDecay: 0.02,
  augmentation: { horizontalFlip: true, rotationDegrees: 0, shift: 0.125 },
} satisfies Omit<Recipe, 'seed' | 'tune'>;

type Ranked = Pick<PlannerOptions, 'criterion' | 'source' | 'ranking'>;

export interface Method {
  readonly id: string;
  readonly title: string;
  /** None: the network stays whole. */
  readonly plan?: Ranked;
  readonly tune: 'all' | 'head';
  /** Whether the unpruned model, fine-tuned with the same seed, teaches it (Hinton 2015). */
  readonly taught?: true;
}

export const UNPRUNED: Method = { id: 'unpruned', title: 'unpruned', tune: 'all' };
const BY_ACTIVATIONS: Ranked = { criterion: 'dice-greedy', source: 'activations', ranking: 'global' };
export const methods: readonly Method[] = [
  UNPRUNED,
  { id: 'dice', title: 'Dice of weights', plan: { criterion: 'dice' }, tune: 'all' },
  { id: 'dice-activations', title: 'Dice of activations, greedy, global', plan: BY_ACTIVATIONS, tune: 'all' },
  { id: 'l1', title: 'L1', plan: { criterion: 'l1' }, tune: 'all' },
  { id: 'l1-global', title: 'L1, global', plan: { criterion: 'l1', ranking: 'global' }, tune: 'all' },
  { id: 'random', title: 'random', plan: { criterion: 'random' }, tune: 'all' },
  { id: 'dice-head', title: 'Dice of weights, classifier alone fine-tuned', plan: { criterion: 'dice' }, tune: 'head' },
  {
    id: 'dice-taught',
    title: 'Dice of activations, greedy, global, taught by the fine-tuned unpruned model',
    plan: BY_ACTIVATIONS,
    tune: 'all',
    taught: true,
  },
];
/** The service's default. */
const DISTILLATION = { temperature: 4, share: 0.7 };
export const seeds = [0, 1, 2] as const;

export const outcomeSchema = z.object({
  flops: z.number(),
  params: z.number(),
  /** Accuracy on the validation images after the cut and recalibration, before fine-tuning. */
  before: z.number(),
  bestEpoch: z.number(),
  /** Class of each test image. */
  predicted: z.array(z.int()),
});
export type Outcome = z.infer<typeof outcomeSchema>;

export interface Images {
  readonly train: ImageSet;
  readonly validation: ImageSet;
  readonly test: ImageSet;
  readonly classes: number;
}

/** One run: plan and cut, recalibrate, fine-tune, measure on the test images once. */
export async function runOne(
  engine: Engine,
  base: Network,
  { train, validation, test, classes }: Images,
  { method, seed, store, onProgress }: { method: Method; seed: number; store: Store<Outcome>; onProgress: OnProgress },
): Promise<Outcome> {
  const start = method.plan === undefined ? base : await pruned(engine, base, train, { plan: method.plan, seed, onProgress });
  const answers = async (network: Network, images: ImageSet): Promise<number[]> =>
    Array.from(predict(await engine.logits(network, images), classes).predicted);
  const before = shareRight(await answers(start, validation), validation);
  const key = keyOf(method, seed);
  const teacher = method.taught && decodeNetwork(await readFile(store.path(keyOf(UNPRUNED, seed), 'network')));
  const recipe = { ...RECIPE, tune: method.tune, seed, distillation: teacher && DISTILLATION };
  const checkpoints = store.checkpoints(key);
  const tuned = await engine.train(start, train, validation, recipe, { checkpoints, onProgress, teacher });
  await replaceFile(store.path(key, 'network'), encodeNetwork(tuned.network));
  const { flops, params } = costOf(start);
  return { flops, params, before, bestEpoch: tuned.bestEpoch, predicted: await answers(tuned.network, test) };
}

export const keyOf = ({ id }: Method, seed: number): string => `${id}-${seed}`;

async function pruned(
  engine: Engine,
  base: Network,
  train: ImageSet,
  { plan, seed, onProgress }: { plan: Ranked; seed: number; onProgress: OnProgress },
): Promise<Network> {
  const target = { flops: FLOPS_SHARE * costOf(base).flops };
  const { signal } = new AbortController();
  const needs = criterionOf(plan.criterion).needs(plan.source ?? 'weights');
  const evidence = await collectEvidence(base, needs, { engine, images: train, seed, progress: onProgress, signal });
  const planned = planPruning(base, { ...plan, layers: 'conv', seed, target, evidence });
  return engine.recalibrate(cut(base, planned), train, { ...RECALIBRATION, seed });
}

const shareRight = (answers: readonly number[], { labels, count }: ImageSet): number =>
  answers.filter((answer, image) => answer === labels[image]).length / count;
