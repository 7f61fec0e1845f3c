import { open, rename, rm, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Failure } from '../../core/failure.ts';
import type { ImageSet } from '../../core/images.ts';
import type { OnProgress } from '../../core/progress.ts';
import { limits } from '../../limits.ts';
import { decodeImage, encodePng, mediaTypeOf, resizeRaw, type PixelSize } from '../images.ts';
import { sampleSheet, type Sample } from './samples.ts';
import { openContainer, readAt, type DatasetIndex, type DatasetReport, type ImageEntry, type SplitName } from './container.ts';

/** One image as a file that a browser shows. */
export interface EncodedImage {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  readonly label: number;
}

export interface PackOptions {
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** An open container. Reading is safe from several places at once. */
export interface Dataset {
  readonly report: DatasetReport;
  /** In the order of the labels. */
  readonly classNames: readonly string[];
  /** Name and label of every image, in the order of `pack`. */
  readonly splits: DatasetIndex['splits'];
  /** Class of every image, in the order of `pack`. */
  labels(split: SplitName): Int32Array;
  /** The image's own file, or a PNG where the dataset came as raw pixels. */
  image(split: SplitName, position: number): Promise<EncodedImage>;
  /**
   * A whole split at one size, by the policy of `decodeImage`, in the order of `splits`.
   *
   * @throws Failure `limit-exceeded` when it would not fit in memory, `cancelled`
   */
  pack(split: SplitName, size: PixelSize, options?: PackOptions): Promise<ImageSet & { readonly pixels: Uint8Array }>;
  /**
   * The pixels of `pack` into a file, for a split that is larger than memory; `openPacked` reads them.
   *
   * @throws Failure `limit-exceeded` when the disk has no room for them, `cancelled`; there is then no file
   */
  packInto(path: string, split: SplitName, size: PixelSize, options?: PackOptions): Promise<void>;
  /** Thumbnails of the first images of each split and class. */
  sampleSheet(): Promise<Sample[]>;
  close(): Promise<void>;
}

/** Images decoded at once: twice what the thread pool takes, so that it never waits for a read. */
const CONCURRENCY = 8;

/**
 * Opens a container that `importDataset` made.
 *
 * @throws Failure `malformed-file`
 */
export async function openDataset(path: string): Promise<Dataset> {
  const { file, index } = await openContainer(path);
  const { raw, splits, report } = index;

  const decode = async (entry: ImageEntry, size: PixelSize): Promise<Uint8Array> => {
    const bytes = await readAt(file, entry.offset, entry.bytes);
    return raw ? resizeRaw({ ...raw, pixels: bytes }, size) : decodeImage(bytes, size, entry.name);
  };

  const decodeAll = async (
    split: SplitName,
    size: PixelSize,
    { onProgress, signal }: PackOptions,
    store: (image: Uint8Array, position: number) => unknown,
  ): Promise<void> => {
    const entries = splits[split];
    const started = performance.now();
    let next = 0;
    let done = 0;
    const work = async (): Promise<void> => {
      while (next < entries.length) {
        if (signal?.aborted) throw new Failure('cancelled', 'Decoding the images was cancelled.');
        const position = next++;
        try {
          await store(await decode(entries[position], size), position);
        } catch (error) {
          next = entries.length; // the other workers stop too
          throw error;
        }
        done++;
        if (done % 256 === 0 || done === entries.length) {
          const imagesPerSecond = done / ((performance.now() - started) / 1000);
          const secondsLeft = (entries.length - done) / imagesPerSecond;
          onProgress?.({ phase: `decode ${split} images`, done, total: entries.length, imagesPerSecond, secondsLeft });
        }
      }
    };
    await Promise.all(Array.from({ length: CONCURRENCY }, work));
  };

  const dataset: Dataset = {
    report,
    classNames: report.classes.map(({ name }) => name),
    splits,
    labels: (split) => Int32Array.from(splits[split], ({ label }) => label),

    async image(split, position) {
      const entry = splits[split].at(position);
      if (!entry) throw new Failure('not-found', `The ${split} split has no image ${position}.`, { field: 'position' });
      const stored = await readAt(file, entry.offset, entry.bytes);
      const bytes = raw ? await encodePng({ ...raw, pixels: stored }) : stored;
      return { name: entry.name, label: entry.label, bytes, mediaType: mediaTypeOf(bytes) ?? 'application/octet-stream' };
    },

    async pack(split, size, options = {}) {
      const entries = splits[split];
      const { height, width } = size;
      const imageBytes = height * width * 3;
      if (entries.length * imageBytes > limits.packedBytesMax) {
        throw new Failure(
          'limit-exceeded',
          `${entries.length} ${split} images at ${height} × ${width} take more than ${limits.packedBytesMax} bytes of memory.`,
          { hint: 'Use fewer images or a model with a smaller input.' },
        );
      }
      const pixels = new Uint8Array(entries.length * imageBytes);
      await decodeAll(split, size, options, (image, position) => pixels.set(image, position * imageBytes));
      return { count: entries.length, height, width, pixels, labels: dataset.labels(split) };
    },

    async packInto(path, split, size, options = {}) {
      const imageBytes = size.height * size.width * 3;
      await refuseWithoutRoom(path, splits[split].length * imageBytes);
      const unfinished = `${path}.part`;
      const packed = await open(unfinished, 'w', 0o600);
      try {
        await decodeAll(split, size, options, async (image, position) => {
          await packed.write(image, 0, imageBytes, position * imageBytes);
        });
        await packed.sync();
        await rename(unfinished, path);
      } finally {
        await packed.close();
        await rm(unfinished, { force: true });
      }
    },

    sampleSheet: () => sampleSheet(dataset),
    close: () => file.close(),
  };
  return dataset;
}

async function refuseWithoutRoom(path: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(dirname(path));
  if (bytes <= bavail * bsize) return;
  throw new Failure(
    'limit-exceeded',
    `The images take ${(bytes / 1e9).toFixed(1)} GB at this size, and the disk has ${((bavail * bsize) / 1e9).toFixed(1)} GB.`,
    { hint: 'Use fewer images or a model with a smaller input, or set ESPALIER_DATA to a larger disk.' },
  );
}
