import { channelsOf, featuresNode, inferShapes, logitsNode, sizeOf } from '../core/network/index.ts';
import { type ImageSet, sliceImages } from '../core/images.ts';
import type { Network } from '../core/network/types.ts';
import { activationReaders, keptActivations, readActivations } from './activations.ts';
import type { Backend } from './backend.ts';
import { overBatches } from './infer.ts';
import { planOf } from './plan.ts';
import { tf } from './tf.ts';
import type { Observation, ObserveOptions } from './types.ts';

/** See Engine.observe. */
export async function observe(backend: Backend, network: Network, images: ImageSet, options: ObserveOptions): Promise<Observation> {
  const output = logitsNode(network).id;
  const penultimate = featuresNode(network).id;
  const probe = Math.min(options.probeImages, images.count);
  const kept = keptActivations();
  const readers = activationReaders(network, probe, options, kept.sink);
  const plain = planOf(network, output, { fuse: 'inference', observed: new Set([penultimate]) });
  const watched = planOf(network, output, {
    fuse: 'inference',
    observed: new Set([penultimate, ...readers.map(({ read }) => read)]),
  });
  const dimensions = channelsOf(inferShapes(network).get(penultimate) ?? []);
  const classes = sizeOf(plain.outputShape);
  const features = new Float32Array(images.count * dimensions);
  const logits = new Float32Array(images.count * classes);
  const phase = `features ${network.metadata.name}`;

  /** Reads the images from `begin` on; layers are read where `layers` is true. */
  const pass = async (begin: number, end: number, layers: boolean): Promise<void> => {
    if (begin === end) return;
    const part = sliceImages(images, begin, end);
    let at = begin;
    await overBatches(
      backend,
      {
        ...options,
        network,
        plan: layers ? watched : plain,
        images: part,
        phase,
        onProgress: (one) => options.onProgress?.({ ...one, done: begin + one.done, total: images.count }),
      },
      (values, first, count) => {
        logits.set(values.dataSync<'float32'>(), (begin + first) * classes);
        at = begin + first + count;
      },
      (id, values) => {
        if (id === penultimate) {
          const vectors = values.rank === 4 ? tf.mean(values, [1, 2]) : values;
          features.set(vectors.dataSync<'float32'>(), at * dimensions);
        }
        if (layers) readActivations(readers, id, values, at);
      },
    );
  };
  await pass(0, probe, true);
  await pass(probe, images.count, false);
  return { features: { dimensions, values: features }, logits, activations: kept.samples };
}
