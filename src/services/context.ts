import type { Job } from '../schema/jobs.ts';
import type { JobQueue } from '../jobs/queue.ts';
import type { Store } from '../store/store.ts';

/** What every verb works on; built by a process root. */
export interface Context {
  readonly store: Store;
  readonly queue: JobQueue;
  /** Whether models may be fetched from hubs and addresses. */
  readonly downloads: boolean;
  /** The starter backbones: content hash by name. */
  readonly zoo: ReadonlyMap<string, string>;
}

/** A verb that may need a job answers with what it asked for when that is known, and else with the job that makes it. */
export type Outcome<T> = { readonly value: T } | { readonly job: Job };
