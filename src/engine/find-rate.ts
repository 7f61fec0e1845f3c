import type { OnProgress } from '../core/progress.ts';
import { breathe, stopIfAborted } from './infer.ts';
import type { Trainer } from './trainer.ts';
import type { Recipe } from './types.ts';

const STEPS = 100;
const RATE_LEAST = 1e-6;
const RATE_MOST = 1;
/** Share of the old smoothed loss that a step keeps. */
const SMOOTHING = 0.9;
/** The test is over when the smoothed loss is so many times its least. */
const RISE = 4;
/** The loss is least just before it diverges; a tenth of that rate is the usual choice. */
const MARGIN = 10;

/**
 * Range test (Smith 2017): the learning rate grows geometrically from step to step until the loss has clearly risen.
 * Spends the trainer, whose weights are of no use afterwards.
 * @returns a tenth of the rate at which the smoothed loss was least
 */
export async function findLearningRate(
  trainer: Trainer,
  { batchSize }: Pick<Recipe, 'batchSize'>,
  images: number,
  { onProgress, signal }: { readonly onProgress?: OnProgress; readonly signal?: AbortSignal },
): Promise<number> {
  const order = Int32Array.from({ length: images }, (_, i) => i);
  let next = images;
  let smoothed = 0;
  let least = { loss: Number.POSITIVE_INFINITY, rate: RATE_LEAST };
  for (let step = 0; step < STEPS; step++) {
    stopIfAborted(signal);
    if (next + batchSize > images) {
      trainer.random.shuffle(order);
      next = 0;
    }
    const indices = order.subarray(next, next + batchSize);
    next += batchSize;
    const rate = RATE_LEAST * (RATE_MOST / RATE_LEAST) ** (step / (STEPS - 1));
    const lossSum = trainer.step(indices, rate);
    const loss = lossSum.dataSync()[0] / indices.length;
    lossSum.dispose();
    smoothed = SMOOTHING * smoothed + (1 - SMOOTHING) * loss;
    const unbiased = smoothed / (1 - SMOOTHING ** (step + 1));
    if (!(unbiased < RISE * least.loss)) break;
    if (unbiased < least.loss) least = { loss: unbiased, rate };
    onProgress?.({ phase: 'find learning rate', done: step + 1, total: STEPS, metrics: { loss: unbiased, learningRate: rate } });
    await breathe();
  }
  return least.rate / MARGIN;
}
