import { z } from '@hono/zod-openapi';
import { datasetId, engineStamp, idOf, modelId, seed, time } from './common.ts';

export const profileId = idOf('prf');

export const precision = z
  .enum(['exact', 'fast'])
  .describe(
    'exact: values in 24 bits, S within 1e-6 of equation 3; fast: in eight bits, compared twice as fast. similarityError says how far off S is: with fast about 1e-3, ten times that for sparse activations.',
  );
export type Precision = z.infer<typeof precision>;

export const profileRequest = z
  .object({
    model: modelId,
    source: z.enum(['weights', 'activations']).default('weights'),
    dataset: datasetId.optional().describe('Needed for activations: the probe images come from its train split.'),
    layers: z.enum(['conv', 'all']).default('conv'),
    images: z.int().min(1).max(4096).default(256).describe('Probe images; a smaller train split is used whole and said.'),
    positionsPerImage: z.int().min(1).max(256).default(8),
    precision: precision.default('exact'),
    seed,
  })
  .strict()
  .openapi('ProfileRequest');
export type ProfileRequest = z.infer<typeof profileRequest>;

/** Statistics of a layer's similarity matrix; the definitions stand at `DiceStatistics` in core/dice. */
export const diceStatistics = z
  .object({
    diversity: z.number().describe('1 − mean off-diagonal S.'),
    diversityExcess: z.number().describe('Diversity minus that of the permuted layer (METHOD.md §1).'),
    sAvg: z.array(z.number()),
    sAvgExcess: z.array(z.number()),
    sAvgQuantiles: z.object({
      minimum: z.number(),
      q05: z.number(),
      q25: z.number(),
      median: z.number(),
      q75: z.number(),
      q95: z.number(),
      maximum: z.number(),
    }),
    histogram: z.object({ from: z.number(), to: z.number(), counts: z.array(z.int()) }),
    redundantShare: z.number().describe('Share of kernels with a partner above redundantAbove.'),
    redundantAbove: z.number().describe('99.9 % quantile of S in the permuted layer.'),
    effectiveKernels: z.number(),
    similarPairs: z.array(z.object({ first: z.int(), second: z.int(), similarity: z.number() })),
    standardError: z
      .object({ sAvg: z.array(z.number()), diversity: z.number() })
      .optional()
      .describe('Left by sampling images and positions; absent for weights, which are whole.'),
  })
  .openapi('DiceStatistics');

export const layerProfile = z
  .object({
    layer: z.string(),
    kernels: z.int(),
    size: z.int().describe('Values a kernel (weights) or samples a channel (activations).'),
    dead: z.int().describe('All-zero kernels or channels.'),
    dice: diceStatistics.optional().describe('Absent for a layer of one kernel, which has no S_avg; the note says so.'),
    note: z.string().optional(),
  })
  .openapi('LayerProfile');

/** What the profile job computes. */
export const profileResult = z.object({
  source: z.enum(['weights', 'activations']),
  diversity: z.number().describe('Mean over layers weighted by their kernels.'),
  diversityUnweighted: z.number(),
  diversityExcess: z.number(),
  redundantShare: z.number(),
  kernels: z.int().describe('Kernels in the layers that have a diversity.'),
  layers: z.array(layerProfile),
  images: z.int().nullable(),
  positionsPerImage: z.int().nullable(),
  precision,
  similarityError: z.number().describe('Largest difference of S to float64, measured on 32 random pairs of every matrix.'),
  seed: z.int(),
  notes: z.array(z.string()),
  engine: engineStamp.nullable(),
});
export type ProfileResult = z.infer<typeof profileResult>;

export const profile = profileResult
  .extend({ id: profileId, model: modelId, dataset: datasetId.nullable(), createdAt: time })
  .openapi('Profile');
export type Profile = z.infer<typeof profile>;

export const layerMatrixParams = z.object({ id: profileId, layer: z.string().describe('A layer of the profile; a slash in it is %2F.') });

export const matrixQuery = z.object({
  order: z
    .enum(['kernel', 'cluster'])
    .default('kernel')
    .describe('cluster: kernels alike side by side (average linkage); the JSON says which kernel each row is of.'),
});

/** The similarity matrix as JSON; as bytes and picture it is the same numbers row by row. */
export const similarityMatrix = z
  .object({
    profile: profileId,
    layer: z.string(),
    order: z.array(z.int()).describe('The kernel that each row and column is of.'),
    similarity: z.array(z.array(z.number())),
  })
  .openapi('SimilarityMatrix');
export type SimilarityMatrix = z.infer<typeof similarityMatrix>;

const layerFigures = z.object({
  layer: z.string(),
  kernels: z.int(),
  diversity: z.number().nullable(),
  diversityExcess: z.number().nullable(),
  redundantShare: z.number().nullable(),
  effectiveKernels: z.number().nullable(),
});
const modelFigures = z.object({
  profile: profileId,
  model: modelId,
  kernels: z.int(),
  diversity: z.number(),
  diversityExcess: z.number(),
  redundantShare: z.number(),
});

export const comparisonQuery = z.object({ against: profileId.describe('The profile from before.') });

export const profileComparison = z
  .object({
    source: z.enum(['weights', 'activations']),
    before: modelFigures,
    after: modelFigures,
    difference: z.number().describe('Diversity after minus before.'),
    pairedBy: z.enum(['name', 'place']).describe('Layers are matched by name, or by their place where no name is common.'),
    layers: z.array(
      z.object({
        before: layerFigures.nullable(),
        after: layerFigures.nullable(),
        difference: z.number().nullable().describe('Diversity after minus before; null unless both have one.'),
      }),
    ),
  })
  .openapi('ProfileComparison');
export type ProfileComparison = z.infer<typeof profileComparison>;
