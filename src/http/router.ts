import { OpenAPIHono, z } from '@hono/zod-openapi';
import type { Context as Request } from 'hono';
import type { RequestIdVariables } from 'hono/request-id';
import { Failure } from '../core/failure.ts';
import type { Job } from '../schema/jobs.ts';
import { job } from '../schema/jobs.ts';
import type { Outcome } from '../services/context.ts';
import { invalidRequest } from './validation.ts';

export interface Env {
  Variables: RequestIdVariables;
}

/** A router whose requests are checked against their schemas. */
export const createRouter = (): OpenAPIHono<Env> =>
  new OpenAPIHono<Env>({
    defaultHook: (result) => {
      if (!result.success) throw invalidRequest(result.error.issues, result.target === 'json' ? 'body' : result.target);
    },
  });

export const json = <T extends z.ZodType>(description: string, schema: T) => ({ description, content: { 'application/json': { schema } } });

export const body = <T extends z.ZodType>(schema: T) => ({ required: true, content: { 'application/json': { schema } } });

/** Any bytes, whatever content type they are sent with: the format is read from the content. */
export const rawBody = (description: string) => ({
  description,
  content: { '*/*': { schema: { type: 'string', format: 'binary' } as const } },
});

/** The header that lets a POST be repeated; see idempotency.ts. */
export const idempotency = z.object({
  'idempotency-key': z
    .string()
    .min(1)
    .max(255)
    .optional()
    .describe('Repeats of the request with the same key get the first answer: 422 with another body, 409 while the first is under way.'),
});

export const acceptedResponse = {
  description: 'A job was queued; it is at Location',
  headers: z.object({ Location: z.string().openapi({ example: '/jobs/job_01K7Q2Y3ZC8W5N4M6J1T0RVXAB' }) }),
  content: { 'application/json': { schema: job } },
};

/** 202 with the job that will answer. */
export const accepted = (c: Request, queued: Job) => c.json(queued, 202, { Location: `/jobs/${queued.id}` });

/** 200 with what is known, or 202 with the job that finds it out. */
export const answered = <T extends object>(c: Request, outcome: Outcome<T>) =>
  'value' in outcome ? c.json(outcome.value, 200) : accepted(c, outcome.job);

export const isJson = (c: Request): boolean => /^application\/([\w.-]+\+)?json\b/i.test(c.req.header('content-type') ?? '');
export const isForm = (c: Request): boolean => /^multipart\/form-data\b/i.test(c.req.header('content-type') ?? '');

/** The request's bytes as they come in. */
export async function* incoming(c: Request): AsyncGenerator<Uint8Array> {
  if (isForm(c)) {
    throw new Failure('unsupported-format', 'The file came as a form.', {
      hint: 'Send the file itself as the body, e.g. curl --data-binary @FILE.',
    });
  }
  // Not cancelled when the reader has had enough, so that the rest can be drained.
  if (c.req.raw.body) yield* c.req.raw.body.values({ preventCancel: true });
}
