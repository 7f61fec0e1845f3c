import { createRoute, z } from '@hono/zod-openapi';
import { idOf } from '../../schema/common.ts';
import { recommendation, recommendRequest } from '../../schema/recommendations.ts';
import type { Context } from '../../services/context.ts';
import { getRecommendation, recommend } from '../../services/recommendations.ts';
import { problems } from '../errors.ts';
import { acceptedResponse, answered, body, createRouter, idempotency, json } from '../router.ts';

const tags = ['recommendations'];

const post = createRoute({
  method: 'post',
  path: '/recommend',
  tags,
  operationId: 'recommend',
  summary: 'Rank candidate base models for a dataset',
  description: "Its answer's `next` is the body to send to POST /prune.",
  request: { headers: idempotency, body: body(recommendRequest) },
  responses: {
    200: json('The ranking, known already', recommendation),
    202: acceptedResponse,
    ...problems(400, 404, 409, 413, 415, 422),
  },
});

const get = createRoute({
  method: 'get',
  path: '/recommendations/{id}',
  tags,
  operationId: 'getRecommendation',
  summary: 'One recommendation',
  request: { params: z.object({ id: idOf('rec') }) },
  responses: { 200: json('The recommendation', recommendation), ...problems(400, 404) },
});

export const recommendationRoutes = (context: Context) =>
  createRouter()
    .openapi(post, async (c) => answered(c, await recommend(context, c.req.valid('json'))))
    .openapi(get, (c) => c.json(getRecommendation(context, c.req.valid('param').id), 200));
