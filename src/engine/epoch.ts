import { Failure } from '../core/failure.ts';
import { restoreRandom } from '../core/random.ts';
import { breathe, stopIfAborted } from './infer.ts';
import { learningRateAt } from './schedule.ts';
import type { RatedRecipe } from './schedule.ts';
import type { TrainState } from './state.ts';
import { tf } from './tf.ts';
import type { Tensor } from './tf.ts';
import type { Trainer } from './trainer.ts';

const PROGRESS_MS = 250;

/** Where a training is within its epoch. */
export type Position = Pick<TrainState, 'epoch' | 'done' | 'lossSum' | 'epochRandom'>;

export interface EpochRun {
  readonly trainer: Trainer;
  readonly recipe: RatedRecipe;
  /** Images of the training set. */
  readonly count: number;
  readonly from: Position;
  readonly signal: AbortSignal | undefined;
  readonly report: (done: number, metrics: Record<string, number>) => void;
  /** Called between two steps every so many milliseconds. */
  readonly checkpoint: { readonly everyMs: number; save(position: Position): Promise<void> } | undefined;
}

/**
 * Trains to the end of an epoch and gives its mean loss.
 * @throws Failure `non-finite-weights` once the loss is not finite, `cancelled`.
 */
export async function runEpoch({ trainer, recipe, count, from, signal, report, checkpoint }: EpochRun): Promise<number> {
  const { epoch } = from;
  const epochRandom = from.done === 0 ? trainer.random.state() : from.epochRandom;
  const shuffler = from.done === 0 ? trainer.random : restoreRandom(epochRandom);
  const order = shuffler.shuffle(Int32Array.from({ length: count }, (_, i) => i));
  const stepsPerEpoch = Math.ceil(count / recipe.batchSize);
  let { done, lossSum } = from;
  // Only then does a training that goes on from here ask for the same penalty as one that never stopped.
  const penaltyIsDue = (): boolean => (done / recipe.batchSize) % trainer.penaltySteps === 0;
  let pending: { readonly loss: Tensor; readonly images: number; readonly rate: number }[] = [];
  let settled = done;
  let latest: number | undefined;
  let reported = performance.now();
  let saved = reported;
  // Losses wait on the device, so that reading them does not hold every step up.
  const settle = (): void => {
    for (const { loss, images, rate } of pending) {
      const sum = loss.dataSync()[0];
      settled += images;
      if (!Number.isFinite(sum)) throw diverged(epoch * stepsPerEpoch + Math.ceil(settled / recipe.batchSize), sum, rate, latest);
      lossSum += sum;
      latest = sum / images;
    }
    tf.dispose(pending.map(({ loss }) => loss));
    pending = [];
  };
  try {
    while (done < count) {
      stopIfAborted(signal);
      const indices = order.subarray(done, done + recipe.batchSize);
      const rate = learningRateAt(recipe, epoch + done / count);
      if (penaltyIsDue()) trainer.refreshPenalty(recipe.epochs * stepsPerEpoch);
      pending.push({ loss: trainer.step(indices, rate), images: indices.length, rate });
      done += indices.length;
      const now = performance.now();
      if (now - reported >= PROGRESS_MS || done === count) {
        settle();
        report(done, { loss: lossSum / done, learningRate: rate });
        reported = now;
      }
      // The epoch's end is saved after its validation.
      if (checkpoint !== undefined && done < count && penaltyIsDue() && now - saved >= checkpoint.everyMs) {
        settle();
        await checkpoint.save({ epoch, done, lossSum, epochRandom });
        saved = performance.now();
      }
      await breathe();
    }
  } finally {
    tf.dispose(pending.map(({ loss }) => loss));
  }
  return lossSum / count;
}

function diverged(step: number, loss: number, rate: number, latest: number | undefined): Failure {
  const before = latest === undefined ? 'no loss of this run was finite' : `the step before had ${latest.toPrecision(4)}`;
  return new Failure(
    'non-finite-weights',
    `The loss became ${Number.isNaN(loss) ? 'not a number' : 'infinite'} in step ${step} at learning rate ${rate.toPrecision(3)}; ${before}.`,
    { hint: 'Lower the learning rate (or give "auto"), begin with warm-up epochs, or clip the gradients.', field: 'recipe.learningRate' },
  );
}
