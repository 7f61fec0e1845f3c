import { z } from 'zod';
import { replaceHead, type Network } from '../../../src/core/network/index.ts';
import { createRandom } from '../../../src/core/random.ts';
import { predict } from '../../../src/core/stats/index.ts';
import type { Engine } from '../../../src/engine/index.ts';
import { recipeOf } from '../../../src/jobs/handlers/recipes.ts';
import { fineTune } from '../../../src/schema/fine-tuning.ts';
import type { TargetImages } from './targets.ts';

export const seeds = [0, 1, 2] as const;

/** Images that a fine-tuning sees, so that small targets get more epochs than large ones. */
export const IMAGES_SEEN = 1600;
export const EPOCHS_MIN = 6;
export const EPOCHS_MAX = 40;

export const tunedSchema = z.object({
  /** On the test images. */
  accuracy: z.number(),
  epochs: z.number(),
  bestEpoch: z.number(),
});
export type Tuned = z.infer<typeof tunedSchema>;

/**
 * What is to be foretold: the test accuracy of a backbone with a new head after the service's default fine-tuning, all weights trained
 * on all images to learn from. They choose the epoch too, in effect one of the last: a few held-out images would choose by chance and
 * blur what is to be foretold.
 */
export async function fineTuned(
  engine: Engine,
  backbone: Network,
  { learn, test, classNames }: TargetImages,
  { seed }: { readonly seed: number },
): Promise<Tuned> {
  const epochs = Math.max(EPOCHS_MIN, Math.min(EPOCHS_MAX, Math.round(IMAGES_SEEN / learn.count)));
  const recipe = recipeOf(fineTune.parse({ epochs }), seed);
  const headed = replaceHead(backbone, classNames, createRandom(seed));
  const { network, bestEpoch } = await engine.train(headed, learn, learn, recipe);
  const { predicted } = predict(await engine.logits(network, test), classNames.length);
  const right = predicted.reduce((sum, label, image) => sum + Number(label === test.labels[image]), 0);
  return { accuracy: right / test.count, epochs, bestEpoch };
}
