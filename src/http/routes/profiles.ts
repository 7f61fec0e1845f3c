import { createRoute, z } from '@hono/zod-openapi';
import { diversityQuery, diversitySeries } from '../../schema/diversity.ts';
import {
  comparisonQuery,
  layerMatrixParams,
  matrixQuery,
  profile,
  profileComparison,
  profileId,
  profileRequest,
  similarityMatrix,
} from '../../schema/profiles.ts';
import type { Context } from '../../services/context.ts';
import { diversity } from '../../services/diversity.ts';
import { getLayerMatrix, heatMap, matrixDocument, quantised } from '../../services/matrices.ts';
import { compareWith, createProfile, getProfile } from '../../services/profiles.ts';
import { isKnown } from '../content.ts';
import { problems } from '../errors.ts';
import { preferredType } from '../negotiation.ts';
import { acceptedResponse, answered, body, createRouter, idempotency, json } from '../router.ts';

const tags = ['profiles'];
const FLOATS = 'application/octet-stream';
const BYTES = 'application/vnd.espalier.u8';

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

const binary = { schema: { type: 'string', format: 'binary' } as const };

const matrix = createRoute({
  method: 'get',
  path: '/profiles/{id}/layers/{layer}/matrix',
  tags,
  operationId: 'getSimilarityMatrix',
  summary: "A layer's similarity matrix, as numbers or as a picture",
  description:
    'By Accept: JSON; application/octet-stream, float32 little-endian row by row; application/vnd.espalier.u8, a byte a value (255 is S = 1); ' +
    'image/png, a heat map from the smallest S off the diagonal to the largest.',
  request: { params: layerMatrixParams, query: matrixQuery },
  responses: {
    200: {
      description: 'The matrix, kernels × kernels',
      content: { 'application/json': { schema: similarityMatrix }, [FLOATS]: binary, [BYTES]: binary, 'image/png': binary },
    },
    304: { description: 'The matrix that the caller has already' },
    ...problems(400, 404, 406),
  },
});

const comparison = createRoute({
  method: 'get',
  path: '/profiles/{id}/comparison',
  tags,
  operationId: 'compareProfiles',
  summary: 'Two profiles side by side, layer by layer: before and after pruning, or two backbones',
  request: { params: z.object({ id: profileId }), query: comparisonQuery },
  responses: { 200: json('Both, and the differences', profileComparison), ...problems(400, 404) },
});

const series = createRoute({
  method: 'get',
  path: '/diversity',
  tags,
  operationId: 'listDiversity',
  summary: 'Diversity over time and lineage, for dashboards',
  request: { query: diversityQuery },
  responses: { 200: json('A page of points, oldest first', diversitySeries), ...problems(400, 404) },
});

export const profileRoutes = (context: Context) =>
  createRouter()
    .openapi(post, (c) => answered(c, createProfile(context, c.req.valid('json'))))
    .openapi(get, (c) => c.json(getProfile(context, c.req.valid('param').id), 200))
    .openapi(matrix, async (c) => {
      const { id, layer } = c.req.valid('param');
      const stored = getLayerMatrix(context, { id, layer, ...c.req.valid('query') });
      const type = preferredType(c, ['application/json', 'image/png', FLOATS, BYTES]);
      c.header('vary', 'accept');
      if (isKnown(c, `"${stored.tag}-${type.slice(-4)}"`)) return c.body(null, 304);
      const values = await stored.read();
      if (type === 'application/json') return c.json(matrixDocument(id, layer, values), 200);
      c.header('content-type', type);
      if (type === 'image/png') return c.body(await heatMap(values), 200);
      return c.body(type === BYTES ? quantised(values) : new Uint8Array(values.similarity.buffer), 200);
    })
    .openapi(comparison, (c) => c.json(compareWith(context, { ...c.req.valid('param'), ...c.req.valid('query') }), 200))
    .openapi(series, (c) => c.json(diversity(context, c.req.valid('query')), 200));
