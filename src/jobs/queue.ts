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
 * Runs in the transaction that marks the job succeeded, so both happen or neither.
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
  /** Adds a job in the caller's transaction. Blobs that the input names are kept until it ends. */
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

/** What workers see of the queue. `now` is Unix time in milliseconds; writes answer false, and do nothing, when the lease was lost. */
export interface WorkQueue {
  /** Takes the oldest queued job that the worker accepts. */
  lease(now: number, accepts: (jobId: string) => boolean): Lease | undefined;
  /** Takes the death of every worker whose lease ends before `now` as known; Infinity where no worker can be alive. */
  recover(now: number): void;
  /** Calls back, inside of the transaction at fault, when there will be something to lease or to cancel; returns how to stop that. */
  onWork(listener: () => void): () => void;
  renew(lease: Lease, now: number): LeaseState;
  progress(lease: Lease, progress: Progress): boolean;
  /** A line for the job's history. */
  log(lease: Lease, message: string, data: Record<string, unknown>): boolean;
  /** Keeps a blob until the job ends. */
  claimBlob(lease: Lease, hash: string): boolean;
  /** Ends the job with what `settle` links, in one transaction; what `settle` throws undoes it. */
  succeed(lease: Lease, settle: (tx: Transaction) => Record<string, string>): boolean;
  fail(lease: Lease, failure: Failure): boolean;
  /** The work ended because it was asked to. */
  cancelled(lease: Lease): boolean;
  /** The work stopped without an answer: the job is queued again, or fails with `cause` when that happens too often. */
  crashed(lease: Lease, cause: Failure): boolean;
  /** Gives the job back unfinished, to be resumed. */
  release(lease: Lease): boolean;
  /** Resolves when the blobs of all jobs that have ended are gone; the store may be closed then. */
  settled(): Promise<void>;
}
