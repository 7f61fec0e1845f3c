import type { Config } from '../config.ts';
import type { FailureCode } from '../core/failure.ts';
import type { Progress } from '../core/progress.ts';
import type { JobKind } from '../schema/jobs.ts';
import type { JobInput, JobResult } from './types.ts';

/** The one message to a job's process; it is all that the process knows. */
export interface Start {
  readonly jobId: string;
  readonly kind: JobKind;
  readonly input: JobInput<JobKind>;
  readonly workDir: string;
  readonly blobsDir: string;
  readonly cacheDir: string;
  readonly zooDir: string;
  readonly engine: Config['engine'];
  readonly hub: Config['hub'];
  readonly logLevel: Config['logLevel'];
}

/** What a job's process says; `result` or `failure` is its last word. */
export type FromChild =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'log'; readonly message: string; readonly data: Record<string, unknown> }
  | { readonly type: 'blob'; readonly hash: string }
  | { readonly type: 'result'; readonly result: JobResult<JobKind> }
  | { readonly type: 'failure'; readonly code: FailureCode; readonly message: string; readonly hint?: string; readonly field?: string };
