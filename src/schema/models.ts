import { z } from '@hono/zod-openapi';
import { cost, modelId, pageOf, time } from './common.ts';

export const preprocessing = z.object({
  channelOrder: z.literal('rgb'),
  scale: z.number(),
  mean: z.array(z.number()).length(3),
  std: z.array(z.number()).length(3),
  resize: z.literal('shorter-side-centre-crop'),
});

/** What is known of a model from its file; made in the import job. */
export const modelSummary = z.object({
  name: z.string(),
  architecture: z.string().nullable(),
  family: z.string().nullable().default(null).describe('Of the architecture: resnet, mobilenet, …'),
  licence: z.string().nullable().default(null).describe('Where the card says it, as an SPDX id.'),
  format: z.enum(['tfjs', 'keras-h5', 'keras', 'safetensors', 'pytorch', 'onnx', 'deep-compression', 'espalier', 'zoo', 'pruned']),
  inputShape: z.array(z.int()).length(3),
  classNames: z.array(z.string()).nullable(),
  classes: z.int(),
  cost,
  convolutions: z.int(),
  kernels: z.int().describe('Output filters of all convolutions.'),
  preprocessing,
  assumptions: z.array(z.string()).describe('What the file did not say and was assumed.'),
  sourceAccuracy: z.number().nullable().describe('Accuracy on its own source test set, where the card says it.'),
});
export type ModelSummary = z.infer<typeof modelSummary>;

export const model = modelSummary
  .extend({
    id: modelId,
    parentId: modelId.nullable().describe('The model that this one was pruned from.'),
    contentHash: z.string().describe('SHA-256 over topology and weights.'),
    profileId: z.string().nullable().describe('Its weight Dice profile, made on arrival.'),
    weightDiversity: z.number().nullable(),
    createdAt: time,
  })
  .openapi('Model');
export type Model = z.infer<typeof model>;

export const modelPage = pageOf(model).openapi('ModelPage');

/** Body of `POST /models` as JSON; a file is sent as the raw body instead. */
export const modelSource = z
  .object({
    source: z
      .string()
      .regex(/^zoo:[a-z0-9-]+$/, 'must be zoo:NAME')
      .openapi({ example: 'zoo:cifar-resnet20' }),
    name: z.string().min(1).max(120).optional(),
  })
  .strict()
  .openapi('ModelSource');

/** Query of `POST /models` when the body is a file. */
export const modelUploadQuery = z.object({
  fileName: z.string().min(1).max(255).default('model').describe('For messages and the default name; the format is read from the content.'),
  name: z.string().min(1).max(120).optional(),
  architecture: z
    .string()
    .max(80)
    .optional()
    .describe('Of weights without layers (safetensors, PyTorch): an id of `espalier backbones`; guessed from names and shapes otherwise.'),
});

const contentFormat = z.enum(['tfjs', 'safetensors']);
export type ContentFormat = z.infer<typeof contentFormat>;

export const contentQuery = z.object({ format: contentFormat.default('tfjs') });
