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
  origin: z.string().nullable().default(null).describe('What was fetched, if anything: hf:ORG/NAME/FILE@COMMIT, or the address.'),
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

/** `hf:ORG/NAME`, a file of it where one is named, and a branch, tag or commit. The hub's names never begin with a point. */
const HUB = /^hf:([a-z0-9][\w.-]*\/[a-z0-9][\w.-]*)(?:\/([^@]+))?(?:@([a-z0-9][\w./-]*))?$/i;
const ZOO = /^zoo:([a-z0-9-]+)$/;

/** Where a model is to be brought from, in parts; undefined for a text that names no source. */
export function parseModelSource(text: string) {
  const [, zoo] = ZOO.exec(text) ?? [];
  if (zoo !== undefined) return { kind: 'zoo', name: zoo } as const;
  const [, repository, file, revision = 'main'] = HUB.exec(text) ?? [];
  if (repository !== undefined) return { kind: 'hub', repository, revision, ...(file !== undefined && { file }) } as const;
  return /^https:\/\//i.test(text) && URL.canParse(text) ? ({ kind: 'url', url: new URL(text).href } as const) : undefined;
}

const architecture = z
  .string()
  .max(80)
  .optional()
  .describe('Of weights without layers (safetensors, PyTorch): an id of `espalier backbones`; guessed from names and shapes otherwise.');

/** Body of `POST /models` as JSON; a file is sent as the raw body instead. */
export const modelSource = z
  .object({
    source: z
      .string()
      .max(2048)
      .refine(
        (text) => parseModelSource(text) !== undefined,
        'must be zoo:NAME, hf:ORG/NAME, hf:ORG/NAME/FILE@REVISION or an https address',
      )
      .openapi({ example: 'hf:timm/resnet18.a1_in1k' }),
    name: z.string().min(1).max(120).optional(),
    architecture,
  })
  .strict()
  .openapi('ModelSource');
export type ModelSource = z.infer<typeof modelSource>;

/** Query of `POST /models` when the body is a file. */
export const modelUploadQuery = z.object({
  fileName: z.string().min(1).max(255).default('model').describe('For messages and the default name; the format is read from the content.'),
  name: z.string().min(1).max(120).optional(),
  architecture,
});

const ZIP = 'application/zip';
const BYTES = 'application/octet-stream';

/** What a model can be had as, and how such a file is called. */
export const exportFormats = {
  tfjs: { suffix: '.zip', mediaType: ZIP },
  'tfjs-float16': { suffix: '.float16.zip', mediaType: ZIP },
  'tfjs-uint8': { suffix: '.uint8.zip', mediaType: ZIP },
  onnx: { suffix: '.onnx', mediaType: BYTES },
  keras: { suffix: '.keras', mediaType: BYTES },
  safetensors: { suffix: '.safetensors', mediaType: BYTES },
  'deep-compression': { suffix: '.espdc', mediaType: BYTES },
} as const;
export type ExportFormat = keyof typeof exportFormats;

const exportFormat = z.enum(Object.keys(exportFormats) as [ExportFormat, ...ExportFormat[]]);

/** Where a model's file is. */
export const contentPath = (id: string, format: ExportFormat): string => `/models/${id}/content?format=${format}`;

export const contentQuery = z.object({ format: exportFormat.default('tfjs') });

export const modelExport = z
  .object({
    format: exportFormat,
    fileName: z.string(),
    content: z.string().openapi({ example: '/models/mdl_01K7Q2Y3ZC8W5N4M6J1T0RVXAB/content?format=onnx' }),
    made: z
      .object({
        sha256: z.string(),
        bytes: z.int(),
        losses: z.array(z.string()).describe('What the format could not hold, or holds less exactly; empty where nothing is lost.'),
      })
      .nullable()
      .describe('Null until its content was asked for once.'),
  })
  .openapi('ModelExport');
export type ModelExport = z.infer<typeof modelExport>;

export const modelExports = z.object({ items: z.array(modelExport) }).openapi('ModelExports');
