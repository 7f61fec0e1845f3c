import { availableParallelism } from 'node:os';
import { costOf, inferShapes, sizeOf, type Network } from '../../core/network/index.ts';
import { scheduleOf, type Plan, type Schedule } from '../../core/prune/index.ts';
import type { PruneRequest } from '../../schema/prunings.ts';
import type { JobEstimate } from '../../schema/prunings.ts';
import type { DatasetRef } from '../types.ts';
import { inputSizeOf } from './images.ts';
import { recipeOf } from './recipes.ts';

/**
 * FLOPs a second and CPU core, from the benches on two AVX-512 cores with TensorFlow: of a ResNet-20 the estimate is right to
 * a hundredth (batch 256); of a ResNet-50, whose layers come nearer to the peak, it is a third too long (batch 8).
 */
const INFERENCE_FLOPS_PER_CORE = 130e9;
/** A training step is about three forward passes, with the gradients' slower kernels. Of a ResNet-20 right to a tenth (batches of 32 and 128). */
const TRAINING_FLOPS_PER_CORE = 110e9;
const TRAINING_PASSES = 3;
/** JavaScript's time for one layer of one batch. */
const LAYER_SECONDS = 60e-6;
/** Images decoded and resized a second and core. */
const IMAGES_DECODED_PER_CORE = 1500;
/** Opening the engine, reading the model and writing the artifact. */
export const START_SECONDS = 4;
/** Node.js with TensorFlow loaded. */
export const START_BYTES = 450e6;
const INFERENCE_BATCH = 256;
/** Copies of the weights that are held at once: the stages' networks, and values, gradients and two moments while training. */
const WEIGHT_COPIES = 8;
/** A training step keeps each layer's output and makes its gradient. */
const VALUE_COPIES = 2;
const RECALIBRATION_IMAGES = 6400;

/** How much a network computes. */
interface Work {
  readonly flops: number;
  readonly layers: number;
}

export const inferenceSeconds = (images: number, { flops, layers }: Work): number =>
  (images * flops) / (INFERENCE_FLOPS_PER_CORE * availableParallelism()) + Math.ceil(images / INFERENCE_BATCH) * layers * LAYER_SECONDS;

/** One epoch of training with its validation. */
export const epochSeconds = (
  { train, validation, batchSize }: { readonly train: number; readonly validation: number; readonly batchSize: number },
  work: Work,
): number =>
  (TRAINING_PASSES * train * work.flops) / (TRAINING_FLOPS_PER_CORE * availableParallelism()) +
  TRAINING_PASSES * Math.ceil(train / batchSize) * work.layers * LAYER_SECONDS +
  inferenceSeconds(validation, work);

export const decodingSeconds = (images: number): number => images / (IMAGES_DECODED_PER_CORE * availableParallelism());

/**
 * What the whole job will take on this machine, from counts alone: no engine is opened. Within about a factor of two on
 * an idle CPU; depthwise layers take longer for their FLOPs, a GPU far less.
 *
 * @param replaced whether the head is to be replaced, and so the base fine-tuned first
 */
export function estimateJob(
  network: Network,
  { cost }: Pick<Plan, 'cost'>,
  { request, dataset, replaced }: { request: PruneRequest; dataset: DatasetRef; replaced: boolean },
): JobEstimate {
  const layers = network.nodes.length;
  const { train, validation, test } = dataset.report.counts;
  const { epochs, batchSize } = recipeOf(request.fineTune, request.seed);
  const infer = (images: number, flops: number): number => inferenceSeconds(images, { flops, layers });
  const learn = (flops: number, count = epochs): number => count * epochSeconds({ train, validation, batchSize }, { flops, layers });
  const [before, after] = [cost.before.flops, cost.after.flops];
  const { height, width } = inputSizeOf(network);
  const values = [...inferShapes(network).values()].reduce((sum, shape) => sum + sizeOf(shape), 0);
  return {
    seconds:
      START_SECONDS +
      decodingSeconds(train + validation + test) +
      (replaced ? learn(before) : 0) +
      trainingsOf(scheduleOf(request), before, after).reduce((sum, { flops, epochs }) => sum + learn(flops, epochs), 0) +
      (request.recalibrate ? infer(Math.min(train, RECALIBRATION_IMAGES), after) : 0) +
      learn(after) +
      infer(validation + test, before) +
      infer(3 * validation + test, after),
    memoryBytes:
      START_BYTES +
      (train + validation + test) * height * width * 3 +
      WEIGHT_COPIES * costOf(network).bytes +
      VALUE_COPIES * values * batchSize * Float32Array.BYTES_PER_ELEMENT,
  };
}

/** What a schedule trains before the last cut. */
function trainingsOf(schedule: Schedule, before: number, after: number): { flops: number; epochs: number }[] {
  switch (schedule.kind) {
    case 'one-shot':
      return [];
    case 'sparse':
      return [{ flops: before, epochs: schedule.epochs }];
    case 'iterative': {
      const { steps, epochsPerStep, rewindEpochs } = schedule;
      // With rewinding the weights are trained before each cut, else between two.
      const trainings = rewindEpochs === null ? steps - 1 : steps;
      return [
        { flops: before, epochs: rewindEpochs ?? 0 },
        ...Array.from({ length: trainings }, (_, at) => {
          const cuts = rewindEpochs === null ? at + 1 : at;
          return { flops: before * (after / before) ** (cuts / steps), epochs: epochsPerStep };
        }),
      ];
    }
  }
}
