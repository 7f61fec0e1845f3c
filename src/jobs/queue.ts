import type { Failure } from '../core/failure.ts';
import type { Progress } from '../core/progress.ts';
import type { Job, JobEvent, JobKind, JobState } from '../schema/jobs.ts';
import type { Transaction } from '../store/store.ts';
import type { JobInput, JobResult } from './types.ts';

/** A job in the hands of a worker. Writes in its name are refused once a later attempt has it. */
export interface Lease<K extends JobKind = JobKind> {
  readonly jobId: string;
  readonly attempt: number;
  readonly kind: K;
  readonly input: JobInput<K>;
}

/** What the lease's holder must do: go on, end the work, or drop it because the job is no longer its own. */
export type LeaseState = 'held' | 'cancelling' | 'lost';

/**
 * Writes what a finished job made (rows of its resource) and returns links to it by name, e.g. `{model: '/models/mdl_…'}`.
 * Runs in the transaction that marks the job succeeded, so both happen or neither. A Failure thrown here fails the job.
 */
export type Settle = <K extends JobKind>(
  tx: Transaction,
  job: { readonly id: string; readonly kind: K; readonly input: JobInput<K> },
  result: JobResult<K>,
) => Record<string, string>;

export interface JobFilter {
  /** Id of the last job of the page before. */
  readonly after?: string;
  readonly limit: number;
  readonly state?: JobState;
  readonly kind?: JobKind;
}

/** What those who ask for work see of the queue. */
export interface JobQueue {
  /** Adds a job in the caller's transaction. Blobs that the input names (under the key `blob`) are kept until it ends. */
  enqueue<K extends JobKind>(tx: Transaction, kind: K, input: JobInput<K>): Job;
  /** Fails with `not-found`. */
  get(jobId: string): Job;
  /** Newest first. */
  list(filter: JobFilter): { items: Job[]; next: string | null };
  /** The job's events after number `after`, oldest first; `next` is the `after` to go on with. */
  events(jobId: string, after: number, limit: number): { items: JobEvent[]; next: number };
  /** Resolves when the job has an event after number `after`, or when `signal` aborts. */
  waitForEvents(jobId: string, after: number, signal?: AbortSignal): Promise<void>;
  /** A queued job is cancelled at once, a running one is asked to end; a finished one stays as it is. Fails with `not-found`. */
  requestCancel(jobId: string): Job;
}

/** What workers see of the queue. `now` is Unix time in milliseconds. */
export interface WorkQueue {
  /** Takes the oldest job that is queued or whose lease has lapsed. */
  lease(now: number): Lease | undefined;
  /** Calls back whenever there may be something to lease or to cancel; returns how to stop that. */
  onWork(listener: () => void): () => void;
  renew(lease: Lease, now: number): LeaseState;
  /** Kept on the job at once; becomes an event a few times a second at most. */
  progress(lease: Lease, progress: Progress, now: number): void;
  log(lease: Lease, message: string, data: Record<string, unknown>): void;
  /** Keeps a blob until the job ends, whatever comes of it. */
  claimBlob(lease: Lease, hash: string): void;
  /** Marks the job succeeded with what `settle` links; false when the job was lost or cancelled first. */
  succeed(lease: Lease, settle: (tx: Transaction) => Record<string, string>): boolean;
  fail(lease: Lease, failure: Failure): boolean;
  /** The work ended because of a cancel request. */
  cancelled(lease: Lease): boolean;
  /** The work stopped without an answer: the job is queued again, or fails with `cause` after its last attempt. */
  crashed(lease: Lease, cause: Failure): boolean;
  /** Gives the job back unfinished, to be resumed by the next worker. */
  release(lease: Lease): boolean;
  /** Gives back every job that is still held; for the start of the only worker. */
  releaseAll(): void;
}
