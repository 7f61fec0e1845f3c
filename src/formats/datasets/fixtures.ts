import { createWriteStream } from 'node:fs';
import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { pack } from 'tar-stream';
import { ZipFile } from 'yazl';
import { createRandom } from '../../core/random.ts';

/** Small archives and images, made on the fly for tests. */
export type Files = readonly (readonly [name: string, bytes: Uint8Array])[];

export const temporaryFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'espalier-datasets-'));

/** An 8 × 8 noise image, another for each number. */
export const noise = (number: number, side = 8) => {
  const random = createRandom(number);
  return sharp(
    Uint8Array.from({ length: side * side * 3 }, () => random.integer(256)),
    { raw: { height: side, width: side, channels: 3 } },
  );
};

let made = 0;

/** Files `folder/0.png` … of distinct images, distinct from every other call's as well. */
export async function folder(name: string, count: number): Promise<Files> {
  return Promise.all(Array.from({ length: count }, async (_, i) => [`${name}/${i}.png`, await noise(made++).png().toBuffer()] as const));
}

export async function tar(path: string, files: Files, { gzip = false } = {}): Promise<string> {
  const archive = pack();
  for (const [name, bytes] of files) archive.entry({ name }, Buffer.from(bytes));
  archive.finalize();
  await pipeline(archive, createWriteStream(path));
  if (gzip) await writeFile(path, gzipSync(await readFile(path)));
  return path;
}

export async function zip(path: string, files: Files): Promise<string> {
  const archive = new ZipFile();
  for (const [name, bytes] of files) archive.addBuffer(Buffer.from(bytes), name, { mtime: new Date(0) });
  archive.end();
  await pipeline(archive.outputStream, createWriteStream(path));
  return path;
}

/** An IDX file of unsigned bytes. */
export function idx(shape: readonly number[], values: Uint8Array): Uint8Array {
  const header = Buffer.alloc(4 + 4 * shape.length);
  header.set([0, 0, 8, shape.length]);
  shape.forEach((side, axis) => header.writeUInt32BE(side, 4 + 4 * axis));
  return Buffer.concat([header, values]);
}
