import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';
import { drizzle } from 'drizzle-orm/better-sqlite3';
import { migrate } from 'drizzle-orm/better-sqlite3/migrator';
import type { BaseSQLiteDatabase } from 'drizzle-orm/sqlite-core';
import { mkdirSync } from 'node:fs';
import { limits } from '../limits.ts';
import { type Blobs, openBlobs } from './blobs.ts';
import { type Cache, openCache } from './cache.ts';
import * as tables from './tables.ts';

/** The tables, in or out of a transaction; every call is synchronous. */
export type Tables = BaseSQLiteDatabase<'sync', Database.RunResult, typeof tables>;

declare const inTransaction: unique symbol;
/** The tables inside of {@link Store.transaction}; what asks for one must not be called outside. */
export type Transaction = Tables & { readonly [inTransaction]: true };

export interface Store {
  readonly db: Tables;
  readonly blobs: Blobs;
  /** The folder of the blobs, for a job's process to open. */
  readonly blobsDir: string;
  /** Of what was made from the blobs. */
  readonly cache: Cache;
  /** The folder of the cache, for a job's process to open. */
  readonly cacheDir: string;
  /** The data directory. */
  readonly dataDir: string;
  /** Runs `work` and commits, or rolls back what it throws. On disk (fsync) when this returns. `work` must not be async. */
  transaction<T>(work: (tx: Transaction) => T): T;
  close(): void;
}

const migrationsDir = fileURLToPath(new URL('../../migrations', import.meta.url));

/** Longest wait for another process's write, milliseconds; only a tool that looks into the file can hold one. */
const BUSY_MS = 5000;

/** Opens (or makes) the data directory's database and blobs, and brings its tables up to date. */
export function openStore(dataDir: string): Store {
  mkdirSync(dataDir, { recursive: true, mode: 0o700 });
  const blobsDir = join(dataDir, 'blobs');
  const blobs = openBlobs(blobsDir);
  const cacheDir = join(dataDir, 'cache');
  const cache = openCache(cacheDir, limits.cacheBytesMax);
  const client = new Database(join(dataDir, 'espalier.db'), { timeout: BUSY_MS });
  try {
    client.pragma('journal_mode = WAL');
    // With NORMAL, a power cut may lose the last commits; a 202 is a promise.
    client.pragma('synchronous = FULL');
    const db = drizzle({ client, schema: tables, casing: 'snake_case' });
    // A migration may rebuild a table, which foreign keys would take for a deletion.
    client.pragma('foreign_keys = OFF');
    migrate(db, { migrationsFolder: migrationsDir });
    client.pragma('foreign_keys = ON');
    return {
      db,
      blobs,
      blobsDir,
      cache,
      cacheDir,
      dataDir,
      transaction: (work) => db.transaction((tx) => work(tx as Tables as Transaction), { behavior: 'immediate' }),
      close: () => client.close(),
    };
  } catch (error) {
    client.close();
    throw error;
  }
}
