import { z } from '@hono/zod-openapi';
import { modelId, time } from './common.ts';

/** Dice diversity over a model's lineage and time, for dashboards. */
export const diversityPoint = z.object({
  model: modelId,
  name: z.string(),
  parentId: modelId.nullable(),
  profile: z.string(),
  source: z.enum(['weights', 'activations']),
  diversity: z.number().nullable(),
  diversityExcess: z.number().nullable(),
  at: time,
});
export const diversitySeries = z.object({ items: z.array(diversityPoint) }).openapi('DiversitySeries');

export const diversityQuery = z.object({
  model: modelId.optional().describe('Only the lineage of this model: what it came from and all that came from either.'),
  source: z.enum(['weights', 'activations']).optional(),
  since: time.optional(),
  until: time.optional().describe('Before this time.'),
});
