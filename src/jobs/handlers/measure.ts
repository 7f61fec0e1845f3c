import type { ImageSet } from '../../core/images.ts';
import type { Network } from '../../core/network/index.ts';
import { evaluateLogits } from '../../core/stats/index.ts';
import type { Engine } from '../../engine/types.ts';
import type { Metrics } from '../../schema/evaluations.ts';
import type { DatasetRef, JobContext } from '../types.ts';
import { classNamesOf } from './classes.ts';

/** The bootstrap's draws are the same for every measurement, so that two of them differ by the models alone. */
const BOOTSTRAP_SEED = 0;

/** What measurements of one run share. */
export interface Measuring extends Pick<JobContext<'evaluate'>, 'progress' | 'signal'> {
  readonly engine: Engine;
  readonly dataset: DatasetRef;
}

export interface Measurement {
  readonly metrics: Metrics;
  readonly confusion: number[][];
  /** count × classes, for paired comparisons. */
  readonly logits: Float32Array;
}

/**
 * Runs the network over the images and computes every metric with its interval.
 * @param what names the measurement in the progress: `base on test`
 */
export async function measure(
  { engine, dataset, progress, signal }: Measuring,
  network: Network,
  images: ImageSet,
  what: string,
): Promise<Measurement> {
  const names = classNamesOf(dataset);
  const logits = await engine.logits(network, images, { onProgress: (one) => progress({ ...one, phase: `measure ${what}` }), signal });
  const { count, accuracy, macroF1, perClass, logLoss, calibration, confusion } = evaluateLogits(logits, images.labels, names.length, {
    seed: BOOTSTRAP_SEED,
  });
  const metrics = {
    images: count,
    accuracy,
    macroF1,
    perClass: perClass.map((figures, i) => ({ name: names[i], ...figures })),
    logLoss,
    calibration: { expectedError: calibration.expectedError, bins: [...calibration.bins] },
  };
  return { metrics, confusion: confusion.map((row) => [...row]), logits };
}
