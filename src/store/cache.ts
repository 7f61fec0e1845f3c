import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { replaceFile } from './files.ts';

/** Files that can be made again from something stored; those that were not used for longest go when there are too many. */
export interface Cache {
  /** What {@link Cache.write} kept, or undefined. */
  read(source: string, name: string): Promise<Uint8Array | undefined>;
  /**
   * Keeps bytes that were made from a stored thing.
   * @param source the content hash of that thing, whose removal takes the file along
   * @param name says all that the bytes depend on beside it; letters, digits, points and dashes
   */
  write(source: string, name: string, bytes: Uint8Array): Promise<void>;
  /** Keeps a finished file of the same file system by moving it in; one that is not there is passed over. */
  moveIn(source: string, name: string, path: string): Promise<void>;
  /** Moves a kept file to `path`, for its caller alone; false where there is none. */
  moveOut(source: string, name: string, path: string): Promise<boolean>;
  /** Removes everything that was made from it. */
  forget(source: string): Promise<void>;
}

const SOURCE = /^[0-9a-f]{64}$/;
const NAME = /^[\w-][\w.-]{0,200}$/;
const UNFINISHED = '.part';
/** What a process that ended has left unfinished; no write takes so long. */
const UNFINISHED_MS = 3_600_000;

const undefinedIfMissing = (error: unknown): undefined => {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
  throw error;
};

/**
 * A folder of derived files, at most `bytesMax` in all. Any number of processes may use it at once: a file appears whole, by
 * rename, after it is on disk, and may be gone at any time.
 */
export function openCache(dir: string, bytesMax: number): Cache {
  mkdirSync(dir, { recursive: true });
  const folderOf = (source: string): string => {
    if (!SOURCE.test(source)) throw new Error(`not a content hash: ${source}`);
    return join(dir, source);
  };
  const pathOf = (source: string, name: string): string => {
    if (!NAME.test(name)) throw new Error(`not the name of a cached file: ${name}`);
    return join(folderOf(source), name);
  };

  /** Removes the files that were not used for longest until the rest fits. */
  const makeRoom = async (): Promise<void> => {
    // A folder that another process removes meanwhile frees its room by itself.
    const entries = (await readdir(dir, { recursive: true, withFileTypes: true }).catch(undefinedIfMissing)) ?? [];
    const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    const found = await Promise.all(paths.map(async (path) => ({ path, about: await stat(path).catch(undefinedIfMissing) })));
    const files = found.flatMap(({ path, about }) => (about ? [{ path, bytes: about.size, usedMs: about.mtimeMs }] : []));
    let bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    const leave = async (file: (typeof files)[number]): Promise<void> => {
      await rm(file.path, { force: true });
      bytes -= file.bytes;
    };
    for (const file of files.toSorted((a, b) => a.usedMs - b.usedMs)) {
      const unfinished = file.path.endsWith(UNFINISHED);
      if (unfinished ? Date.now() - file.usedMs > UNFINISHED_MS : bytes > bytesMax) await leave(file);
    }
  };

  return {
    async read(source, name) {
      const path = pathOf(source, name);
      const bytes = await readFile(path).catch(undefinedIfMissing);
      // The time of its last use, by which it stays.
      if (bytes) await utimes(path, new Date(), new Date()).catch(undefinedIfMissing);
      return bytes && new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    },
    async write(source, name, bytes) {
      if (bytes.length > bytesMax) return;
      const path = pathOf(source, name);
      await mkdir(folderOf(source), { recursive: true });
      await replaceFile(path, bytes, `${path}.${randomUUID()}${UNFINISHED}`);
      await makeRoom();
    },
    async moveIn(source, name, path) {
      const target = pathOf(source, name);
      const about = await stat(path).catch(undefinedIfMissing);
      if (!about || about.size > bytesMax) return;
      await mkdir(folderOf(source), { recursive: true });
      await utimes(path, new Date(), new Date());
      await rename(path, target);
      await makeRoom();
    },
    async moveOut(source, name, path) {
      const moved = await rename(pathOf(source, name), path).then(() => true, undefinedIfMissing);
      return moved ?? false;
    },
    forget: (source) => rm(folderOf(source), { recursive: true, force: true }),
  };
}
