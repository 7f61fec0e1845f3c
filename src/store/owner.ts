import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { z } from 'zod';
import { Failure } from '../core/failure.ts';

const ownerFile = z.object({ pid: z.int(), url: z.string().optional() });
/** The process that works on a data directory; `url` when it is a server. */
export type Owner = z.infer<typeof ownerFile>;

export interface DataDirLock {
  /** Tells others where the server listens. */
  publish(url: string): void;
  release(): void;
}

/** A lock that nobody refers to would be collected as garbage, and given up by that. */
const held = new Set<Database.Database>();

/** Covers the moment that {@link readOwner} of another process looks at the lock. */
const ACQUIRE_MS = 200;

const isBusy = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'SQLITE_BUSY';

// The lock is SQLite's own on a file of its own: the kernel drops it with the process, however that ends, so there is
// no stale lock to tell from a live one.
const openLock = (dataDir: string, timeout: number) => new Database(join(dataDir, 'lock.db'), { timeout });

function readFile(dataDir: string): Owner | undefined {
  try {
    return ownerFile.parse(JSON.parse(readFileSync(join(dataDir, 'owner.json'), 'utf8')));
  } catch {
    // Not there, or of an owner that has just begun.
    return undefined;
  }
}

/** The live process that owns the data directory, or undefined. Takes nothing. */
export function readOwner(dataDir: string): Owner | undefined {
  const owner = readFile(dataDir);
  if (!owner) return undefined;
  const lock = openLock(dataDir, 0);
  try {
    lock.prepare('SELECT 1 FROM sqlite_master').get();
    return undefined;
  } catch (error) {
    if (!isBusy(error)) throw error;
    return owner;
  } finally {
    lock.close();
  }
}

/**
 * Makes this process the only one that works on the data directory, until it releases it or ends.
 * Fails with `data-directory-busy` when another live process does; {@link readOwner} then tells its address.
 */
export function acquireDataDir(dataDir: string, owner: Owner): DataDirLock {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const lock = openLock(dataDir, ACQUIRE_MS);
  try {
    lock.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    lock.close();
    if (!isBusy(error)) throw error;
    const other = readFile(dataDir);
    const who = other ? `process ${other.pid}${other.url ? `, a server at ${other.url}` : ''}` : 'another process';
    throw new Failure('data-directory-busy', `The data directory ${dataDir} is in use by ${who}.`, {
      hint: other?.url ? 'Send the request to that server, or stop it.' : 'Wait until it ends, or set ESPALIER_DATA to another directory.',
      field: 'ESPALIER_DATA',
    });
  }
  held.add(lock);
  const path = join(dataDir, 'owner.json');
  const write = (content: Owner): void => {
    writeFileSync(`${path}.new`, JSON.stringify(content), { mode: 0o600 });
    renameSync(`${path}.new`, path);
  };
  write(owner);
  return {
    publish: (url) => write({ ...owner, url }),
    release: () => {
      if (!lock.open) return;
      rmSync(path, { force: true });
      held.delete(lock);
      lock.close();
    },
  };
}
