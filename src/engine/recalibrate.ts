import type { ImageSet } from '../core/images.ts';
import { logitsNode } from '../core/network/index.ts';
import type { Network, Tensor as Values } from '../core/network/types.ts';
import { createRandom } from '../core/random.ts';
import type { Backend } from './backend.ts';
import { forward, read, upload } from './execute.ts';
import { breathe, stopIfAborted } from './infer.ts';
import { trainedOf } from './parameters.ts';
import { batchesOf } from './pixels.ts';
import { planOf } from './plan.ts';
import { tf } from './tf.ts';
import type { RunOptions } from './types.ts';

/** See Engine.recalibrate (METHOD.md §5: EagleEye, Li 2020). Batches are drawn from the images shuffled by the seed. */
export async function recalibrate(
  { primitives }: Backend,
  network: Network,
  images: ImageSet,
  options: RunOptions & { readonly batches: number; readonly batchSize: number; readonly seed: number },
): Promise<Network> {
  const plan = planOf(network, logitsNode(network).id, { fuse: 'training' });
  const { statistics } = trainedOf(network, plan, 'all');
  const batches = batchesOf(network, images);
  const order = createRandom(options.seed).shuffle(Int32Array.from({ length: images.count }, (_, i) => i));
  const total = Math.min(options.batches, Math.ceil(images.count / options.batchSize));
  const weights = upload(plan);
  try {
    for (let batch = 0; batch < total; batch++) {
      stopIfAborted(options.signal);
      const indices = order.subarray(batch * options.batchSize, (batch + 1) * options.batchSize);
      tf.tidy(() => {
        forward(primitives, plan, weights, batches.images(indices), {
          // The mean over the batches so far: old · k/(k+1) + new · 1/(k+1).
          training: { statistics: 'batch', momentum: batch / (batch + 1) },
          update: (key, tensor) => {
            weights.get(key)?.dispose();
            weights.set(key, tensor);
          },
        });
      });
      options.onProgress?.({ phase: `recalibrate ${network.metadata.name}`, done: batch + 1, total });
      await breathe();
    }
    const measured = statistics.map(({ key, shape }): [string, Values] => [
      key,
      { shape, data: read(weights, key).dataSync<'float32'>().slice() },
    ]);
    return { ...network, weights: new Map([...network.weights, ...measured]) };
  } finally {
    tf.dispose([...weights.values()]);
  }
}
