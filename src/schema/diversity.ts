import { z } from '@hono/zod-openapi';
import { datasetId, modelId, pageOf, time } from './common.ts';
import { profileId } from './profiles.ts';

/** Dice diversity of one profile, or of one layer of it, placed in its model's lineage and in time. */
export const diversityPoint = z.object({
  model: modelId,
  name: z.string(),
  parentId: modelId.nullable(),
  root: modelId.describe('The model that the lineage began with: points of one root are one family.'),
  generation: z.int().describe('Prunings between the root and this model.'),
  profile: profileId,
  source: z.enum(['weights', 'activations']),
  dataset: datasetId.nullable(),
  layer: z.string().nullable().describe('Null for the whole model.'),
  kernels: z.int(),
  diversity: z.number().nullable().describe('Null for a layer of one kernel.'),
  diversityExcess: z.number().nullable(),
  redundantShare: z.number().nullable(),
  at: time,
});
export type DiversityPoint = z.infer<typeof diversityPoint>;
export const diversitySeries = pageOf(diversityPoint).openapi('DiversitySeries');
export type DiversitySeries = z.infer<typeof diversitySeries>;

export const diversityQuery = z.object({
  model: modelId.optional().describe('Only this model.'),
  lineage: modelId.optional().describe('Only the lineage of this model: what it came from and all that came from either.'),
  source: z.enum(['weights', 'activations']).optional(),
  dataset: datasetId.optional(),
  layer: z.string().min(1).optional().describe('A point for this layer of each profile instead of the whole model; * for every layer.'),
  since: time.optional(),
  until: time.optional().describe('Before this time.'),
  after: z
    .string()
    .regex(/^prf_[0-9A-Z]{26}\.\d{1,9}$/, 'is not the `next` of a page')
    .optional()
    .describe('The `next` of the page before.'),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
});
export type DiversityQuery = z.infer<typeof diversityQuery>;
