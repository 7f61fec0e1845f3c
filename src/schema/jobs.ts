import { z } from '@hono/zod-openapi';
import { failureCode, jobId, pageOf, pageQuery, time } from './common.ts';

export const jobKind = z.enum([
  'import-model',
  'export-model',
  'import-dataset',
  'profile',
  'recommend',
  'prune',
  'compare',
  'evaluate',
  'predict',
]);
export type JobKind = z.infer<typeof jobKind>;

export const jobState = z.enum(['queued', 'running', 'cancelling', 'succeeded', 'failed', 'cancelled']);
export type JobState = z.infer<typeof jobState>;

export const progress = z.object({
  phase: z.string(),
  done: z.number(),
  total: z.number(),
  imagesPerSecond: z.number().optional(),
  secondsLeft: z.number().optional(),
  metrics: z.record(z.string(), z.number()).optional(),
});

/** Why a job failed; the same members as a problem, without those that only an HTTP answer has. */
export const jobError = z
  .object({ code: failureCode, detail: z.string(), hint: z.string().optional(), field: z.string().optional() })
  .openapi('JobError');
export type JobError = z.infer<typeof jobError>;

export const job = z
  .object({
    id: jobId,
    kind: jobKind,
    state: jobState,
    attempt: z.int().describe('How often it was started; above 1 after a crash.'),
    progress: progress.nullable(),
    /** Links by name, e.g. {"model": "/models/mdl_…", "pruning": "/prunings/prn_…"}; set when it succeeded. */
    result: z.record(z.string(), z.string()).nullable(),
    error: jobError.nullable(),
    createdAt: time,
    startedAt: time.nullable(),
    finishedAt: time.nullable(),
  })
  .openapi('Job');
export type Job = z.infer<typeof job>;

export const jobPage = pageOf(job).openapi('JobPage');
export const jobQuery = pageQuery.extend({ state: jobState.optional(), kind: jobKind.optional() });

/** One line of a job's history, numbered from 1 within the job. */
export const jobEvent = z
  .object({
    seq: z.int(),
    type: z.enum(['queued', 'started', 'progress', 'log', 'cancelling', 'succeeded', 'failed', 'cancelled', 'interrupted']),
    at: time,
    attempt: z.int(),
    data: z.record(z.string(), z.unknown()),
  })
  .openapi('JobEvent');
export type JobEvent = z.infer<typeof jobEvent>;

export const jobEventPage = z.object({ items: z.array(jobEvent), next: z.int() }).openapi('JobEventPage');
export const jobEventQuery = z.object({
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(1000).default(500),
});
