import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { ImageSet, Pixels } from '../../core/images.ts';
import type { Network } from '../../core/network/index.ts';
import { type Dataset, openDataset, openPacked } from '../../formats/datasets/index.ts';
import type { PixelSize } from '../../formats/images.ts';
import { limits } from '../../limits.ts';
import type { SplitName } from '../../schema/common.ts';
import type { DatasetRef, JobContext } from '../types.ts';

/** [height, width] that a network takes. */
export function inputSizeOf(network: Network): { height: number; width: number } {
  const input = network.nodes[0];
  if (input.kind !== 'Input') throw new Error('A validated network begins with its Input.');
  const [height, width] = input.config.shape;
  return { height, width };
}

type Reading = Pick<JobContext<'prune'>, 'blobs' | 'cache' | 'workDir' | 'progress' | 'signal'>;

/** To be raised when images are decoded, cut out or resized to other pixels than before. */
const PIXELS_VERSION = 1;

/**
 * The named splits of a dataset at one size; decoded once, and from then on read as they were packed.
 *
 * @param residentBytesMax a larger split is not held in memory but read from its file, image by image
 */
export async function packSplits<S extends SplitName>(
  reading: Reading,
  dataset: DatasetRef,
  size: PixelSize,
  splits: readonly S[],
  residentBytesMax: number = limits.packedBytesMax,
): Promise<Record<S, ImageSet>> {
  const opened = await openDataset(await reading.blobs.localPath(dataset.blob));
  try {
    const packed: Partial<Record<S, ImageSet>> = {};
    for (const split of splits) {
      const labels = opened.labels(split);
      const wanted = { dataset: opened, source: dataset.blob, split, size, bytes: labels.length * size.height * size.width * 3 };
      const pixels = await (wanted.bytes <= residentBytesMax ? inMemory : onDisk)(reading, wanted);
      packed[split] = { count: labels.length, ...size, labels, pixels };
    }
    return packed as Record<S, ImageSet>;
  } finally {
    await opened.close();
  }
}

interface Wanted {
  readonly dataset: Dataset;
  readonly source: string;
  readonly split: SplitName;
  readonly size: PixelSize;
  /** Of the whole split. */
  readonly bytes: number;
}

const nameOf = ({ split, size: { height, width } }: Wanted): string => `${split}-${height}x${width}-v${PIXELS_VERSION}`;

async function inMemory({ cache, progress, signal }: Reading, wanted: Wanted): Promise<Pixels> {
  const { dataset, source, split, size, bytes } = wanted;
  const kept = await cache.read(source, nameOf(wanted));
  if (kept?.length === bytes) return kept;
  const { pixels } = await dataset.pack(split, size, { onProgress: progress, signal });
  await cache.write(source, nameOf(wanted), pixels);
  return pixels;
}

/** The file is this job's own while it is made and opened; what is open stays readable wherever it moves, even when it goes. */
async function onDisk({ cache, workDir, progress, signal }: Reading, wanted: Wanted): Promise<Pixels> {
  const { dataset, source, split, size, bytes } = wanted;
  const path = join(workDir, nameOf(wanted));
  await cache.moveOut(source, nameOf(wanted), path);
  const kept = statSync(path, { throwIfNoEntry: false });
  if (kept?.size !== bytes) await dataset.packInto(path, split, size, { onProgress: progress, signal });
  const pixels = openPacked(path);
  await cache.moveIn(source, nameOf(wanted), path);
  return pixels;
}

/** The images at the given positions, in that order. */
export function subset(images: ImageSet, positions: ArrayLike<number>): ImageSet & { readonly pixels: Uint8Array } {
  const imageBytes = images.height * images.width * 3;
  const pixels = new Uint8Array(positions.length * imageBytes);
  const labels = new Int32Array(positions.length);
  for (let i = 0; i < positions.length; i++) {
    pixels.set(images.pixels.subarray(positions[i] * imageBytes, (positions[i] + 1) * imageBytes), i * imageBytes);
    labels[i] = images.labels[positions[i]];
  }
  return { ...images, count: positions.length, pixels, labels };
}

/** One set after the other. */
export function joined(a: ImageSet, b: ImageSet): ImageSet {
  const pixels = new Uint8Array(a.pixels.length + b.pixels.length);
  pixels.set(a.pixels.subarray(0, a.pixels.length));
  pixels.set(b.pixels.subarray(0, b.pixels.length), a.pixels.length);
  return { ...a, count: a.count + b.count, pixels, labels: Int32Array.from([...a.labels, ...b.labels]) };
}
