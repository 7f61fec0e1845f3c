import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { eq, isNull } from 'drizzle-orm';
import { collectBlobs } from '../store/references.ts';
import type { Store } from '../store/store.ts';
import { idempotencyKeys, jobs } from '../store/tables.ts';
import type { WorkQueue } from './queue.ts';

/** The folder for a job's checkpoints and temporary files. */
export const workDirOf = (store: Store, jobId: string): string => join(store.dataDir, 'work', jobId);

/**
 * Takes over from a process that ended in any way: its jobs are queued again, and work directories of ended jobs, blobs that
 * nothing refers to and requests that will never be answered are removed. What this process has written stays.
 */
export async function clearLeftovers(store: Store, queue: WorkQueue): Promise<void> {
  const ownStart = Date.now() - process.uptime() * 1000;
  queue.recover(Number.POSITIVE_INFINITY);
  const waiting = store.db.select({ id: jobs.id }).from(jobs).where(eq(jobs.state, 'queued')).all();
  const kept = new Set(waiting.map(({ id }) => id));
  const work = join(store.dataDir, 'work');
  mkdirSync(work, { recursive: true });
  for (const name of readdirSync(work)) if (!kept.has(name)) rmSync(join(work, name), { recursive: true, force: true });
  await collectBlobs(store, await store.blobs.list(), ownStart);
  store.db.delete(idempotencyKeys).where(isNull(idempotencyKeys.status)).run();
}
