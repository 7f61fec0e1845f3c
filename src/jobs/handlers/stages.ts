import type { ImageSet } from '../../core/images.ts';
import { type Network, replaceHead } from '../../core/network/index.ts';
import { createRandom } from '../../core/random.ts';
import type { TrainingHook } from '../../core/training-hook.ts';
import type { Engine, Recipe, TrainResult } from '../../engine/types.ts';
import type { SplitName } from '../../schema/common.ts';
import type { Metrics } from '../../schema/evaluations.ts';
import type { FineTune, Training } from '../../schema/fine-tuning.ts';
import type { DatasetRef, JobContext, ModelRef } from '../types.ts';
import { classesOf, classMatch, classNamesOf } from './classes.ts';
import { measure, type Measuring } from './measure.ts';
import { recipeOf } from './recipes.ts';

/** Seeds of the parts of one run differ, so that no part repeats another's draws. */
const SEEDS = { head: 1, recalibration: 2, transfer: 3, fineTuning: 4, evidence: 5, schedule: 6 } as const;

export const seedOf = ({ seed }: { readonly seed: number }, part: keyof typeof SEEDS): number => seed + SEEDS[part];

/** What the stages of one run work with. */
export interface Run extends Pick<JobContext<'prune'>, 'progress' | 'signal' | 'log' | 'checkpoints'> {
  readonly engine: Engine;
  readonly model: ModelRef;
  readonly dataset: DatasetRef;
  readonly images: Readonly<Record<SplitName, ImageSet>>;
}

/** How a network is trained on the dataset. */
export interface Tuning {
  readonly fineTune: FineTune;
  readonly seed: number;
}

export interface FittedBase {
  readonly base: Network;
  /** Where the head was replaced: the classes that were and are, and the training. */
  readonly headReplaced: { readonly from: number; readonly to: number } | null;
  readonly transfer: TrainResult | null;
  /** Of the base on validation images, where it was measured already. */
  readonly validation: Metrics | null;
}

/** The network with a head for the dataset's classes, not trained yet. */
export function withHeadFor(given: Network, dataset: DatasetRef, tuning: { readonly seed: number }): Network {
  return replaceHead(given, classNamesOf(dataset), createRandom(seedOf(tuning, 'head')));
}

/** The model as it is where it knows the dataset's classes; else its head is replaced and it is fine-tuned (METHOD.md §5). */
export async function fittedBase(run: Run, given: Network, tuning: Tuning): Promise<FittedBase> {
  const { fits, validation } = await headFits(run, given, run.images.validation);
  if (fits) return { base: named(given, run.dataset), headReplaced: null, transfer: null, validation };
  const headed = withHeadFor(given, run.dataset, tuning);
  const headReplaced = { from: classesOf(given), to: classesOf(headed) };
  run.log(`head ${headReplaced.from} → ${headReplaced.to} classes, replaced; the base is fine-tuned on ${run.images.train.count} images`);
  const transfer = await trained(run, headed, { name: 'base', recipe: recipeOf(tuning.fineTune, seedOf(tuning, 'transfer')) });
  return { base: transfer.network, headReplaced, transfer, validation: null };
}

/** The network fine-tuned; null where no epoch is asked for. */
export async function fineTuned(run: Run, network: Network, tuning: Tuning, teacher: Network): Promise<TrainResult | null> {
  const recipe = recipeOf(tuning.fineTune, seedOf(tuning, 'fineTuning'));
  return recipe.epochs === 0 ? null : trained(run, network, { name: 'fine-tune', recipe, teacher });
}

/** @param name of the training, in progress and checkpoints */
export function trained(
  { engine, images, progress, signal, checkpoints }: Run,
  network: Network,
  {
    name,
    recipe,
    teacher,
    hook,
  }: { readonly name: string; readonly recipe: Recipe; readonly teacher?: Network; readonly hook?: TrainingHook },
): Promise<TrainResult> {
  return engine.train(network, images.train, images.validation, teacher ? recipe : { ...recipe, distillation: undefined }, {
    onProgress: (one) => progress({ ...one, phase: `${name} ${one.phase}` }),
    signal,
    checkpoints: checkpoints(name),
    teacher,
    hook,
  });
}

/**
 * Whether the head answers the dataset's classes. One that does not name its classes does when it is surely better on the
 * validation images than always answering their commonest class; CIFAR's ten are not the ten digits.
 *
 * @returns with it what was measured for that
 */
export async function headFits(
  measuring: Measuring,
  network: Network,
  validation: ImageSet,
): Promise<{ readonly fits: boolean; readonly validation: Metrics | null }> {
  const match = classMatch(network, measuring.dataset);
  if (match !== 'unnamed') return { fits: match === 'same', validation: null };
  const { metrics } = await measure(measuring, network, validation, 'head on validation');
  const commonest = Math.max(...metrics.perClass.map(({ images }) => images)) / metrics.images;
  return { fits: metrics.accuracy.low > commonest, validation: metrics };
}

/** A model that did not name its classes takes the dataset's names. */
function named(network: Network, dataset: DatasetRef): Network {
  return { ...network, metadata: { ...network.metadata, classNames: classNamesOf(dataset) } };
}

/** A training as the API tells it. */
export function trainingDocument({ history, bestEpoch, imagesPerSecond }: TrainResult): Training {
  return { epochs: history.length, bestEpoch, imagesPerSecond, history: [...history] };
}
