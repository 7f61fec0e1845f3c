import type { ImageSet } from '../../core/images.ts';
import type { Network } from '../../core/network/index.ts';
import type { Engine } from '../../engine/types.ts';
import type { JobContext } from '../types.ts';

/** Training batches that BatchNormalization statistics are averaged over (METHOD.md §5: a few hundred, or all there are). */
const BATCHES = 200;
const BATCH_SIZE = 32;

/** The network with the BatchNormalization statistics of training images. */
export function recalibrated(
  engine: Engine,
  network: Network,
  train: ImageSet,
  { seed, progress, signal }: Pick<JobContext<'prune'>, 'progress' | 'signal'> & { readonly seed: number },
): Promise<Network> {
  return engine.recalibrate(network, train, { batches: BATCHES, batchSize: BATCH_SIZE, seed, onProgress: progress, signal });
}
