import { createRoute, z } from '@hono/zod-openapi';
import { diversityQuery, diversitySeries } from '../../schema/diversity.ts';
import { profile, profileId, profileRequest } from '../../schema/profiles.ts';
import type { Context } from '../../services/context.ts';
import { diversity } from '../../services/diversity.ts';
import { createProfile, getProfile } from '../../services/profiles.ts';
import { problems } from '../errors.ts';
import { accepted, acceptedResponse, body, createRouter, idempotency, json } from '../router.ts';

const tags = ['profiles'];

const post = createRoute({
  method: 'post',
  path: '/profiles',
  tags,
  operationId: 'createProfile',
  summary: 'Dice diversity of a model, layer by layer',
  request: { headers: idempotency, body: body(profileRequest) },
  responses: { 200: json('The profile, known already', profile), 202: acceptedResponse, ...problems(400, 404, 409, 413, 415, 422) },
});

const get = createRoute({
  method: 'get',
  path: '/profiles/{id}',
  tags,
  operationId: 'getProfile',
  summary: 'One profile',
  request: { params: z.object({ id: profileId }) },
  responses: { 200: json('The profile', profile), ...problems(400, 404) },
});

const series = createRoute({
  method: 'get',
  path: '/diversity',
  tags,
  operationId: 'listDiversity',
  summary: 'Diversity over time and lineage, for dashboards',
  request: { query: diversityQuery },
  responses: { 200: json('One point a profile, oldest first', diversitySeries), ...problems(400, 404) },
});

export const profileRoutes = (context: Context) =>
  createRouter()
    .openapi(post, (c) => {
      const outcome = createProfile(context, c.req.valid('json'));
      return 'value' in outcome ? c.json(outcome.value, 200) : accepted(c, outcome.job);
    })
    .openapi(get, (c) => c.json(getProfile(context, c.req.valid('param').id), 200))
    .openapi(series, (c) => c.json(diversity(context, c.req.valid('query')), 200));
