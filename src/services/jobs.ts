import { count } from 'drizzle-orm';
import type { z } from '@hono/zod-openapi';
import { Failure } from '../core/failure.ts';
import type { Job, JobEvent, JobState } from '../schema/jobs.ts';
import { jobQuery, jobState } from '../schema/jobs.ts';
import { jobs } from '../store/tables.ts';
import type { Context } from './context.ts';

const finished: ReadonlySet<JobState> = new Set(['succeeded', 'failed', 'cancelled']);

export const isFinished = ({ state }: Job): boolean => finished.has(state);

/** Newest first. */
export const listJobs = ({ queue }: Context, query: z.infer<typeof jobQuery>): { items: Job[]; next: string | null } => queue.list(query);

/** Fails with `not-found`. */
export const getJob = ({ queue }: Context, id: string): Job => queue.get(id);

/** A queued job is cancelled at once, a running one is asked to end, a finished one stays as it is. Fails with `not-found`. */
export const cancelJob = ({ queue }: Context, id: string): Job => queue.requestCancel(id);

/** The job's events after number `after`, oldest first. Fails with `not-found`. */
export const listJobEvents = (
  { queue }: Context,
  id: string,
  query: { after: number; limit: number },
): { items: JobEvent[]; next: number } => queue.events(id, query.after, query.limit);

const EVENTS_AT_ONCE = 500;

/** Yields the job's events after number `after` as they come, until the job has ended or `signal` aborts. Fails with `not-found`. */
export async function* followJob({ queue }: Context, id: string, after: number, signal: AbortSignal): AsyncGenerator<JobEvent> {
  let last = after;
  while (!signal.aborted) {
    // Read before the events: a job that ends in between has its last event read in this turn.
    const ended = isFinished(queue.get(id));
    const { items, next } = queue.events(id, last, EVENTS_AT_ONCE);
    yield* items;
    last = next;
    if (items.length === EVENTS_AT_ONCE) continue;
    if (ended) return;
    await queue.waitForEvents(id, last, signal);
  }
}

/** The job when it has succeeded, or as it is after `waitMs`. Fails as the job fails, and with `cancelled`. */
export async function awaitJob(context: Context, id: string, waitMs: number): Promise<Job> {
  const events = followJob(context, id, 0, AbortSignal.timeout(waitMs));
  while (!(await events.next()).done);
  const job = context.queue.get(id);
  if (job.error) throw new Failure(job.error.code, job.error.detail, { hint: job.error.hint, field: job.error.field });
  if (job.state === 'cancelled') throw new Failure('cancelled', `${id} was cancelled.`, { hint: 'Send the request again.' });
  return job;
}

/** How many jobs are in each state; the depth of the queue is that of `queued`. */
export function countJobs({ store }: Context): Record<JobState, number> {
  const rows = store.db.select({ state: jobs.state, jobs: count() }).from(jobs).groupBy(jobs.state).all();
  const zeros = Object.fromEntries(jobState.options.map((state) => [state, 0])) as Record<JobState, number>;
  return Object.assign(zeros, Object.fromEntries(rows.map((row) => [row.state, row.jobs])));
}
