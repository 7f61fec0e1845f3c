import { firstImages, type ImageSet } from '../../../core/images.ts';
import type { Network } from '../../../core/network/index.ts';
import { mean, sampleVariance, wilson } from '../../../core/stats/index.ts';
import type { Engine, EpochRecord, Recipe } from '../../../engine/types.ts';
import type { Verification } from '../../../schema/recommendations.ts';
import { epochsOf, type Halving, halvingOf, type Round, runHalving } from '../../recommendation/halving.ts';
import type { Verified } from '../../recommendation/rank.ts';
import { recipeFor } from '../../recommendation/recipe.ts';
import type { JobContext } from '../../types.ts';
import { recipeOf } from '../recipes.ts';
import { seedOf } from '../stages.ts';

/** How fast a candidate trains is measured on so many images, for so many epochs. */
const SPEED_IMAGES = 128;
const SPEED_EPOCHS = 2;
/** A forward pass takes about a third of a training step. */
const VALIDATION_SHARE = 1 / 3;
/** Between the seeds of trainings: more than their parts' lie apart. */
const SEED_STEP = 1000;

/** A candidate on its way to being fine-tuned. */
export interface Entrant {
  readonly id: string;
  readonly name: string;
  /** With a head for the target's classes, drawn by the seed. */
  network(seed: number): Promise<Network>;
  images(): Promise<{ readonly train: ImageSet; readonly validation: ImageSet }>;
}

export interface Verifying extends Pick<JobContext<'recommend'>, 'input' | 'checkpoints' | 'progress' | 'log' | 'signal'> {
  readonly engine: Engine;
}

export interface VerifiedEntrants {
  /** By candidate; those that had no epoch within the budget are not there. */
  readonly verified: ReadonlyMap<string, Verified>;
  readonly verification: Verification;
}

/** What a killed job goes on from, beside the trainings' own checkpoints. */
interface State {
  readonly halving: Halving;
  readonly seconds: number;
}

/**
 * Fine-tunes candidates by successive halving, all with the same recipe and seeds: one for all, more for those that reach the end
 * where the budget holds them. Accuracies are those after the last epoch, on validation images; test images are not touched. A job that was killed goes on with the epoch that it was at.
 *
 * @param entrants best first
 */
export async function verifyCandidates(entrants: readonly Entrant[], verifying: Verifying): Promise<VerifiedEntrants> {
  const { input, checkpoints, log } = verifying;
  const { request, dataset } = input;
  const { budget } = request.verify ?? { budget: { epochs: 0 } };
  const secondsMax = 'seconds' in budget ? budget.seconds : Number.POSITIVE_INFINITY;
  const kept = await checkpoints('verify').load();
  const earlier: State | undefined = kept && JSON.parse(new TextDecoder().decode(kept));
  const begun = performance.now();
  const spent = (): number => (earlier?.seconds ?? 0) + (performance.now() - begun) / 1000;
  const epochsMax = async (): Promise<number> =>
    'epochs' in budget
      ? budget.epochs
      : Math.floor((budget.seconds - spent()) / (await slowestEpochSeconds(entrants, verifying, () => spent() >= secondsMax)));
  const halving = earlier?.halving ?? halvingOf(entrants.length, Math.max(entrants.length, await epochsMax()));

  const total = epochsOf(halving);
  const seeds = Array.from({ length: halving.seeds }, (_, at) => request.seed + at * SEED_STEP);
  const histories: Histories = seeds.map(() => new Map());
  let epochs = 0;
  const accuracyAt = ({ id }: Entrant, epoch: number): number => histories[0].get(id)?.[epoch - 1]?.validationAccuracy ?? 0;
  const went = await runHalving(entrants, halving, {
    accuracyAt,
    isOver: () => spent() >= secondsMax,
    onRound: (round) => log(toldOf(round, accuracyAt)),
    train: async (entrant, epoch, at = 0) => {
      const secondsLeft = epochs === 0 ? undefined : Math.min(secondsMax - spent(), (spent() / epochs) * (total - epochs));
      const history = await trainTo(entrant, epoch, { ...verifying, seed: seeds[at], epochs: halving.epochs, secondsLeft });
      // A training that the job took further before it was killed is judged by what it was then.
      histories[at].set(entrant.id, history.slice(0, epoch));
      epochs++;
      const state: State = { halving, seconds: spent() };
      await checkpoints('verify').save(new TextEncoder().encode(JSON.stringify(state)));
    },
  });
  const common = seeds.slice(0, went.seeds);
  return {
    verified: verifiedOf(entrants, went.rounds, { histories, seeds: common, images: dataset.report.counts.validation }),
    verification: {
      epochs,
      seconds: spent(),
      seeds: common,
      rounds: went.rounds.map(({ untilEpoch, candidates, dropped }) => ({
        untilEpoch,
        candidates: idsOf(candidates),
        dropped: idsOf(dropped),
      })),
    },
  };
}

const idsOf = (entrants: readonly Entrant[]): string[] => entrants.map(({ id }) => id);

function toldOf({ untilEpoch, candidates, dropped }: Round<Entrant>, accuracyAt: (one: Entrant, epoch: number) => number): string {
  const accuracies = candidates.map((one) => `${one.name} ${(100 * accuracyAt(one, untilEpoch)).toFixed(1)} %`);
  const out = dropped.length === 0 ? '' : `; ${dropped.map(({ name }) => name).join(', ')} dropped`;
  return `after epoch ${untilEpoch}: ${accuracies.join(' · ')}${out}`;
}

/** The recipe for data of this size, without what would make trainings of one verification unequal. */
function recipeWith({ dataset }: Verifying['input'], epochs: number, seed: number): Recipe {
  const fineTune = { ...recipeFor(dataset.report), epochs, patience: undefined, distill: false };
  return recipeOf(fineTune, seedOf({ seed }, 'fineTuning'));
}

/** By place of the seed, then by candidate. */
type Histories = readonly Map<string, readonly EpochRecord[]>[];

interface Course extends Verifying {
  readonly seed: number;
  /** Of the whole training. */
  readonly epochs: number;
  readonly secondsLeft: number | undefined;
}

async function trainTo(
  { id, name, network, images }: Entrant,
  epoch: number,
  { engine, input, checkpoints, progress, signal, seed, epochs, secondsLeft }: Course,
): Promise<readonly EpochRecord[]> {
  const { train, validation } = await images();
  const again = seed === input.request.seed ? '' : ` again, seed ${seed},`;
  const { history } = await engine.train(await network(seed), train, validation, recipeWith(input, epochs, seed), {
    checkpoints: checkpoints(`verify-${id.replace(':', '-')}-${seed}`),
    pauseAfter: epoch,
    onProgress: (one) => progress({ ...one, phase: `verify ${name}${again} epoch ${epoch}/${epochs}`, secondsLeft }),
    signal,
  });
  return history;
}

/** Seconds of an epoch of the candidate that trains slowest, from how fast each trains a few images. */
async function slowestEpochSeconds(
  entrants: readonly Entrant[],
  { engine, input, progress, signal }: Verifying,
  isOver: () => boolean,
): Promise<number> {
  const { seed } = input.request;
  const recipe = recipeWith(input, SPEED_EPOCHS, seed);
  let slowest = 0;
  for (const [at, { name, network, images }] of entrants.entries()) {
    if (slowest > 0 && isOver()) break;
    progress({ phase: `verify: speed of ${name}`, done: at, total: entrants.length });
    const { train, validation } = await images();
    const few = firstImages(train, SPEED_IMAGES);
    const { imagesPerSecond } = await engine.train(await network(seed), few, few, recipe, { signal });
    slowest = Math.max(slowest, (train.count + VALIDATION_SHARE * validation.count) / imagesPerSecond);
  }
  return slowest;
}

function verifiedOf(
  entrants: readonly Entrant[],
  rounds: readonly Round<Entrant>[],
  { histories, seeds, images }: { histories: Histories; seeds: readonly number[]; images: number },
): Map<string, Verified> {
  const reached = rounds.at(-1)?.untilEpoch ?? 0;
  return new Map(
    entrants.flatMap((entrant): [string, Verified][] => {
      const dropped = rounds.find((round) => round.dropped.includes(entrant))?.untilEpoch ?? null;
      const epochs = dropped ?? reached;
      const runs = seeds.slice(0, dropped === null ? seeds.length : 1).map((seed, at) => {
        const history = histories[at].get(entrant.id)?.slice(0, epochs) ?? [];
        return { seed, accuracy: history.at(-1)?.validationAccuracy ?? 0, history: [...history] };
      });
      if (epochs === 0) return [];
      const accuracies = runs.map(({ accuracy }) => accuracy);
      // Every seed is judged on the same images, so that more of them tell no more of these.
      const accuracy = { ...wilson(Math.round(mean(accuracies) * images), images), value: mean(accuracies) };
      return [[entrant.id, { accuracy, spread: spreadOf(accuracies), epochs, droppedAfter: dropped, runs }]];
    }),
  );
}

/** Standard deviation; null of one value. */
function spreadOf(values: readonly number[]): number | null {
  return values.length < 2 ? null : Math.sqrt(sampleVariance(values));
}
