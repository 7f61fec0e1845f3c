import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { pack } from 'tar-stream';
import { Failure } from '../core/failure.ts';

export interface Upload {
  readonly fileName: string;
  readonly body: ReadableStream<Uint8Array>;
}

/**
 * What to send for the paths on a command line: one file as it is; a folder, or several files, as a tar made on the way.
 * @throws Failure `not-found` naming the path
 */
export async function uploadOf(paths: readonly string[]): Promise<Upload> {
  const [first, ...others] = paths;
  const facts = await stat(first).catch(() => undefined);
  if (facts === undefined) throw missing(first);
  if (others.length === 0 && facts.isFile()) return { fileName: basename(first), body: webStream(createReadStream(first)) };
  const files = others.length === 0 ? await filesBelow(first) : await looseFiles(paths);
  const archive = pack();
  // A failure to read a file ends the stream with that error, so that the receiver sees no complete archive.
  void fill(archive, files).catch((error: unknown) => archive.destroy(error instanceof Error ? error : new Error(String(error))));
  return { fileName: `${basename(first)}.tar`, body: webStream(Readable.from(archive)) };
}

function missing(path: string): Failure {
  return new Failure('not-found', `There is no file ${path}.`, { hint: 'Check the path.', field: path });
}

// Node's types for the two kinds of web stream differ in name only.
const webStream = (stream: Readable): ReadableStream<Uint8Array> => Readable.toWeb(stream) as ReadableStream<Uint8Array>;

interface File {
  readonly path: string;
  readonly name: string;
}

/** Regular files below a folder in a stable order, so that the same folder makes the same tar; links are left out. */
async function filesBelow(folder: string): Promise<File[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({ path, name: relative(folder, path).split(sep).join('/') }));
}

async function looseFiles(paths: readonly string[]): Promise<File[]> {
  for (const path of paths) if (!(await stat(path).catch(() => undefined))?.isFile()) throw missing(path);
  return paths.map((path) => ({ path, name: basename(path) }));
}

async function fill(archive: ReturnType<typeof pack>, files: readonly File[]): Promise<void> {
  for (const { path, name } of files) {
    const { size } = await stat(path);
    // No time stamps: equal files make an equal upload, which the service then knows already.
    await pipeline(createReadStream(path), archive.entry({ name, size, mtime: new Date(0), mode: 0o644 }));
  }
  archive.finalize();
}
