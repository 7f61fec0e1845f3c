import { z } from '@hono/zod-openapi';
import { datasetId, engineStamp, idOf, modelId, seed, time } from './common.ts';

export const profileId = idOf('prf');

export const profileRequest = z
  .object({
    model: modelId,
    source: z.enum(['weights', 'activations']).default('weights'),
    dataset: datasetId.optional().describe('Needed for activations: the probe images come from its train split.'),
    layers: z.enum(['conv', 'all']).default('conv'),
    images: z.int().min(1).max(4096).default(256).describe('Probe images; a smaller train split is used whole and said.'),
    positionsPerImage: z.int().min(1).max(256).default(8),
    seed,
  })
  .strict()
  .openapi('ProfileRequest');
export type ProfileRequest = z.infer<typeof profileRequest>;

const pair = z.object({ a: z.int(), b: z.int(), similarity: z.number() });

export const layerProfile = z
  .object({
    layer: z.string(),
    kind: z.string(),
    kernels: z.int(),
    size: z.int().describe('Values a kernel (weights) or samples a channel (activations).'),
    /** Null for a layer of one kernel, which has no S_avg. */
    diversity: z.number().nullable(),
    diversityExcess: z.number().nullable().describe('Diversity minus that of the permuted layer (METHOD.md §1).'),
    redundantShare: z.number().nullable(),
    effectiveKernels: z.number().nullable(),
    dead: z.int(),
    sAvg: z.array(z.number()),
    sAvgStandardError: z.number().nullable().describe('Left by sampling positions; null for weights, which are whole.'),
    quantiles: z.array(z.number()).describe('S_avg at 0, 5, 25, 50, 75, 95, 100 %.'),
    histogram: z.array(z.int()).describe('S_avg in 20 equal bins over [0, 1].'),
    mostSimilar: z.array(pair),
    note: z.string().nullable(),
  })
  .openapi('LayerProfile');
export type LayerProfile = z.infer<typeof layerProfile>;

/** What the profile job computes. */
export const profileResult = z.object({
  source: z.enum(['weights', 'activations']),
  diversity: z.number().nullable().describe('Kernel-weighted mean over layers.'),
  diversityUnweighted: z.number().nullable(),
  diversityExcess: z.number().nullable(),
  layers: z.array(layerProfile),
  images: z.int().nullable(),
  positionsPerImage: z.int().nullable(),
  seed: z.int(),
  notes: z.array(z.string()),
  engine: engineStamp.nullable(),
});
export type ProfileResult = z.infer<typeof profileResult>;

export const profile = profileResult
  .extend({ id: profileId, model: modelId, dataset: datasetId.nullable(), createdAt: time })
  .openapi('Profile');
export type Profile = z.infer<typeof profile>;
