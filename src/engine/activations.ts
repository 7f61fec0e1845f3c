import type { ImageSet } from '../core/images.ts';
import { activationSites, channelsOf, inferShapes, sizeOf } from '../core/network/index.ts';
import type { ActivationSite } from '../core/network/index.ts';
import type { Network } from '../core/network/types.ts';
import { createRandom } from '../core/random.ts';
import type { Random } from '../core/random.ts';
import type { Backend } from './backend.ts';
import { overBatches } from './infer.ts';
import { planOf } from './plan.ts';
import { shapeOf, tf } from './tf.ts';
import type { Tensor } from './tf.ts';
import type { ActivationSample, RunOptions } from './types.ts';

/** Collects the samples of one site. */
export interface Reader {
  readonly site: ActivationSite;
  readonly channels: number;
  readonly positions: number;
  /** Samples of one image. */
  readonly perImage: number;
  readonly values: Float32Array;
  /** One for each site, so that neither the batch size nor another layer changes what is drawn. */
  readonly random: Random;
}

/** See Engine.activations. Where a map has fewer positions than are asked for, all of them are read. */
export async function activations(
  backend: Backend,
  network: Network,
  images: ImageSet,
  options: RunOptions & { readonly positionsPerImage: number; readonly seed: number },
): Promise<Map<string, ActivationSample>> {
  const readers = activationReaders(network, images.count, options);
  const plan = planOf(network, network.nodes[network.nodes.length - 1].id, {
    fuse: 'inference',
    observed: new Set(readers.map(({ site }) => site.read)),
  });
  let first = 0;
  await overBatches(
    backend,
    { ...options, network, plan, images, phase: `activations ${network.metadata.name}` },
    (output, begin) => {
      first = begin + shapeOf(output)[0];
    },
    (id, output) => readActivations(readers, id, output, { first, images: images.count }),
  );
  return sampledBy(readers, images.count);
}

/** One reader for each site, for so many images. */
export function activationReaders(
  network: Network,
  images: number,
  options: { readonly positionsPerImage: number; readonly seed: number },
): Reader[] {
  const shapes = inferShapes(network);
  return activationSites(network).map((site, at): Reader => {
    const shape = shapes.get(site.read) ?? [];
    const channels = channelsOf(shape);
    const positions = sizeOf(shape) / channels;
    const perImage = Math.min(options.positionsPerImage, positions);
    const values = new Float32Array(channels * images * perImage);
    return { site, channels, positions, perImage, values, random: createRandom(options.seed + at) };
  });
}

/** Takes the samples of a batch whose images begin at `first`, where the node `id` is a site. */
export function readActivations(
  readers: readonly Reader[],
  id: string,
  output: Tensor,
  { first, images }: { readonly first: number; readonly images: number },
): void {
  for (const reader of readers) if (reader.site.read === id) sample(reader, output, first, images);
}

/** What the readers took, keyed by the convolution's node id. */
export function sampledBy(readers: readonly Reader[], images: number): Map<string, ActivationSample> {
  return new Map(
    readers.map(({ site, channels, perImage, values }) => [
      site.conv,
      { channels, samples: images * perImage, values, nonNegative: site.nonNegative },
    ]),
  );
}

/** One position out of each of `perImage` equal stretches of an image's positions, channel-major into the reader. */
function sample({ channels, positions, perImage, values, random }: Reader, output: Tensor, first: number, images: number): void {
  const count = shapeOf(output)[0];
  const stretch = positions / perImage;
  const rows = Int32Array.from({ length: count * perImage }, (_, at) => {
    const begin = Math.floor((at % perImage) * stretch);
    const end = Math.floor(((at % perImage) + 1) * stretch);
    return Math.floor(at / perImage) * positions + begin + random.integer(end - begin);
  });
  const gathered = tf.tidy(() => tf.gather(tf.reshape(output, [count * positions, channels]), tf.tensor1d(rows, 'int32')));
  const taken = gathered.dataSync<'float32'>();
  gathered.dispose();
  const samples = images * perImage;
  for (let c = 0; c < channels; c++) {
    for (let s = 0; s < rows.length; s++) values[c * samples + first * perImage + s] = taken[s * channels + c];
  }
}
