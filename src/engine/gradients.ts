import type { ImageSet } from '../core/images.ts';
import { logitsNode, sizeOf } from '../core/network/index.ts';
import type { Network } from '../core/network/types.ts';
import { createRandom } from '../core/random.ts';
import type { Backend } from './backend.ts';
import { read, upload } from './execute.ts';
import { gradientsOf } from './gradient.ts';
import { breathe, stopIfAborted } from './infer.ts';
import { crossEntropy } from './loss.ts';
import { batchesOf } from './pixels.ts';
import { planOf } from './plan.ts';
import { tf } from './tf.ts';
import type { Tensor } from './tf.ts';
import type { RunOptions, WeightGradients } from './types.ts';

/** See Engine.gradients. Batches are drawn from the images shuffled by the seed. */
export async function gradients(
  { primitives }: Backend,
  network: Network,
  images: ImageSet,
  options: RunOptions & { readonly batches: number; readonly batchSize: number; readonly seed: number },
): Promise<WeightGradients> {
  const plan = planOf(network, logitsNode(network).id, { fuse: 'training' });
  const batches = batchesOf(network, images);
  const classes = sizeOf(plan.outputShape);
  const kernels = plan.steps.flatMap(({ node, specs }) =>
    specs.filter(({ inAxis, trainable }) => trainable && inAxis !== undefined).map(({ name }) => `${node.id}/${name}`),
  );
  const order = createRandom(options.seed).shuffle(Int32Array.from({ length: images.count }, (_, i) => i));
  const used = order.subarray(0, Math.min(images.count, options.batches * options.batchSize));
  const total = Math.ceil(used.length / options.batchSize);
  const weights = upload(plan);
  const sums = { mean: new Map<string, Tensor>(), meanSquare: new Map<string, Tensor>() };
  const add = (sum: Map<string, Tensor>, key: string, term: Tensor): void => {
    const before = sum.get(key);
    sum.set(key, tf.keep(before === undefined ? tf.clone(term) : tf.add(before, term)));
    before?.dispose();
  };
  try {
    for (let batch = 0; batch < total; batch++) {
      stopIfAborted(options.signal);
      const indices = used.subarray(batch * options.batchSize, (batch + 1) * options.batchSize);
      tf.tidy(() => {
        const found = gradientsOf(
          primitives,
          plan,
          weights,
          { x: batches.images(indices), loss: crossEntropy(primitives, { targets: batches.targets(indices, classes) }) },
          { batchNormalised: new Set(), parameters: new Set(kernels), update: (_key, tensor) => tensor.dispose() },
        );
        // A last batch that is smaller counts less, so that the mean is the one over the images.
        const share = indices.length / used.length;
        for (const key of kernels) {
          const gradient = read(found.gradients, key);
          add(sums.mean, key, tf.mul(gradient, share));
          add(sums.meanSquare, key, tf.mul(tf.square(gradient), share));
        }
      });
      options.onProgress?.({ phase: `gradients ${network.metadata.name}`, done: batch + 1, total });
      await breathe();
    }
    return { mean: valuesOf(sums.mean), meanSquare: valuesOf(sums.meanSquare) };
  } finally {
    tf.dispose([...weights.values(), ...sums.mean.values(), ...sums.meanSquare.values()]);
  }
}

function valuesOf(tensors: ReadonlyMap<string, Tensor>): Map<string, Float32Array> {
  return new Map(Array.from(tensors, ([key, tensor]) => [key, tensor.dataSync<'float32'>().slice()]));
}
