import type { ImageSet } from '../../core/images.ts';
import { type Network, replaceHead } from '../../core/network/index.ts';
import { cut } from '../../core/prune/index.ts';
import { createRandom } from '../../core/random.ts';
import type { Engine, TrainResult } from '../../engine/types.ts';
import type { SplitName } from '../../schema/common.ts';
import type { FineTune, PrunePlanView, PruneReport, PruneRequest, StageName } from '../../schema/prunings.ts';
import type { DatasetRef, JobContext, ModelRef } from '../types.ts';
import { classesOf, classMatch, classNamesOf } from './classes.ts';
import { measure, type Measuring } from './measure.ts';
import { planFor, remembered } from './planning.ts';
import { provePlan } from './proof.ts';
import { recalibrated } from './recalibration.ts';
import { recipeOf } from './recipes.ts';

/** Seeds of the parts of one run differ, so that no part repeats another's draws. */
const SEEDS = { head: 1, recalibration: 2, transfer: 3, fineTuning: 4, evidence: 5 } as const;

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
}

/** The network with a head for the dataset's classes, not trained yet. */
export function withHeadFor(given: Network, dataset: DatasetRef, tuning: { readonly seed: number }): Network {
  return replaceHead(given, classNamesOf(dataset), createRandom(seedOf(tuning, 'head')));
}

/** The model as it is where it knows the dataset's classes; else its head is replaced and it is fine-tuned (METHOD.md §5). */
export async function fittedBase(run: Run, given: Network, tuning: Tuning): Promise<FittedBase> {
  if (await headFits(run, given, run.images.validation)) {
    return { base: named(given, run.dataset), headReplaced: null, transfer: null };
  }
  const headed = withHeadFor(given, run.dataset, tuning);
  const headReplaced = { from: classesOf(given), to: classesOf(headed) };
  run.log(`head ${headReplaced.from} → ${headReplaced.to} classes, replaced; the base is fine-tuned on ${run.images.train.count} images`);
  const transfer = await trained(run, headed, { name: 'base', fineTune: tuning.fineTune, seed: seedOf(tuning, 'transfer') });
  return { base: transfer.network, headReplaced, transfer };
}

export interface PrunedBase {
  readonly plan: PrunePlanView;
  readonly proof: PruneReport['proof'];
  /** Every stage after the base that there is, in their order. */
  readonly networks: readonly (readonly [Exclude<StageName, 'base'>, Network])[];
  readonly tuned: TrainResult | null;
  readonly final: Network;
}

/**
 * From a base that knows the classes to the pruned network: plan, cut, proof, recalibration and fine-tuning.
 *
 * @param name of the run, in progress and checkpoints; empty where a job has one run only
 */
export async function prunedBase(run: Run, base: Network, request: PruneRequest, name = ''): Promise<PrunedBase> {
  const { engine, images } = run;
  const seeds = { evidence: seedOf(request, 'evidence'), recalibration: seedOf(request, 'recalibration') };
  const plan = await remembered(run.checkpoints(`${name}plan`), () =>
    planFor(base, { ...run, modelHash: run.model.contentHash, engine: async () => engine, request, seeds, images: async () => images }),
  );
  const pruned = cut(base, plan);
  const proof = await provePlan(engine, base, pruned, plan, images.validation);
  run.log(
    `masked ≡ compacted on ${proof.images} images, largest difference ${proof.relativeDifference.toExponential(1)} of the outputs' scale`,
  );
  const networks: [Exclude<StageName, 'base'>, Network][] = [['pruned', pruned]];
  if (request.recalibrate) {
    networks.push(['recalibrated', await recalibrated(engine, pruned, images.train, { ...run, seed: seeds.recalibration })]);
  }
  const [, start] = networks[networks.length - 1];
  const tuned = await fineTuned(run, start, request, base, name);
  if (tuned) networks.push(['fineTuned', tuned.network]);
  return { plan, proof, networks, tuned, final: tuned?.network ?? start };
}

/** The network fine-tuned; null where no epoch is asked for. */
export async function fineTuned(run: Run, network: Network, tuning: Tuning, teacher: Network, name = ''): Promise<TrainResult | null> {
  const { fineTune } = tuning;
  if (recipeOf(fineTune, 0).epochs === 0) return null;
  return trained(run, network, { name: `${name}fine-tune`, fineTune, seed: seedOf(tuning, 'fineTuning'), teacher });
}

function trained(
  { engine, images, progress, signal, checkpoints }: Run,
  network: Network,
  { name, fineTune, seed, teacher }: Tuning & { readonly name: string; readonly teacher?: Network },
): Promise<TrainResult> {
  const recipe = recipeOf(fineTune, seed);
  return engine.train(network, images.train, images.validation, teacher ? recipe : { ...recipe, distillation: undefined }, {
    onProgress: (one) => progress({ ...one, phase: `${name} ${one.phase}` }),
    signal,
    checkpoints: checkpoints(name),
    teacher,
  });
}

/**
 * Whether the head answers the dataset's classes. One that does not name its classes does when it is surely better on the
 * validation images than always answering their commonest class; CIFAR's ten are not the ten digits.
 */
export async function headFits(measuring: Measuring, network: Network, validation: ImageSet): Promise<boolean> {
  const match = classMatch(network, measuring.dataset);
  if (match !== 'unnamed') return match === 'same';
  const { metrics } = await measure(measuring, network, validation, 'head on validation');
  const commonest = Math.max(...metrics.perClass.map(({ images }) => images)) / metrics.images;
  return metrics.accuracy.low > commonest;
}

/** A model that did not name its classes takes the dataset's names. */
function named(network: Network, dataset: DatasetRef): Network {
  return { ...network, metadata: { ...network.metadata, classNames: classNamesOf(dataset) } };
}
