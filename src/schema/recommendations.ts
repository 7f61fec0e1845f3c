import { z } from '@hono/zod-openapi';
import { cost, datasetId, engineStamp, estimate, idOf, modelId, seed, time } from './common.ts';
import { pruneRequest } from './prunings.ts';

/** Candidates of one ranking: each costs one pass over the images. */
export const candidatesMax = 200;

export const recommendRequest = z
  .object({
    dataset: datasetId,
    candidates: z.array(modelId).min(1).max(candidatesMax).optional().describe('Default: every model that has no parent.'),
    constraints: z
      .object({
        flopsMax: z.number().positive().optional(),
        paramsMax: z.number().positive().optional(),
        afterPruning: z
          .boolean()
          .default(true)
          .describe('flopsMax holds for the pruned model: a larger candidate stays in with pruning to that budget.'),
      })
      .strict()
      .prefault({}),
    seed,
  })
  .strict()
  .openapi('RecommendRequest');
export type RecommendRequest = z.infer<typeof recommendRequest>;

export const rankedCandidate = z
  .object({
    model: modelId,
    name: z.string(),
    rank: z.int().describe('Tied candidates share a rank.'),
    tiedWith: z.array(modelId),
    predictedAccuracy: estimate.describe('Cross-validated k-NN accuracy on the features.'),
    probabilityBest: z.number(),
    behindChosen: estimate.describe("Its predicted accuracy minus the chosen one's, paired over the images."),
    scores: z.object({
      logMe: estimate,
      knn: estimate,
      weightDiversity: z.number().nullable(),
      weightDiversityExcess: z.number().nullable(),
      activationDiversity: z.number().nullable(),
    }),
    cost,
    flopsAfterPruning: z.number().nullable().describe('The budget it would be pruned to; null when it fits as it is.'),
    excluded: z.string().nullable().describe('Why a constraint rules it out.'),
    reasons: z.array(z.string()),
  })
  .openapi('RankedCandidate');
export type RankedCandidate = z.infer<typeof rankedCandidate>;

export const recommendationResult = z.object({
  ranking: z.array(rankedCandidate),
  chosen: modelId,
  summary: z.string().describe('The choice in words, no stronger than its interval.'),
  images: z.int().describe('Images that the scores were computed on (train and validation, never test).'),
  predictedBy: z.string().describe('Where predictedAccuracy comes from.'),
  warnings: z.array(z.string()),
  next: pruneRequest
    .partial({
      criterion: true,
      source: true,
      layers: true,
      ranking: true,
      roundTo: true,
      minChannels: true,
      protect: true,
      recalibrate: true,
      planOnly: true,
    })
    .describe('The body to send to POST /prune.'),
  engine: engineStamp,
  seed: z.int(),
});
export type RecommendationResult = z.infer<typeof recommendationResult>;

export const recommendation = recommendationResult
  .extend({ id: idOf('rec'), dataset: datasetId, createdAt: time })
  .openapi('Recommendation');
export type Recommendation = z.infer<typeof recommendation>;
