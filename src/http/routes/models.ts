import { createRoute, z } from '@hono/zod-openapi';
import { modelId, pageQuery } from '../../schema/common.ts';
import { contentQuery, model, modelExports, modelPage, modelSource, modelUploadQuery } from '../../schema/models.ts';
import type { Context } from '../../services/context.ts';
import { getModelContent, listModelExports } from '../../services/exports.ts';
import { deleteModel, getModel, importSource, listModels, uploadModel } from '../../services/models.ts';
import { sendFile } from '../content.ts';
import { problems } from '../errors.ts';
import { accepted, acceptedResponse, answered, createRouter, idempotency, incoming, isJson, json, rawBody } from '../router.ts';
import { invalidRequest } from '../validation.ts';

const tags = ['models'];
const params = z.object({ id: modelId });
const binary = { schema: { type: 'string', format: 'binary' } as const };
const bytes = { 'application/zip': binary, 'application/octet-stream': binary };

const post = createRoute({
  method: 'post',
  path: '/models',
  tags,
  operationId: 'createModel',
  summary: 'Add a model from a file, the starter backbones, a hub or an address',
  description:
    'The body is the file itself (tfjs zip or tar, Keras .h5 or .keras, ONNX, safetensors or a PyTorch state dict), or JSON: `{"source": "zoo:NAME"}`, ' +
    '`{"source": "hf:ORG/NAME@REVISION"}` or `{"source": "https://…"}`, which the job downloads. ' +
    'Files are parsed in a job of their own; the same content with the same options is answered at once.',
  request: {
    query: modelUploadQuery,
    headers: idempotency,
    body: {
      content: { ...rawBody('').content, 'application/json': { schema: { $ref: '#/components/schemas/ModelSource' } } },
    },
  },
  responses: { 200: json('The model, known already', model), 202: acceptedResponse, ...problems(400, 403, 409, 413, 422) },
});

const list = createRoute({
  method: 'get',
  path: '/models',
  tags,
  operationId: 'listModels',
  summary: 'Backbones and artifacts, newest first',
  request: { query: pageQuery },
  responses: { 200: json('A page of models', modelPage), ...problems(400) },
});

const get = createRoute({
  method: 'get',
  path: '/models/{id}',
  tags,
  operationId: 'getModel',
  summary: 'One model',
  request: { params },
  responses: { 200: json('The model', model), ...problems(400, 404) },
});

const content = createRoute({
  method: 'get',
  path: '/models/{id}/content',
  tags,
  operationId: 'getModelContent',
  summary: 'The model as a file, for use elsewhere',
  description:
    'tfjs: a zip with a LayersModel that plain `tf.loadLayersModel` opens; tfjs-float16 and tfjs-uint8 the same with smaller kernels. onnx, keras. ' +
    "safetensors: PyTorch's names and layout for the architectures that are known, with the layers as JSON in the metadata. deep-compression: the " +
    'smallest file. Formats other than tfjs are made by a job when they are first asked for, and kept: 202 with the job, whose result links the ' +
    'content and what it lost. Answers conditional requests (ETag) and single byte ranges.',
  request: { params, query: contentQuery },
  responses: {
    200: { description: 'The file', content: bytes },
    202: acceptedResponse,
    206: { description: 'The range asked for', content: bytes },
    304: { description: 'The file has not changed' },
    416: { description: 'The range lies outside of the file' },
    ...problems(400, 404),
  },
});

const formats = createRoute({
  method: 'get',
  path: '/models/{id}/exports',
  tags,
  operationId: 'listModelExports',
  summary: 'The formats that the model can be had as, and what each has lost',
  request: { params },
  responses: { 200: json('Every format', modelExports), ...problems(400, 404) },
});

const remove = createRoute({
  method: 'delete',
  path: '/models/{id}',
  tags,
  operationId: 'deleteModel',
  summary: 'Delete a model with its profiles and evaluations',
  request: { params },
  responses: { 204: { description: 'It is gone' }, ...problems(400, 404, 409) },
});

export const modelRoutes = (context: Context) => {
  const router = createRouter();
  router.openAPIRegistry.register('ModelSource', modelSource);
  return router
    .openapi(post, async (c) => {
      const outcome = isJson(c)
        ? importSource(context, parseSource(await c.req.text()))
        : await uploadModel(context, incoming(c), c.req.valid('query'));
      return answered(c, outcome);
    })
    .openapi(list, (c) => c.json(listModels(context, c.req.valid('query')), 200))
    .openapi(get, (c) => c.json(getModel(context, c.req.valid('param').id), 200))
    .openapi(content, async (c) => {
      const outcome = await getModelContent(context, { ...c.req.valid('param'), ...c.req.valid('query') });
      return 'value' in outcome ? sendFile(c, outcome.value) : accepted(c, outcome.job);
    })
    .openapi(formats, async (c) => c.json(await listModelExports(context, c.req.valid('param').id), 200))
    .openapi(remove, async (c) => {
      await deleteModel(context, c.req.valid('param').id);
      return c.body(null, 204);
    });
};

const parseSource = (text: string): z.infer<typeof modelSource> => {
  const parsed = z.string().transform(asJson).pipe(modelSource).safeParse(text);
  if (!parsed.success) throw invalidRequest(parsed.error.issues, 'body');
  return parsed.data;
};

const asJson = (text: string, context: z.RefinementCtx): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    context.addIssue({ code: 'custom', message: 'is no sound JSON' });
    return z.NEVER;
  }
};
