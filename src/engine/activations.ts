import type { ImageSet } from '../core/images.ts';
import { activationSites, channelsOf, inferShapes, sizeOf } from '../core/network/index.ts';
import type { Network } from '../core/network/types.ts';
import { createRandom } from '../core/random.ts';
import type { Random } from '../core/random.ts';
import type { Backend } from './backend.ts';
import { overBatches } from './infer.ts';
import { planOf } from './plan.ts';
import { shapeOf, tf } from './tf.ts';
import type { Tensor } from './tf.ts';
import type { ActivationLayer, ActivationSample, ActivationSink, SampleOptions } from './types.ts';

/** Takes the samples of one site. */
export interface Reader {
  readonly layer: ActivationLayer;
  /** The node that is read. */
  readonly read: string;
  readonly positions: number;
  /** Samples of one image. */
  readonly perImage: number;
  /** One for each site, so that neither the batch size nor another layer changes what is drawn. */
  readonly random: Random;
  readonly sink: ActivationSink;
}

/** See Engine.activations. Where a map has fewer positions than are asked for, all of them are read. */
export async function activations(
  backend: Backend,
  network: Network,
  images: ImageSet,
  options: SampleOptions,
): Promise<Map<string, ActivationSample>> {
  const { samples, sink } = keptActivations();
  await streamActivations(backend, network, images, options, sink);
  return samples;
}

/** See Engine.streamActivations. */
export async function streamActivations(
  backend: Backend,
  network: Network,
  images: ImageSet,
  options: SampleOptions,
  sink: ActivationSink,
): Promise<void> {
  const readers = activationReaders(network, images.count, options, sink);
  const plan = planOf(network, network.nodes[network.nodes.length - 1].id, {
    fuse: 'inference',
    observed: new Set(readers.map(({ read }) => read)),
  });
  let first = 0;
  await overBatches(
    backend,
    { ...options, network, plan, images, phase: `activations ${network.metadata.name}` },
    (output, begin) => {
      first = begin + shapeOf(output)[0];
    },
    (id, output) => readActivations(readers, id, output, first),
  );
}

/** One reader for each site, for so many images. */
export function activationReaders(
  network: Network,
  images: number,
  options: Pick<SampleOptions, 'positionsPerImage' | 'seed'>,
  sink: ActivationSink,
): Reader[] {
  const shapes = inferShapes(network);
  const readers = activationSites(network).map(({ conv, read, nonNegative }, at): Reader => {
    const shape = shapes.get(read) ?? [];
    const channels = channelsOf(shape);
    const positions = sizeOf(shape) / channels;
    const perImage = Math.min(options.positionsPerImage, positions);
    const layer = { layer: conv, channels, samples: images * perImage, nonNegative };
    return { layer, read, positions, perImage, random: createRandom(options.seed + at), sink };
  });
  sink.begin(readers.map(({ layer }) => layer));
  return readers;
}

/** Takes the samples of a batch whose images begin at `first`, where the node `id` is a site. */
export function readActivations(readers: readonly Reader[], id: string, output: Tensor, first: number): void {
  for (const reader of readers) if (reader.read === id) sample(reader, output, first);
}

/** A sink that holds the samples of all layers in memory, channel-major. */
export function keptActivations(): { readonly samples: Map<string, ActivationSample>; readonly sink: ActivationSink } {
  const samples = new Map<string, ActivationSample>();
  return {
    samples,
    sink: {
      begin: (layers) => {
        for (const { layer, channels, samples: count, nonNegative } of layers) {
          samples.set(layer, { channels, samples: count, values: new Float32Array(channels * count), nonNegative });
        }
      },
      take: ({ layer, channels, samples: count }, first, taken) => {
        const values = samples.get(layer)?.values;
        if (values === undefined) throw new Error(`Layer "${layer}" was not announced.`);
        for (let c = 0; c < channels; c++) {
          for (let from = c, to = c * count + first; from < taken.length; from += channels, to++) values[to] = taken[from];
        }
      },
    },
  };
}

/** One position out of each of `perImage` equal stretches of an image's positions. */
function sample({ layer, positions, perImage, random, sink }: Reader, output: Tensor, first: number): void {
  const count = shapeOf(output)[0];
  const stretch = positions / perImage;
  const rows = Int32Array.from({ length: count * perImage }, (_, at) => {
    const begin = Math.floor((at % perImage) * stretch);
    const end = Math.floor(((at % perImage) + 1) * stretch);
    return Math.floor(at / perImage) * positions + begin + random.integer(end - begin);
  });
  const gathered = tf.tidy(() => tf.gather(tf.reshape(output, [count * positions, layer.channels]), tf.tensor1d(rows, 'int32')));
  const taken = gathered.dataSync<'float32'>();
  gathered.dispose();
  sink.take(layer, first * perImage, taken);
}
