import { createRoute, z } from '@hono/zod-openapi';
import { streamSSE } from 'hono/streaming';
import { jobId } from '../../schema/common.ts';
import { job, jobEvent, jobEventPage, jobEventQuery, jobPage, jobQuery } from '../../schema/jobs.ts';
import type { Context } from '../../services/context.ts';
import { cancelJob, followJob, getJob, isFinished, listJobEvents, listJobs } from '../../services/jobs.ts';
import { problems } from '../errors.ts';
import { createRouter, idempotency, json } from '../router.ts';

const tags = ['jobs'];
const params = z.object({ id: jobId });
/** Proxies cut connections that are silent for a minute. */
const KEEP_ALIVE_MS = 20_000;

const list = createRoute({
  method: 'get',
  path: '/jobs',
  tags,
  operationId: 'listJobs',
  summary: 'Jobs, newest first',
  request: { query: jobQuery },
  responses: { 200: json('A page of jobs', jobPage), ...problems(400) },
});

const get = createRoute({
  method: 'get',
  path: '/jobs/{id}',
  tags,
  operationId: 'getJob',
  summary: 'One job',
  request: { params },
  responses: { 200: json('The job', job), ...problems(400, 404) },
});

const cancel = createRoute({
  method: 'post',
  path: '/jobs/{id}/cancel',
  tags,
  operationId: 'cancelJob',
  summary: 'Cancel a job',
  description: 'A queued job is cancelled at once, a running one is asked to end, a finished one stays as it is.',
  request: { params, headers: idempotency },
  responses: { 200: json('The job', job), ...problems(400, 404, 409, 422) },
});

const events = createRoute({
  method: 'get',
  path: '/jobs/{id}/events',
  tags,
  operationId: 'listJobEvents',
  summary: "A job's history, as a page or as a stream",
  description:
    'With `Accept: text/event-stream` the events are sent as they come, from `Last-Event-ID` or `after` on, until the job has ended; ' +
    'a client that comes back after the last one gets 204, which tells an EventSource to stop.',
  request: {
    params,
    query: jobEventQuery,
    headers: z.object({ 'last-event-id': z.coerce.number().int().min(0).optional() }),
  },
  responses: {
    200: {
      description: 'The events',
      content: { 'application/json': { schema: jobEventPage }, 'text/event-stream': { schema: jobEvent } },
    },
    204: { description: 'The job has ended and every event was sent' },
    ...problems(400, 404),
  },
});

export const jobRoutes = (context: Context) =>
  createRouter()
    .openapi(list, (c) => c.json(listJobs(context, c.req.valid('query')), 200))
    .openapi(get, (c) => c.json(getJob(context, c.req.valid('param').id), 200))
    .openapi(cancel, (c) => c.json(cancelJob(context, c.req.valid('param').id), 200))
    .openapi(events, (c) => {
      const { id } = c.req.valid('param');
      const query = c.req.valid('query');
      const known = getJob(context, id);
      if (!c.req.header('accept')?.includes('text/event-stream')) return c.json(listJobEvents(context, id, query), 200);
      const after = c.req.valid('header')['last-event-id'] ?? query.after;
      if (isFinished(known) && listJobEvents(context, id, { after, limit: 1 }).items.length === 0) return c.body(null, 204);
      return streamSSE(c, async (stream) => {
        const gone = new AbortController();
        stream.onAbort(() => gone.abort());
        const keepAlive = setInterval(() => void stream.write(': still here\n\n'), KEEP_ALIVE_MS);
        try {
          for await (const event of followJob(context, id, after, gone.signal)) {
            await stream.writeSSE({ id: String(event.seq), event: event.type, data: JSON.stringify(event) });
          }
        } finally {
          clearInterval(keepAlive);
        }
      });
    });
