import type { ImageSet } from '../../core/images.ts';
import type { Network } from '../../core/network/index.ts';
import { openDataset } from '../../formats/datasets/index.ts';
import type { SplitName } from '../../schema/common.ts';
import type { DatasetRef, JobContext } from '../types.ts';

/** [height, width] that a network takes. */
export function inputSizeOf(network: Network): { height: number; width: number } {
  const input = network.nodes[0];
  if (input.kind !== 'Input') throw new Error('A validated network begins with its Input.');
  const [height, width] = input.config.shape;
  return { height, width };
}

type Reading = Pick<JobContext<'prune'>, 'blobs' | 'cache' | 'progress' | 'signal'>;

/** To be raised when images are decoded, cut out or resized to other pixels than before. */
const PIXELS_VERSION = 1;

/** The named splits of a dataset at one size, in memory; decoded once, and from then on read as they were packed. */
export async function packSplits<S extends SplitName>(
  { blobs, cache, progress, signal }: Reading,
  dataset: DatasetRef,
  size: { height: number; width: number },
  splits: readonly S[],
): Promise<Record<S, ImageSet>> {
  const { height, width } = size;
  const opened = await openDataset(await blobs.localPath(dataset.blob));
  try {
    const packed: Partial<Record<S, ImageSet>> = {};
    for (const split of splits) {
      const labels = Int32Array.from(opened.splits[split], ({ label }) => label);
      const name = `${split}-${height}x${width}-v${PIXELS_VERSION}`;
      const pixels = await cache.read(dataset.blob, name);
      if (pixels?.length === labels.length * height * width * 3) {
        packed[split] = { count: labels.length, height, width, pixels, labels };
        continue;
      }
      const made = await opened.pack(split, size, { onProgress: progress, signal });
      await cache.write(dataset.blob, name, made.pixels);
      packed[split] = made;
    }
    return packed as Record<S, ImageSet>;
  } finally {
    await opened.close();
  }
}

/** The images at the given positions, in that order. */
export function subset(images: ImageSet, positions: ArrayLike<number>): ImageSet {
  const imageBytes = images.height * images.width * 3;
  const pixels = new Uint8Array(positions.length * imageBytes);
  const labels = new Int32Array(positions.length);
  for (let i = 0; i < positions.length; i++) {
    pixels.set(images.pixels.subarray(positions[i] * imageBytes, (positions[i] + 1) * imageBytes), i * imageBytes);
    labels[i] = images.labels[positions[i]];
  }
  return { ...images, count: positions.length, pixels, labels };
}

/** The first `count` images, or all of them. A split is stored in random order, so this is a random sample. */
export function firstImages(images: ImageSet, count: number): ImageSet {
  return count >= images.count
    ? images
    : subset(
        images,
        Array.from({ length: count }, (_, i) => i),
      );
}

/** One set after the other. */
export function joined(a: ImageSet, b: ImageSet): ImageSet {
  const pixels = new Uint8Array(a.pixels.length + b.pixels.length);
  pixels.set(a.pixels);
  pixels.set(b.pixels, a.pixels.length);
  return { ...a, count: a.count + b.count, pixels, labels: Int32Array.from([...a.labels, ...b.labels]) };
}
