import { createRoute, z } from '@hono/zod-openapi';
import { idOf, pageQuery } from '../../schema/common.ts';
import { compareBody, comparison, comparisonPage } from '../../schema/comparisons.ts';
import { compare, getComparison, listComparisons } from '../../services/comparisons.ts';
import type { Context } from '../../services/context.ts';
import { problems } from '../errors.ts';
import { acceptedResponse, answered, body, createRouter, idempotency, json } from '../router.ts';

const tags = ['comparisons'];

const post = createRoute({
  method: 'post',
  path: '/compare',
  tags,
  operationId: 'compare',
  summary: 'Compare pruning criteria at equal FLOPs',
  description:
    'From one base, with the same fine-tuning and the same seeds; the unpruned model is fine-tuned beside them. Intervals hold the images and the seeds, differences are paired.',
  request: { headers: idempotency, body: body(compareBody) },
  responses: {
    200: json('The comparison, known already', comparison),
    202: acceptedResponse,
    ...problems(400, 404, 409, 413, 415, 422, 503, 507),
  },
});

const list = createRoute({
  method: 'get',
  path: '/comparisons',
  tags,
  operationId: 'listComparisons',
  summary: 'Comparisons, newest first',
  request: { query: pageQuery },
  responses: { 200: json('A page of comparisons', comparisonPage), ...problems(400) },
});

const get = createRoute({
  method: 'get',
  path: '/comparisons/{id}',
  tags,
  operationId: 'getComparison',
  summary: 'One comparison',
  request: { params: z.object({ id: idOf('cmp') }) },
  responses: { 200: json('The comparison', comparison), ...problems(400, 404) },
});

export const comparisonRoutes = (context: Context) =>
  createRouter()
    .openapi(post, (c) => answered(c, compare(context, c.req.valid('json'))))
    .openapi(list, (c) => c.json(listComparisons(context, c.req.valid('query')), 200))
    .openapi(get, (c) => c.json(getComparison(context, c.req.valid('param').id), 200));
