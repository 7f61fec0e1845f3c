import { open, type FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { Failure } from '../../core/failure.ts';

/**
 * The container of a dataset: one file, written in one pass.
 *
 *     magic (8 bytes) · image bytes, one after the other · index as JSON · length of the index (uint64 LE) · magic (8 bytes)
 *
 * Images keep the bytes of their files, so that any size can be packed from the original; images from IDX files are raw pixels.
 * The same images in the same order with the same seed make the same file, byte for byte.
 */
const MAGIC = Buffer.from('ESPDATA1');
const TRAILER_BYTES = 16;

const count = z.int().min(0);
const pixels = z.int().min(1);
const counts = z.object({ train: count, validation: count, test: count });

/** What an import found; plain data for users. */
const reportSchema = z.object({
  /** In the order of the labels. */
  classes: z.array(counts.extend({ name: z.string() })),
  counts,
  /** [height, width] of the smallest, middle and largest image by area. */
  size: z.object({
    minimum: z.tuple([pixels, pixels]),
    median: z.tuple([pixels, pixels]),
    maximum: z.tuple([pixels, pixels]),
  }),
  channels: z.enum(['grey', 'rgb', 'mixed']),
  /** False when at least one split was made here. */
  splitsGiven: z.boolean(),
  /** Images left out because an earlier split holds the same pixels. */
  duplicates: count,
  /** `files` names the first 20. */
  refused: z.object({ count, files: z.array(z.object({ name: z.string(), reason: z.string() })) }),
  seed: z.int(),
});
export type DatasetReport = z.infer<typeof reportSchema>;

const entrySchema = z.object({
  /** Path in the archive, or `train #12` for the image at position 12 of an IDX file. */
  name: z.string(),
  offset: count,
  bytes: count,
  /** Position in the report's classes. */
  label: count,
});
export type ImageEntry = z.infer<typeof entrySchema>;

const indexSchema = z.object({
  report: reportSchema,
  /** Size of every image where they are raw pixels (row-major), null where they are files. */
  raw: z.object({ height: pixels, width: pixels, channels: z.union([z.literal(1), z.literal(3)]) }).nullable(),
  /** In a seeded random order, so that any first part is a random sample. */
  splits: z.object({ train: z.array(entrySchema), validation: z.array(entrySchema), test: z.array(entrySchema) }),
});
export type DatasetIndex = z.infer<typeof indexSchema>;
export type SplitName = keyof DatasetIndex['splits'];
export const splitNames: readonly SplitName[] = ['train', 'validation', 'test'];

export interface ContainerWriter {
  /** Returns the offset of the bytes. */
  append(bytes: Uint8Array): Promise<number>;
  /** Writes the index and closes the file, flushed to disk. */
  finish(index: DatasetIndex): Promise<void>;
  /** Closes without an index; the file is then no container. */
  abandon(): Promise<void>;
}

/** Creates or replaces the file. Calls must be awaited one after the other. */
export async function createContainer(path: string): Promise<ContainerWriter> {
  const file = await open(path, 'w');
  let end = 0;
  const append = async (bytes: Uint8Array): Promise<number> => {
    const offset = end;
    await file.writeFile(bytes);
    end += bytes.length;
    return offset;
  };
  await append(MAGIC);
  return {
    append,
    async finish(index) {
      const json = Buffer.from(JSON.stringify(index));
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(json.length));
      await append(Buffer.concat([json, length, MAGIC]));
      await file.sync();
      await file.close();
    },
    abandon: () => file.close(),
  };
}

/**
 * Opens a container; the caller closes the file.
 *
 * @throws Failure `malformed-file` when it is none or is cut off
 */
export async function openContainer(path: string): Promise<{ file: FileHandle; index: DatasetIndex }> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    const trailer =
      size < MAGIC.length + TRAILER_BYTES ? Buffer.alloc(TRAILER_BYTES) : await readAt(file, size - TRAILER_BYTES, TRAILER_BYTES);
    const indexBytes = Number(trailer.readBigUInt64LE(0));
    if (!trailer.subarray(8).equals(MAGIC) || indexBytes > size - MAGIC.length - TRAILER_BYTES) throw new Error('no trailer');
    const json = await readAt(file, size - TRAILER_BYTES - indexBytes, indexBytes);
    return { file, index: indexSchema.parse(JSON.parse(json.toString())) };
  } catch (cause) {
    await file.close();
    throw new Failure('malformed-file', 'The stored dataset is damaged.', { hint: 'Import the dataset again.', cause });
  }
}

/** Reads exactly that many bytes. */
export async function readAt(file: FileHandle, offset: number, bytes: number): Promise<Buffer> {
  const buffer = Buffer.alloc(bytes);
  let done = 0;
  while (done < bytes) {
    const { bytesRead } = await file.read(buffer, done, bytes - done, offset + done);
    if (bytesRead === 0) throw new Failure('malformed-file', 'The stored dataset is cut off.', { hint: 'Import the dataset again.' });
    done += bytesRead;
  }
  return buffer;
}
