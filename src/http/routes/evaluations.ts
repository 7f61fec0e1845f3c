import { createRoute, z } from '@hono/zod-openapi';
import type { Context as Request } from 'hono';
import { Failure } from '../../core/failure.ts';
import { limits } from '../../limits.ts';
import { idOf, jobId, modelId } from '../../schema/common.ts';
import { evaluateRequest, evaluation, prediction, predictQuery } from '../../schema/evaluations.ts';
import type { Context } from '../../services/context.ts';
import { evaluate, getEvaluation } from '../../services/evaluations.ts';
import { awaitJob } from '../../services/jobs.ts';
import type { SentImage } from '../../services/predictions.ts';
import { getPrediction, predict } from '../../services/predictions.ts';
import { problems } from '../errors.ts';
import { accepted, acceptedResponse, answered, body, createRouter, idempotency, incoming, isForm, json, rawBody } from '../router.ts';

const tags = ['evaluations'];

const postEvaluate = createRoute({
  method: 'post',
  path: '/evaluate',
  tags,
  operationId: 'evaluate',
  summary: 'Accuracy, F1 and confusion of a model on a split of a dataset',
  request: { headers: idempotency, body: body(evaluateRequest) },
  responses: { 200: json('The evaluation, known already', evaluation), 202: acceptedResponse, ...problems(400, 404, 409, 413, 415, 422) },
});

const get = createRoute({
  method: 'get',
  path: '/evaluations/{id}',
  tags,
  operationId: 'getEvaluation',
  summary: 'One evaluation',
  request: { params: z.object({ id: idOf('evl') }) },
  responses: { 200: json('The evaluation', evaluation), ...problems(400, 404) },
});

const form = {
  type: 'object',
  additionalProperties: { type: 'string', format: 'binary', description: 'One image; several fields, or one field several times.' },
} as const;

const postPredict = createRoute({
  method: 'post',
  path: '/models/{id}/predict',
  tags,
  operationId: 'predict',
  summary: 'Classify images, to try a model before it is deployed',
  description:
    "The body is one image, or a form with several; they go through the model's own preprocessing. " +
    'The request waits up to half a minute for the answer, then answers with the job.',
  request: {
    params: z.object({ id: modelId }),
    query: predictQuery,
    headers: idempotency,
    body: { content: { ...rawBody('').content, 'multipart/form-data': { schema: form } } },
  },
  responses: { 200: json('The classes', prediction), 202: acceptedResponse, ...problems(400, 404, 409, 413, 415, 422, 503, 507) },
});

const getPredictionRoute = createRoute({
  method: 'get',
  path: '/predictions/{id}',
  tags,
  operationId: 'getPrediction',
  summary: 'What a predict job found',
  request: { params: z.object({ id: jobId }) },
  responses: { 200: json('The classes', prediction), ...problems(400, 404) },
});

export const evaluationRoutes = (context: Context) =>
  createRouter()
    .openapi(postEvaluate, (c) => answered(c, evaluate(context, c.req.valid('json'))))
    .openapi(get, (c) => c.json(getEvaluation(context, c.req.valid('param').id), 200))
    .openapi(postPredict, async (c) => {
      const { fileName, top } = c.req.valid('query');
      const images = await sentImages(c, fileName);
      const queued = await predict(context, { id: c.req.valid('param').id, images, top });
      const job = await awaitJob(context, queued.id, limits.predictWaitMs);
      return job.state === 'succeeded' ? c.json(getPrediction(context, job.id), 200) : accepted(c, job);
    })
    .openapi(getPredictionRoute, (c) => c.json(getPrediction(context, c.req.valid('param').id), 200));

/** The images of a form, or the one that is the body. */
async function sentImages(c: Request, fileName: string): Promise<SentImage[]> {
  if (!isForm(c)) return [{ file: fileName, bytes: incoming(c) }];
  const fields = Object.values(await c.req.parseBody({ all: true })).flat();
  const files = fields.filter((field) => field instanceof File);
  if (files.length === 0) throw new Failure('invalid-request', 'The form holds no file.', { hint: 'Send each image as a file field.' });
  if (files.length > limits.predictImagesMax) {
    throw new Failure('limit-exceeded', `The form holds ${files.length} images, more than ${limits.predictImagesMax}.`, {
      hint: 'Send fewer at once, or upload them as a dataset and use POST /evaluate.',
    });
  }
  return Promise.all(files.map(async (file) => ({ file: file.name, bytes: await file.bytes() })));
}
