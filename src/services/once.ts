import { and, eq, inArray } from 'drizzle-orm';
import type { JobInput } from '../jobs/types.ts';
import type { Job, JobKind } from '../schema/jobs.ts';
import { jobBlobs, jobs } from '../store/tables.ts';
import type { Context } from './context.ts';

/**
 * Queues a job, or gives the one that is under way for the same thing: whoever asks meanwhile waits for one piece of work.
 * @param keyOf says what an input asks for; equal keys are one job
 */
export function enqueueOnce<K extends JobKind>(
  { store, queue }: Context,
  kind: K,
  input: JobInput<K>,
  keyOf: (input: JobInput<K>) => string,
): Job {
  const key = keyOf(input);
  return store.transaction((tx) => {
    const underWay = tx
      .select({ id: jobs.id, input: jobs.input })
      .from(jobs)
      .where(and(eq(jobs.kind, kind), inArray(jobs.state, ['queued', 'running'])))
      .all();
    const same = underWay.find((job) => keyOf(job.input as JobInput<K>) === key);
    if (!same) return queue.enqueue(tx, kind, input);
    // A file that was sent again is the job's to let go of, too.
    tx.update(jobBlobs).set({ claimedAt: Date.now() }).where(eq(jobBlobs.jobId, same.id)).run();
    return queue.get(same.id);
  });
}
