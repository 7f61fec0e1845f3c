import { and, asc, desc, eq, gt, inArray, lt, type SQL } from 'drizzle-orm';
import { Failure } from '../core/failure.ts';
import { limits } from '../limits.ts';
import type { Job, JobKind } from '../schema/jobs.ts';
import { newId } from '../store/ids.ts';
import { collectBlobs } from '../store/references.ts';
import type { Store, Transaction } from '../store/store.ts';
import { jobBlobs, jobEvents, jobs } from '../store/tables.ts';
import type { JobQueue, Lease, WorkQueue } from './queue.ts';
import { append, type Claim, countCrash, errorOf, finish, held, isFinished, jobOf, type JobRow, requeue } from './rows.ts';
import { createSignals } from './signals.ts';
import type { JobInput } from './types.ts';

const HASH = /^[0-9a-f]{64}$/;

/** Every blob that a job's input names; a hash of something else among them does no harm. */
function hashesIn(value: unknown): string[] {
  if (typeof value === 'string') return HASH.test(value) ? [value] : [];
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(hashesIn) : [];
}

const lostWorker = new Failure('internal', "The job's worker died.", { hint: 'See the log, and send the request again.' });

/**
 * A queue in the store's own tables, for one process: what waits is woken without polling. Blobs that only an ended job kept
 * are deleted, and then whoever waits for its events is told.
 * @param onError told of what went wrong in the background; the next start cleans up after it
 */
export function createLocalQueue(store: Store, onError: (error: unknown) => void): JobQueue & WorkQueue {
  const events = createSignals();
  const work = createSignals();
  const collecting = new Set<Promise<void>>();

  const collect = async (jobId: string, released: readonly Claim[]): Promise<void> => {
    try {
      for (const { hash, claimedAt } of released) await collectBlobs(store, [hash], claimedAt);
    } catch (error) {
      onError(error);
    }
    events.emit(jobId);
  };

  /** Runs a change of a job, then lets its blobs go and wakes who waits. */
  const change = (jobId: string, write: (tx: Transaction) => Claim[] | undefined): boolean => {
    const released = store.transaction(write);
    const told = collect(jobId, released ?? []).finally(() => collecting.delete(told));
    collecting.add(told);
    return released !== undefined;
  };

  /** Runs a change in the name of a lease; nothing happens, and false comes back, when it was lost. */
  const fenced = (lease: Lease, write: (tx: Transaction, row: JobRow) => Claim[]): boolean =>
    change(lease.jobId, (tx) => {
      const row = held(tx, lease);
      return row && write(tx, row);
    });

  const rowOf = (jobId: string): JobRow => {
    const row = store.db.select().from(jobs).where(eq(jobs.id, jobId)).get();
    if (!row) throw new Failure('not-found', `There is no job ${jobId}.`, { hint: 'GET /jobs lists the jobs that are known.' });
    return row;
  };

  const claim = (tx: Transaction, jobId: string, hash: string): void => {
    const claimedAt = Date.now();
    tx.insert(jobBlobs)
      .values({ jobId, hash, claimedAt })
      .onConflictDoUpdate({ target: [jobBlobs.jobId, jobBlobs.hash], set: { claimedAt } })
      .run();
  };

  const queue: JobQueue = {
    enqueue: (tx, kind, input) => {
      const id = newId('job');
      const createdAt = new Date().toISOString();
      const row = { id, kind, state: 'queued', attempt: 0, crashes: 0, input, lastSeq: 0, createdAt } as const;
      const queued = tx.insert(jobs).values(row).returning().get();
      for (const hash of hashesIn(input)) claim(tx, id, hash);
      append(tx, id, 'queued');
      work.emit('queued');
      return jobOf(queued);
    },

    get: (jobId) => jobOf(rowOf(jobId)),

    list: ({ after, limit, state, kind }) => {
      const wanted: (SQL | undefined)[] = [after ? lt(jobs.id, after) : undefined];
      wanted.push(state && eq(jobs.state, state), kind && eq(jobs.kind, kind));
      const rows = store.db
        .select()
        .from(jobs)
        .where(and(...wanted))
        .orderBy(desc(jobs.id))
        .limit(limit + 1)
        .all();
      const items: Job[] = rows.slice(0, limit).map(jobOf);
      return { items, next: rows.length > limit ? items[limit - 1].id : null };
    },

    events: (jobId, after, limit) => {
      rowOf(jobId);
      const items = store.db
        .select({ seq: jobEvents.seq, type: jobEvents.type, at: jobEvents.at, attempt: jobEvents.attempt, data: jobEvents.data })
        .from(jobEvents)
        .where(and(eq(jobEvents.jobId, jobId), gt(jobEvents.seq, after)))
        .orderBy(asc(jobEvents.seq))
        .limit(limit)
        .all();
      return { items, next: items.at(-1)?.seq ?? after };
    },

    waitForEvents: async (jobId, after, signal) => {
      const { lastSeq, state } = rowOf(jobId);
      if (lastSeq <= after && !isFinished(state)) await events.next(jobId, signal);
    },

    requestCancel: (jobId) => {
      change(jobId, (tx) => {
        const { state } = rowOf(jobId);
        if (state === 'queued') return finish(tx, jobId, { state: 'cancelled' });
        if (state === 'running') {
          tx.update(jobs).set({ state: 'cancelling' }).where(eq(jobs.id, jobId)).run();
          append(tx, jobId, 'cancelling');
          work.emit('cancelling');
        }
        return [];
      });
      return queue.get(jobId);
    },
  };

  const recover = (now: number): void => {
    const lapsed = store.db
      .select()
      .from(jobs)
      .where(and(inArray(jobs.state, ['running', 'cancelling']), lt(jobs.leaseUntil, now)))
      .all();
    for (const row of lapsed) change(row.id, (tx) => countCrash(tx, row, lostWorker));
  };

  const workers: WorkQueue = {
    recover,

    lease: (now, accepts) => {
      recover(now);
      let lease: Lease | undefined;
      const waiting = store.db.select({ id: jobs.id }).from(jobs).where(eq(jobs.state, 'queued')).orderBy(asc(jobs.id)).all();
      const accepted = waiting.find(({ id }) => accepts(id));
      if (!accepted) return undefined;
      const next = rowOf(accepted.id);
      change(next.id, (tx) => {
        const attempt = next.attempt + 1;
        const startedAt = next.startedAt ?? new Date(now).toISOString();
        tx.update(jobs)
          .set({ state: 'running', attempt, startedAt, leaseUntil: now + limits.jobLeaseMs })
          .where(eq(jobs.id, next.id))
          .run();
        append(tx, next.id, 'started');
        lease = { jobId: next.id, attempt, kind: next.kind, input: next.input as JobInput<JobKind> };
        return [];
      });
      return lease;
    },

    onWork: (listener) => work.on(listener),

    renew: (lease, now) =>
      store.transaction((tx) => {
        const row = held(tx, lease);
        if (!row) return 'lost';
        tx.update(jobs)
          .set({ leaseUntil: now + limits.jobLeaseMs })
          .where(eq(jobs.id, row.id))
          .run();
        return row.state === 'cancelling' ? 'cancelling' : 'held';
      }),

    progress: (lease, progress) =>
      fenced(lease, (tx, { id }) => {
        const data = { ...progress, metrics: progress.metrics && { ...progress.metrics } };
        tx.update(jobs).set({ progress: data }).where(eq(jobs.id, id)).run();
        append(tx, id, 'progress', data);
        return [];
      }),

    log: (lease, message, data) =>
      fenced(lease, (tx, { id }) => {
        append(tx, id, 'log', { ...data, message: message.slice(0, limits.jobLogCharactersMax) });
        return [];
      }),

    claimBlob: (lease, hash) =>
      fenced(lease, (tx, { id }) => {
        claim(tx, id, hash);
        return [];
      }),

    succeed: (lease, settle) => fenced(lease, (tx, { id }) => finish(tx, id, { state: 'succeeded', links: settle(tx) })),

    fail: (lease, failure) => fenced(lease, (tx, { id }) => finish(tx, id, { state: 'failed', error: errorOf(failure) })),

    cancelled: (lease) => fenced(lease, (tx, { id }) => finish(tx, id, { state: 'cancelled' })),

    crashed: (lease, cause) => fenced(lease, (tx, row) => countCrash(tx, row, cause)),

    settled: async () => void (await Promise.all(collecting)),

    release: (lease) => fenced(lease, (tx, row) => requeue(tx, row, 'The server stopped.')),
  };

  return { ...queue, ...workers };
}
