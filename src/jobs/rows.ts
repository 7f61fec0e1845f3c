import { and, eq, inArray, sql } from 'drizzle-orm';
import { Failure } from '../core/failure.ts';
import { limits } from '../limits.ts';
import type { Job, JobError, JobEvent, JobState } from '../schema/jobs.ts';
import type { Transaction } from '../store/store.ts';
import { jobBlobs, jobEvents, jobs } from '../store/tables.ts';
import type { Lease } from './queue.ts';

export type JobRow = typeof jobs.$inferSelect;

/** Of the progress among a job's older events, one in so many is kept. */
const THINNED_TO = 50;

export const isFinished = (state: JobState): boolean => state === 'succeeded' || state === 'failed' || state === 'cancelled';

export function jobOf(row: JobRow): Job {
  const { id, kind, state, attempt, progress, links, error, createdAt, startedAt, finishedAt } = row;
  return { id, kind, state, attempt, progress, result: links, error, createdAt, startedAt, finishedAt };
}

export function errorOf({ code, message, hint, field }: Failure): JobError {
  return { code, detail: message, ...(hint !== undefined && { hint }), ...(field !== undefined && { field }) };
}

/** Adds an event to the job's history, and thins what is old in it. */
export function append(tx: Transaction, jobId: string, type: JobEvent['type'], data: JobEvent['data'] = {}): void {
  const { seq, attempt } = tx
    .update(jobs)
    .set({ lastSeq: sql`${jobs.lastSeq} + 1` })
    .where(eq(jobs.id, jobId))
    .returning({ seq: jobs.lastSeq, attempt: jobs.attempt })
    .get();
  tx.insert(jobEvents).values({ jobId, seq, type, attempt, data, at: new Date().toISOString() }).run();
  // Each number grows old exactly once, so one row at a time is enough.
  const old = seq - limits.jobEventsWhole;
  if (old > 0 && old % THINNED_TO !== 0) {
    tx.delete(jobEvents)
      .where(and(eq(jobEvents.jobId, jobId), eq(jobEvents.seq, old), eq(jobEvents.type, 'progress')))
      .run();
  }
}

/** The job as its lease knows it, or undefined when it has ended or a later attempt has it: the fence. */
export function held(tx: Transaction, { jobId, attempt }: Lease): JobRow | undefined {
  return tx
    .select()
    .from(jobs)
    .where(and(eq(jobs.id, jobId), eq(jobs.attempt, attempt), inArray(jobs.state, ['running', 'cancelling'])))
    .get();
}

export type Ending = { state: 'succeeded'; links: Record<string, string> } | { state: 'failed'; error: JobError } | { state: 'cancelled' };

/** A blob that an ended job no longer keeps. */
export type Claim = Pick<typeof jobBlobs.$inferSelect, 'hash' | 'claimedAt'>;

/** Ends the job; returns the blobs that it kept until now. */
export function finish(tx: Transaction, jobId: string, ending: Ending): Claim[] {
  const { state, ...outcome } = ending;
  tx.update(jobs)
    .set({ state, ...outcome, leaseUntil: null, finishedAt: new Date().toISOString() })
    .where(eq(jobs.id, jobId))
    .run();
  const data = ending.state === 'succeeded' ? { result: ending.links } : ending.state === 'failed' ? { error: ending.error } : {};
  append(tx, jobId, state, data);
  return tx.delete(jobBlobs).where(eq(jobBlobs.jobId, jobId)).returning({ hash: jobBlobs.hash, claimedAt: jobBlobs.claimedAt }).all();
}

/** Back into the queue, to be resumed; a job that was to be cancelled is cancelled instead. */
export function requeue(tx: Transaction, row: JobRow, reason: string): Claim[] {
  if (row.state === 'cancelling') return finish(tx, row.id, { state: 'cancelled' });
  tx.update(jobs).set({ state: 'queued', leaseUntil: null }).where(eq(jobs.id, row.id)).run();
  append(tx, row.id, 'interrupted', { reason });
  return [];
}

/** After its process died: back into the queue, or failed with `cause` when that happened too often. */
export function countCrash(tx: Transaction, row: JobRow, cause: Failure): Claim[] {
  const crashes = row.crashes + 1;
  tx.update(jobs).set({ crashes }).where(eq(jobs.id, row.id)).run();
  if (row.state !== 'cancelling' && crashes >= limits.jobCrashesMax) return finish(tx, row.id, { state: 'failed', error: errorOf(cause) });
  return requeue(tx, row, cause.message);
}
