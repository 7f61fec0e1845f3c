import type { ImageSet } from '../../../core/images.ts';
import type { Network } from '../../../core/network/index.ts';
import { wilson } from '../../../core/stats/index.ts';
import type { Engine, EpochRecord, Recipe } from '../../../engine/types.ts';
import type { Verification } from '../../../schema/recommendations.ts';
import { epochsOf, type Halving, halvingOf } from '../../recommendation/halving.ts';
import type { Verified } from '../../recommendation/rank.ts';
import { recipeFor } from '../../recommendation/recipe.ts';
import type { JobContext } from '../../types.ts';
import { firstImages } from '../images.ts';
import { recipeOf } from '../recipes.ts';
import { seedOf } from '../stages.ts';

/** How fast a candidate trains is measured on so many images, for so many epochs. */
const SPEED_IMAGES = 128;
const SPEED_EPOCHS = 2;
/** A forward pass takes about a third of a training step. */
const VALIDATION_SHARE = 1 / 3;

/** A candidate on its way to being fine-tuned. */
export interface Entrant {
  readonly id: string;
  readonly name: string;
  /** With a head for the target's classes; asked for once an epoch, so that one network at a time is held. */
  network(): Promise<Network>;
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
 * Fine-tunes candidates by successive halving: all with the same recipe and seed, epoch by epoch in turns, so that whenever
 * the budget ends they can be compared after equally many. Accuracies are those after the last epoch, on validation
 * images; test images are not touched.
 *
 * @param entrants best first
 */
export async function verifyCandidates(entrants: readonly Entrant[], verifying: Verifying): Promise<VerifiedEntrants> {
  const { input, checkpoints, progress, log, signal, engine } = verifying;
  const { request, dataset } = input;
  const budget = request.verify?.budget ?? { epochs: 0 };
  const secondsMax = 'seconds' in budget ? budget.seconds : Number.POSITIVE_INFINITY;
  const store = checkpoints('verify');
  const kept = await store.load();
  const begun = performance.now();
  const earlier: State | undefined = kept && JSON.parse(new TextDecoder().decode(kept));
  const secondsSpent = (): number => (earlier?.seconds ?? 0) + (performance.now() - begun) / 1000;
  const halving = earlier?.halving ?? halvingOf(entrants.length, 'epochs' in budget ? budget.epochs : await epochsWithin(budget.seconds));
  const recipe = { ...recipeWith(halving.epochs), seed: seedOf(request, 'fineTuning') };
  const histories = new Map<string, readonly EpochRecord[]>();

  const total = epochsOf(halving);
  let ran = 0;
  let alive = [...entrants];
  const rounds: Verification['rounds'] = [];
  const out = new Map<string, number>();
  let reached = 0;
  let over = false;
  for (const { untilEpoch, keep } of halving.rounds) {
    for (let epoch = reached + 1; epoch <= untilEpoch && !over; epoch++) {
      for (const entrant of alive) {
        over = secondsSpent() >= secondsMax;
        if (over) break;
        await trainTo(entrant, epoch);
        ran++;
      }
      if (!over) reached = epoch;
    }
    // After the budget's end the candidates are compared after the last epoch that all of them had.
    const seen = alive.filter(({ id }) => (histories.get(id)?.length ?? 0) > 0);
    const best = seen.toSorted((a, b) => accuracyAt(b, reached) - accuracyAt(a, reached));
    const dropped = over ? [] : best.slice(keep);
    for (const { id } of dropped) out.set(id, untilEpoch);
    if (reached > 0) rounds.push({ untilEpoch: reached, candidates: best.map(({ id }) => id), dropped: dropped.map(({ id }) => id) });
    if (dropped.length > 0)
      log(
        `after ${reached} epochs: ${best.map((one) => told(one, reached)).join(' · ')}; ${dropped.map(({ name }) => name).join(', ')} dropped`,
      );
    alive = over ? best : best.slice(0, keep);
    if (over) break;
  }
  return { verified: await verified(), verification: { epochs: ran, seconds: secondsSpent(), rounds } };

  async function trainTo(entrant: Entrant, epoch: number): Promise<void> {
    const { train, validation } = await entrant.images();
    const { history } = await engine.train(await entrant.network(), train, validation, recipe, {
      checkpoints: checkpoints(`verify-${entrant.id.replace(':', '-')}`),
      pauseAfter: epoch,
      onProgress: (one) =>
        progress({
          ...one,
          phase: `verify ${entrant.name} epoch ${epoch}/${halving.epochs}`,
          secondsLeft: ran === 0 ? undefined : Math.min(secondsMax - secondsSpent(), (secondsSpent() / ran) * (total - ran)),
        }),
      signal,
    });
    // A training that an earlier attempt of the job took further is judged by what it was then.
    histories.set(entrant.id, history.slice(0, epoch));
    const state: State = { halving, seconds: secondsSpent() };
    await store.save(new TextEncoder().encode(JSON.stringify(state)));
  }

  function accuracyAt({ id }: Entrant, epoch: number): number {
    return histories.get(id)?.[Math.max(0, epoch - 1)]?.validationAccuracy ?? 0;
  }

  function told(entrant: Entrant, epoch: number): string {
    return `${entrant.name} ${(100 * accuracyAt(entrant, epoch)).toFixed(1)} %`;
  }

  async function verified(): Promise<Map<string, Verified>> {
    const found = new Map<string, Verified>();
    for (const entrant of entrants) {
      const history = histories.get(entrant.id);
      if (history === undefined) continue;
      const { validation } = await entrant.images();
      const epochs = out.get(entrant.id) ?? Math.max(1, reached);
      const right = Math.round(accuracyAt(entrant, epochs) * validation.count);
      const accuracy = wilson(right, validation.count);
      found.set(entrant.id, { accuracy, epochs, droppedAfter: out.get(entrant.id) ?? null, history: history.slice(0, epochs) });
    }
    return found;
  }

  function recipeWith(epochs: number): Recipe {
    const fineTune = { ...recipeFor(dataset.report), epochs, patience: undefined, distill: false };
    return recipeOf(fineTune, 0);
  }

  /** Epochs over all candidates that the seconds hold, from how fast each trains a few images. */
  async function epochsWithin(seconds: number): Promise<number> {
    let slowest = 0;
    for (const [at, entrant] of entrants.entries()) {
      progress({ phase: `verify: speed of ${entrant.name}`, done: at, total: entrants.length });
      const { train, validation } = await entrant.images();
      const few = firstImages(train, SPEED_IMAGES);
      const recipe = { ...recipeWith(SPEED_EPOCHS), seed: request.seed };
      const { imagesPerSecond } = await engine.train(await entrant.network(), few, few, recipe, { signal });
      slowest = Math.max(slowest, (train.count + VALIDATION_SHARE * validation.count) / imagesPerSecond);
    }
    const left = seconds - (performance.now() - begun) / 1000;
    return Math.max(entrants.length, Math.floor(left / slowest));
  }
}
