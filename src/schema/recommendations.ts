import { z } from '@hono/zod-openapi';
import { scoreIds } from '../core/transfer/index.ts';
import { cost, datasetId, engineStamp, estimate, idOf, modelId, seed, time } from './common.ts';
import { training } from './fine-tuning.ts';
import { jobEstimate, pruneRequest, pruneTarget } from './prunings.ts';

/** Candidates of one ranking: each costs one pass over the images. */
export const candidatesMax = 200;
/** Candidates that are fine-tuned to verify a ranking. */
const verifiedMax = 32;

const scoreId = z.enum(scoreIds).openapi('ScoreId');

const verify = z
  .object({
    topK: z.int().min(1).max(verifiedMax).describe('The best so many of the ranking are fine-tuned.'),
    budget: z
      .union(
        [
          z.object({ epochs: z.int().min(1).max(10_000).describe('Epochs over all candidates together.') }).strict(),
          z.object({ seconds: z.number().positive().max(604_800).describe('Seconds of training over all candidates together.') }).strict(),
        ],
        'must be {"epochs": …} or {"seconds": …}',
      )
      .describe('Kept to within one epoch.'),
  })
  .strict()
  .refine(({ topK, budget }) => !('epochs' in budget) || budget.epochs >= topK, {
    path: ['budget', 'epochs'],
    message: 'must be at least topK: each candidate takes one epoch or more',
  })
  .describe(
    'Fine-tuning by successive halving: equal epochs and seeds, the worse half is dropped, the rest goes on, with up to three seeds as far as the budget holds them.',
  );

export const recommendRequest = z
  .object({
    dataset: datasetId,
    candidates: z
      .array(z.string().regex(/^(mdl_[0-9A-Z]{26}|zoo:(\*|[a-z0-9-]+))$/, 'is neither an id of the form mdl_… nor zoo:NAME nor zoo:*'))
      .min(1)
      .max(candidatesMax)
      .default(['zoo:*'])
      .describe('Models by id; zoo:NAME and zoo:* are starter backbones, imported where they are not here yet.'),
    filters: z
      .object({
        licences: z.array(z.string().min(1)).min(1).max(50).optional().describe('Only candidates under one of these, e.g. Apache-2.0.'),
        families: z.array(z.string().min(1)).min(1).max(50).optional().describe('Only these, e.g. resnet, mobilenet.'),
        inputSideMax: z.int().min(1).optional().describe('Longest side of the input, pixels.'),
      })
      .strict()
      .prefault({})
      .describe('Candidates that do not pass are left out before anything is computed, and named in `leftOut`.'),
    constraints: z
      .object({
        flopsMax: z.number().positive().optional(),
        paramsMax: z.number().positive().optional(),
        latencyMsMax: z.number().positive().optional().describe('Median milliseconds of one image on this engine, measured.'),
        afterPruning: z
          .boolean()
          .default(true)
          .describe('The limits hold for the pruned model: a larger candidate is cut to them, recalibrated and judged as that.'),
      })
      .strict()
      .prefault({}),
    scores: z.array(scoreId).min(1).optional().describe('Scores to tell of each candidate. Default: all.'),
    rankBy: z
      .enum(['default', 'diversity', ...scoreIds])
      .default('default')
      .describe('default: the predicted accuracy. diversity: the mean Dice diversity of weights and activations. Or one score.'),
    verify: verify.optional(),
    budget: z
      .object({ seconds: z.number().positive().max(604_800) })
      .strict()
      .optional()
      .describe(
        'For the scores: candidates are looked at on a sample of the images first, and those that cannot win are not gone on with.',
      ),
    usePrior: z.boolean().default(true).describe('Whether results verified on this server before calibrate the prediction.'),
    seed,
  })
  .strict()
  .openapi('RecommendRequest');
export type RecommendRequest = z.infer<typeof recommendRequest>;

/** A score with its 95 % interval, or why there is none. */
const score = z
  .union([estimate.extend({ note: z.string().optional() }), z.object({ value: z.null(), reason: z.string() })])
  .openapi('TransferScore');
const scores = z.partialRecord(scoreId, score);

const prunedCandidate = z.object({
  target: pruneTarget,
  cost,
  latencyMs: z.number().nullable(),
  channelsRemoved: z.int(),
  channels: z.int(),
  scores,
  accuracyBefore: estimate.nullable().describe('Predicted for the candidate as it is.'),
});

const verifiedCandidate = z.object({
  accuracy: estimate.describe('On the validation images after the last of its epochs, mean over its runs; the interval is of the images.'),
  spread: z.number().nullable().describe('Standard deviation of the accuracy between its runs; null for one run.'),
  epochs: z.int(),
  droppedAfter: z.int().nullable().describe('The epoch after which it was dropped; null for those that went to the end.'),
  runs: z
    .array(z.object({ seed: z.int(), accuracy: z.number(), history: training.shape.history }))
    .describe('Learning curves by seed; those that went to the end may have several, and all of them the same seeds.'),
});

export const rankedCandidate = z
  .object({
    model: modelId,
    name: z.string(),
    rank: z.int().describe('Tied candidates share a rank.'),
    tiedWith: z.array(modelId),
    predictedAccuracy: estimate
      .nullable()
      .describe('After fine-tuning: predicted, or measured where it was verified. Of the pruned network where `pruned` is there.'),
    probabilityBest: z.number(),
    behindChosen: estimate.nullable().describe("Its predicted accuracy minus the chosen one's, paired over the images."),
    rankedBy: estimate.nullable().describe('What it is ranked by, where that is not the predicted accuracy.'),
    scores: scores.describe('Of the candidate as it is.'),
    cost,
    latencyMs: z.number().nullable().describe('Measured where latencyMsMax was given.'),
    pruned: prunedCandidate.nullable().describe('The network that fits the constraints, where the candidate does not.'),
    verified: verifiedCandidate.nullable(),
    excluded: z.string().nullable().describe('Why it is out: a constraint, a failure of its own, or that it could not win any more.'),
    reasons: z.array(z.string()),
  })
  .openapi('RankedCandidate');
export type RankedCandidate = z.infer<typeof rankedCandidate>;

const pruningCurve = z.object({
  points: z.array(z.object({ ratio: z.number(), flops: z.number(), accuracy: estimate })),
  elbow: z.number().describe('The ratio after which accuracy falls faster.'),
});
export type PruningCurve = z.infer<typeof pruningCurve>;

const verification = z.object({
  epochs: z.int().describe('Epochs run, over all candidates.'),
  seconds: z.number(),
  seeds: z.array(z.int()).describe('That all candidates of the last round were trained with.'),
  rounds: z.array(z.object({ untilEpoch: z.int(), candidates: z.array(modelId), dropped: z.array(modelId) })),
});
export type Verification = z.infer<typeof verification>;

export const recommendationResult = z.object({
  ranking: z.array(rankedCandidate),
  chosen: modelId,
  summary: z.string().describe('The choice in words, no stronger than its interval.'),
  images: z.int().describe('Images that the scores were computed on (train and validation, never test).'),
  predictedBy: z.string().describe('Where predictedAccuracy comes from.'),
  rankBy: recommendRequest.shape.rankBy.unwrap(),
  leftOut: z.array(z.object({ name: z.string(), reason: z.string() })).describe('By the filters.'),
  warnings: z.array(z.string()),
  verification: verification.nullable(),
  pruningCurve: pruningCurve
    .nullable()
    .describe('Of the chosen model: k-NN accuracy of its recalibrated features against the share of kernels that left.'),
  next: pruneRequest
    .omit({ plan: true })
    .partial()
    .required({ model: true, dataset: true, target: true, fineTune: true, seed: true })
    .describe('The body to send to POST /prune.'),
  estimate: jobEstimate.nullable().describe('What the job was expected to take; null where all was known.'),
  engine: engineStamp,
  seed: z.int(),
});
export type RecommendationResult = z.infer<typeof recommendationResult>;

export const recommendation = recommendationResult
  .extend({ id: idOf('rec'), dataset: datasetId, createdAt: time })
  .openapi('Recommendation');
export type Recommendation = z.infer<typeof recommendation>;
