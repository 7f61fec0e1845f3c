import { z } from '@hono/zod-openapi';
import { datasetId, engineStamp, estimate, idOf, modelId, splitName, time } from './common.ts';

export const metrics = z
  .object({
    images: z.int(),
    accuracy: estimate.describe('Wilson interval.'),
    macroF1: estimate.describe('Stratified bootstrap interval.'),
    perClass: z.array(z.object({ name: z.string(), images: z.int(), precision: estimate, recall: estimate, f1: estimate })),
    logLoss: estimate.describe('Mean −ln p of the right class.'),
    calibration: z.object({
      expectedError: z.number(),
      bins: z.array(z.object({ count: z.int(), confidence: z.number(), accuracy: z.number() })),
    }),
  })
  .openapi('Metrics');
export type Metrics = z.infer<typeof metrics>;

export const evaluateRequest = z
  .object({ model: modelId, dataset: datasetId, split: splitName.default('test') })
  .strict()
  .openapi('EvaluateRequest');
export type EvaluateRequest = z.infer<typeof evaluateRequest>;

export const evaluationResult = z.object({
  split: splitName,
  metrics,
  confusion: z.array(z.array(z.int())).describe('confusion[true][predicted]'),
  engine: engineStamp,
});
export type EvaluationResult = z.infer<typeof evaluationResult>;

export const evaluation = evaluationResult
  .extend({ id: idOf('evl'), model: modelId, dataset: datasetId, createdAt: time })
  .openapi('Evaluation');
export type Evaluation = z.infer<typeof evaluation>;

export const prediction = z
  .object({
    items: z.array(z.object({ file: z.string(), classes: z.array(z.object({ name: z.string(), probability: z.number() })) })),
    engine: engineStamp,
  })
  .openapi('Prediction');
export type Prediction = z.infer<typeof prediction>;

export const predictQuery = z.object({
  fileName: z.string().min(1).max(255).default('image'),
  top: z.coerce.number().int().min(1).max(100).default(5),
});
