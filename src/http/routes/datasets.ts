import { createRoute, z } from '@hono/zod-openapi';
import { datasetId, pageQuery } from '../../schema/common.ts';
import { dataset, datasetPage, datasetUploadQuery, samples, samplesQuery } from '../../schema/datasets.ts';
import type { Context } from '../../services/context.ts';
import { deleteDataset, getDataset, listDatasets, listSamples, uploadDataset } from '../../services/datasets.ts';
import { problems } from '../errors.ts';
import { acceptedResponse, answered, createRouter, idempotency, incoming, json, rawBody } from '../router.ts';

const tags = ['datasets'];
const params = z.object({ id: datasetId });

const post = createRoute({
  method: 'post',
  path: '/datasets',
  tags,
  operationId: 'createDataset',
  summary: 'Add a dataset from an archive of images',
  description:
    'The body is the archive itself: a zip, tar or tar.gz of one folder a class (or train/ and test/ folders of them), or of an IDX pair. ' +
    'It is parsed in a job of its own; the same content with the same options is answered at once.',
  request: { query: datasetUploadQuery, headers: idempotency, body: rawBody('The archive') },
  responses: { 200: json('The dataset, known already', dataset), 202: acceptedResponse, ...problems(400, 409, 413, 422) },
});

const list = createRoute({
  method: 'get',
  path: '/datasets',
  tags,
  operationId: 'listDatasets',
  summary: 'Datasets, newest first',
  request: { query: pageQuery },
  responses: { 200: json('A page of datasets', datasetPage), ...problems(400) },
});

const get = createRoute({
  method: 'get',
  path: '/datasets/{id}',
  tags,
  operationId: 'getDataset',
  summary: 'One dataset with its report',
  request: { params },
  responses: { 200: json('The dataset', dataset), ...problems(400, 404) },
});

const getSamples = createRoute({
  method: 'get',
  path: '/datasets/{id}/samples',
  tags,
  operationId: 'listSamples',
  summary: 'Thumbnails of some of its images',
  request: { params, query: samplesQuery },
  responses: { 200: json('The samples', samples), ...problems(400, 404) },
});

const remove = createRoute({
  method: 'delete',
  path: '/datasets/{id}',
  tags,
  operationId: 'deleteDataset',
  summary: 'Delete a dataset with what was found on it',
  request: { params },
  responses: { 204: { description: 'It is gone' }, ...problems(400, 404, 409) },
});

export const datasetRoutes = (context: Context) =>
  createRouter()
    .openapi(post, async (c) => {
      const { exclude, ...query } = c.req.valid('query');
      const outcome = await uploadDataset(context, incoming(c), { ...query, exclude: classesOf(exclude) });
      return answered(c, outcome);
    })
    .openapi(list, (c) => c.json(listDatasets(context, c.req.valid('query')), 200))
    .openapi(get, (c) => c.json(getDataset(context, c.req.valid('param').id), 200))
    .openapi(getSamples, async (c) => c.json(await listSamples(context, { ...c.req.valid('param'), ...c.req.valid('query') }), 200))
    .openapi(remove, async (c) => {
      await deleteDataset(context, c.req.valid('param').id);
      return c.body(null, 204);
    });

const classesOf = (exclude: string | undefined): string[] =>
  (exclude ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
