import { z } from '@hono/zod-openapi';
import { cost, engineStamp, estimate, idOf, modelId, pageOf, time } from './common.ts';
import { training } from './fine-tuning.ts';
import { plan, pruneBody, pruneRequest } from './prunings.ts';

/** Runs of one comparison: criteria times seeds, each a fine-tuning. */
const criteriaMax = 20;
const seedsMax = 20;

const { criterion, source, ranking, schedule, ...shared } = pruneRequest.shape;

export const comparedCriterion = z
  .object({ criterion: criterion.unwrap(), source, ranking, schedule })
  .strict()
  .openapi('ComparedCriterion');
export type ComparedCriterion = z.infer<typeof comparedCriterion>;

const comparedTarget = z
  .union(
    [
      z.object({ flops: z.number().positive().describe('FLOPs that every pruned model may have (2 × MACs).') }).strict(),
      z.object({ ratio: z.number().gt(0).lt(1).describe('Every pruned model may have the FLOPs that l1 leaves at this ratio.') }).strict(),
    ],
    'must be one of {"flops": …} and {"ratio": …}',
  )
  .openapi('ComparedTarget');

const { model, dataset, layers, roundTo, minChannels, protect, recalibrate, fineTune, deterministic, seed } = shared;

export const compareRequest = z
  .object({
    model,
    dataset,
    criteria: z.array(comparedCriterion).min(1).max(criteriaMax),
    target: comparedTarget,
    seeds: z.int().min(1).max(seedsMax).default(3).describe('Runs of each criterion; what differs from seed to seed is in the intervals.'),
    layers,
    roundTo,
    minChannels,
    protect,
    recalibrate,
    fineTune,
    deterministic,
    seed,
  })
  .strict();
/** As it is stored: every criterion written out. */
export type CompareRequest = z.infer<typeof compareRequest>;

export const compareBody = compareRequest
  .extend({
    criteria: z
      .array(z.union([comparedCriterion.shape.criterion, comparedCriterion], 'must be a criterion’s id, or {"criterion": …, "source": …}'))
      .min(1)
      .max(criteriaMax)
      .default(['dice', 'l1', 'random'])
      .describe('Ids, or objects with source, ranking and schedule. Differences are to the first.'),
  })
  .openapi('CompareRequest');
export type CompareBody = z.infer<typeof compareBody>;

const seededRun = z.object({
  seed: z.int(),
  /** On validation images, before fine-tuning; null for the unpruned model. */
  accuracyBefore: z.number().nullable().describe('On validation images before fine-tuning, recalibrated where asked.'),
  validationAccuracy: z.number(),
  testAccuracy: z.number(),
  testMacroF1: z.number(),
  epochs: z.int().describe('Of fine-tuning, and of what a schedule trains before.'),
  bestEpoch: z.int().nullable().describe('Null where nothing was fine-tuned.'),
});
export type SeededRun = z.infer<typeof seededRun>;

export const comparedRow = z
  .object({
    label: z.string().describe('The criterion, with its source and ranking where they are not the usual ones; or "unpruned".'),
    criterion: comparedCriterion.nullable().describe('Null for the unpruned model, fine-tuned identically.'),
    cost,
    runs: z.array(seededRun),
    validationAccuracy: estimate,
    testAccuracy: estimate,
    testMacroF1: estimate,
    accuracyDifference: estimate.nullable().describe('Test accuracy less that of the first criterion, paired; null for the first.'),
    macroF1Difference: estimate.nullable(),
    proof: z.number().nullable().describe('Largest difference of masked and compacted outputs, of their scale.'),
    plan: plan.nullable().describe('Of the first seed.'),
    notes: z.array(z.string()),
  })
  .openapi('ComparedRow');
export type ComparedRow = z.infer<typeof comparedRow>;

export const comparisonResult = z.object({
  rows: z.array(comparedRow).describe('The criteria in the order asked for, then the unpruned model.'),
  flops: z.number().describe('What every pruned model may have.'),
  chosen: z.string().describe('Label of the criterion with the highest validation accuracy; test images choose nothing.'),
  summary: z.string().describe('The comparison in words, no stronger than its intervals.'),
  headReplaced: z.object({ from: z.int(), to: z.int() }).nullable(),
  transfer: training.nullable().describe('The one fine-tuning of the base, when its head was replaced; every run starts from it.'),
  images: z.object({ train: z.int(), validation: z.int(), test: z.int() }),
  next: pruneBody.describe('The body for POST /prune that makes the chosen model.'),
  hashes: z.object({ model: z.string(), dataset: z.string() }),
  engine: engineStamp,
  seed: z.int(),
});
export type ComparisonResult = z.infer<typeof comparisonResult>;

export const comparison = comparisonResult
  .extend({ id: idOf('cmp'), model: modelId, request: compareRequest, createdAt: time })
  .openapi('Comparison');
export type Comparison = z.infer<typeof comparison>;

export const comparisonPage = pageOf(comparison).openapi('ComparisonPage');
