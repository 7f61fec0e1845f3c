import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { mkdir, open, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../core/failure.ts';

/** Content-addressed bytes: the hash is SHA-256 in hex. */
export interface BlobRef {
  readonly hash: string;
  readonly bytes: number;
}

export interface Blobs {
  /** Streams into a temporary file, then renames; over `bytesMax` it fails with `limit-exceeded` and leaves nothing. */
  write(source: Uint8Array | AsyncIterable<Uint8Array>, bytesMax?: number): Promise<BlobRef>;
  /** Moves a finished file in. */
  adopt(path: string): Promise<BlobRef>;
  read(hash: string): Promise<Uint8Array>;
  /** A file on this machine with the blob's bytes; not to be changed. */
  localPath(hash: string): Promise<string>;
  has(hash: string): Promise<boolean>;
  /** Does nothing when it is not there, or was written (again) after `writtenUntil`, Unix time in milliseconds. */
  delete(hash: string, writtenUntil?: number): Promise<void>;
  /** Hashes of all blobs. */
  list(): Promise<string[]>;
}

const HASH = /^[0-9a-f]{64}$/;

const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';

/** Removes what a dead predecessor was writing; the data directory has one owner, so nobody else's files are there. */
function removeStale(temporary: string): void {
  const ownStart = Date.now() - process.uptime() * 1000;
  for (const name of readdirSync(temporary)) {
    const path = join(temporary, name);
    const written = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (written !== undefined && written < ownStart) rmSync(path, { force: true });
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function hashOf(path: string): Promise<BlobRef> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return { hash: hash.digest('hex'), bytes };
}

/**
 * A folder of blobs, named by their hash. Any number of processes may use it at once: a blob appears whole, by rename,
 * and is on disk (fsync of file and folder) before its reference is returned.
 * @param temporary where unfinished blobs are, on the same file system; one owner at a time, files of an earlier one are removed
 */
export function openBlobs(dir: string, temporary: string = join(dir, 'tmp')): Blobs {
  mkdirSync(dir, { recursive: true });
  mkdirSync(temporary, { recursive: true });
  removeStale(temporary);

  const pathOf = (hash: string): string => {
    if (!HASH.test(hash)) throw new Error(`not a blob's hash: ${hash}`);
    return join(dir, hash.slice(0, 2), hash);
  };

  // Renaming over a blob that is there is harmless, and tells by its time that somebody else counts on it now.
  const moveIn = async (path: string, hash: string): Promise<void> => {
    const target = pathOf(hash);
    await mkdir(dirname(target), { recursive: true });
    await rename(path, target);
    await sync(dirname(target));
  };

  const missing = (hash: string, cause: unknown): unknown =>
    isMissing(cause) ? new Failure('not-found', `The stored file ${hash} is missing.`, { hint: 'Import it again.', cause }) : cause;

  const write: Blobs['write'] = async (source, bytesMax = Number.POSITIVE_INFINITY) => {
    const path = join(temporary, randomUUID());
    const handle = await open(path, 'wx', 0o600);
    try {
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const chunk of source instanceof Uint8Array ? [source] : source) {
        bytes += chunk.length;
        if (bytes > bytesMax) {
          throw new Failure('limit-exceeded', `The file is larger than ${bytesMax} bytes.`, { hint: 'Send a smaller file.' });
        }
        hash.update(chunk);
        await handle.writeFile(chunk);
      }
      await handle.sync();
      const ref = { hash: hash.digest('hex'), bytes };
      await moveIn(path, ref.hash);
      return ref;
    } finally {
      await handle.close();
      await rm(path, { force: true });
    }
  };

  const adopt: Blobs['adopt'] = async (path) => {
    const ref = await hashOf(path);
    await sync(path);
    const now = new Date();
    await utimes(path, now, now);
    await moveIn(path, ref.hash);
    return ref;
  };

  const localPath: Blobs['localPath'] = async (hash) => {
    const path = pathOf(hash);
    await stat(path).catch((error) => {
      throw missing(hash, error);
    });
    return path;
  };

  return {
    write,
    adopt,
    localPath,
    read: async (hash) =>
      readFile(pathOf(hash)).catch((error) => {
        throw missing(hash, error);
      }),
    has: async (hash) =>
      stat(pathOf(hash)).then(
        () => true,
        () => false,
      ),
    delete: async (hash, writtenUntil = Number.POSITIVE_INFINITY) => {
      const path = pathOf(hash);
      const there = await stat(path).catch(() => undefined);
      if (there && Math.floor(there.mtimeMs) <= writtenUntil) await rm(path, { force: true });
    },
    list: async () =>
      (await readdir(dir, { recursive: true })).map((path) => path.slice(path.lastIndexOf('/') + 1)).filter((name) => HASH.test(name)),
  };
}
