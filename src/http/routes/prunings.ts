import { createRoute, z } from '@hono/zod-openapi';
import { limits } from '../../limits.ts';
import { idOf, pageQuery } from '../../schema/common.ts';
import { pruneBody, pruning, pruningPage } from '../../schema/prunings.ts';
import type { Context } from '../../services/context.ts';
import { awaitJob } from '../../services/jobs.ts';
import { getPruning, listPrunings, prune } from '../../services/prunings.ts';
import { problems } from '../errors.ts';
import { accepted, acceptedResponse, body, createRouter, idempotency, json } from '../router.ts';

const tags = ['prunings'];

const post = createRoute({
  method: 'post',
  path: '/prune',
  tags,
  operationId: 'prune',
  summary: 'Prune and fine-tune a model on a dataset, or plan it',
  description:
    'With `planOnly` the plan is answered at once where it takes less than a job’s process to start, as with l1; else the request waits some seconds for it before it answers with the job.',
  request: { headers: idempotency, body: body(pruneBody) },
  responses: {
    200: json('The pruning, known already, or the plan', pruning),
    202: acceptedResponse,
    ...problems(400, 404, 409, 413, 415, 422, 503, 507),
  },
});

const list = createRoute({
  method: 'get',
  path: '/prunings',
  tags,
  operationId: 'listPrunings',
  summary: 'Prunings and plans, newest first',
  request: { query: pageQuery },
  responses: { 200: json('A page of prunings', pruningPage), ...problems(400) },
});

const get = createRoute({
  method: 'get',
  path: '/prunings/{id}',
  tags,
  operationId: 'getPruning',
  summary: 'One pruning with its plan and report',
  request: { params: z.object({ id: idOf('prn') }) },
  responses: { 200: json('The pruning', pruning), ...problems(400, 404) },
});

export const pruningRoutes = (context: Context) =>
  createRouter()
    .openapi(post, async (c) => {
      const request = c.req.valid('json');
      const outcome = await prune(context, request);
      if ('value' in outcome) return c.json(outcome.value, 200);
      const job = request.planOnly ? await awaitJob(context, outcome.job.id, limits.planWaitMs) : outcome.job;
      if (job.state !== 'succeeded') return accepted(c, job);
      // The same request is known by now.
      const planned = await prune(context, request);
      return 'value' in planned ? c.json(planned.value, 200) : accepted(c, planned.job);
    })
    .openapi(list, (c) => c.json(listPrunings(context, c.req.valid('query')), 200))
    .openapi(get, (c) => c.json(getPruning(context, c.req.valid('param').id), 200));
