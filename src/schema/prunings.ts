import { z } from '@hono/zod-openapi';
import { cost, datasetId, engineStamp, estimate, idOf, modelId, pageOf, seed, time } from './common.ts';
import { metrics } from './evaluations.ts';
import { fineTune, training } from './fine-tuning.ts';

/** Exactly one of them. */
export const pruneTarget = z
  .union(
    [
      z
        .object({
          ratio: z
            .number()
            .gt(0)
            .lt(1)
            .describe('Share of kernels that leaves each dependency group, or each pool of groups ranked together.'),
          byLayer: z
            .record(z.string(), z.number().min(0).lt(1))
            .optional()
            .describe('Ratios of layers by name or pattern (* and ?); the first that fits a layer that makes a group’s channels holds.'),
        })
        .strict(),
      z.object({ flops: z.number().positive().describe('FLOPs that the pruned model may have (2 × MACs).') }).strict(),
      z.object({ params: z.number().positive().describe('Parameters that the pruned model may have.') }).strict(),
      z.object({ bytes: z.number().positive().describe('Bytes that the weights of the pruned model may take, as float32.') }).strict(),
      z
        .object({ latencyMs: z.number().positive().describe('Median milliseconds of one image on this engine; the ratio is bisected.') })
        .strict(),
      z
        .object({
          accuracyDropMax: z.number().gt(0).lt(1).describe('Share of accuracy that may be lost before fine-tuning, on validation images.'),
          certify: z
            .boolean()
            .default(true)
            .describe('Whether the one-sided 95 % paired bound has to keep to it, and not the estimate alone.'),
        })
        .strict(),
      z
        .object({
          elbow: z
            .boolean()
            .refine((elbow) => elbow, 'must be true')
            .describe('The ratio at which validation accuracy begins to fall faster.'),
        })
        .strict(),
    ],
    'must be one of {"ratio": …}, {"flops": …}, {"params": …}, {"bytes": …}, {"latencyMs": …}, {"accuracyDropMax": …} and {"elbow": true}',
  )
  .openapi('PruneTarget');
export type PruneTarget = z.infer<typeof pruneTarget>;

const source = z.enum(['weights', 'activations', 'weights-excess']);
const ranking = z.enum(['local', 'global', 'isomorphic']);

export const jobEstimate = z
  .object({ seconds: z.number(), memoryBytes: z.number() })
  .openapi('JobEstimate')
  .describe('What the whole job takes on this machine, within about a factor of two on an idle CPU.');
export type JobEstimate = z.infer<typeof jobEstimate>;

export const searchStep = z
  .object({
    ratio: z.number(),
    flops: z.number(),
    accuracy: estimate.nullable().describe('On validation images, recalibrated where asked, before fine-tuning.'),
    drop: z.number().nullable().describe('Accuracy of the base less this.'),
    dropBound: z.number().nullable().describe('One-sided 95 % upper bound of the drop, paired.'),
    latencyMs: z.number().nullable(),
  })
  .openapi('SearchStep');
export type SearchStep = z.infer<typeof searchStep>;

const member = z.object({ node: z.string(), reason: z.string() });

export const plan = z
  .object({
    modelHash: z.string().describe('Content hash of the model that the plan is for; it is replayed on no other.'),
    criterion: z.string(),
    source,
    ranking,
    seed: z.int(),
    target: pruneTarget,
    groups: z.array(
      z.object({
        id: z.string(),
        producers: z.array(z.string()),
        coupled: z.array(member).describe('Layers that pass the channels on, and why they hang together.'),
        consumers: z.array(member).describe('Layers that read the channels.'),
        channels: z.int(),
        kept: z.array(z.int()),
        removed: z.array(z.int()),
      }),
    ),
    skipped: z.array(z.object({ id: z.string(), producers: z.array(z.string()), reason: z.string() })),
    notes: z.array(z.string()),
    cost: z.object({ before: cost, after: cost }),
    search: z.array(searchStep).optional().describe('What was measured to find the ratio, where the target asked for it.'),
    estimate: jobEstimate.optional().describe('With a plan-only answer.'),
  })
  .openapi('PrunePlan');
export type PrunePlanView = z.infer<typeof plan>;

/** What is read of a plan that is sent back: the rest of it follows from the model. */
export const replayedPlan = plan
  .pick({ modelHash: true, criterion: true, source: true, ranking: true, seed: true, target: true })
  .extend({ groups: z.array(plan.shape.groups.element.pick({ id: true, channels: true, removed: true })) })
  .openapi('ReplayedPlan')
  .describe('A plan as it was answered; members that are not listed here are not looked at.');
export type ReplayedPlan = z.infer<typeof replayedPlan>;

const epochsMax = 1000;

/** See scheduleOf in core/prune/schedules, which fills in the rest. */
export const pruneSchedule = z
  .discriminatedUnion(
    'kind',
    [
      z.object({ kind: z.literal('one-shot') }).strict(),
      z
        .object({
          kind: z.literal('iterative'),
          steps: z.int().min(1).max(50).optional().describe('Each takes the same share of what is left. Default: 3.'),
          epochsPerStep: z
            .int()
            .min(0)
            .max(epochsMax)
            .optional()
            .describe('Training between two steps, by the recipe of fineTune. Default: 3.'),
          rewindEpochs: z
            .int()
            .min(0)
            .max(epochsMax)
            .optional()
            .describe(
              'After each step the weights go back to what they were after so many epochs on the dataset. Default: 1 for lottery, never for others.',
            ),
        })
        .strict(),
      z
        .object({
          kind: z.literal('sparse'),
          epochs: z.int().min(1).max(epochsMax).optional().describe('Training of the whole network before the cut. Default: 10.'),
          strength: z
            .number()
            .positive()
            .max(1)
            .optional()
            .describe('λ of the penalty. Default: that of the criterion; sfp and growing-reg have none.'),
        })
        .strict(),
    ],
    'must be one-shot, iterative or sparse',
  )
  .openapi('PruneSchedule');
export type PruneSchedule = z.infer<typeof pruneSchedule>;

export const pruneRequest = z
  .object({
    model: modelId,
    dataset: datasetId,
    criterion: z
      .string()
      .default('dice')
      .describe(
        'dice, dice-greedy, dice-representative, dice-hybrid, l1, l2, random, group-norm, bn-scale, fpgm, dacp, lamp, taylor, hessian, snip, grasp, hrank, apoz, sfp, growing-reg, growing-reg-2 or lottery.',
      ),
    source: source
      .default('weights')
      .describe('What the dice criteria compare. weights-excess: similarity of the kernels less that of permuted kernels.'),
    layers: z.enum(['conv', 'all']).default('conv'),
    target: pruneTarget,
    ranking: ranking
      .default('local')
      .describe('Where the lowest scores are looked for: in each group, in all groups, or in all groups of the same topology.'),
    roundTo: z
      .union([z.int().min(1).max(64), z.literal('auto')], 'must be a whole number from 1 to 64, or "auto"')
      .default(1)
      .describe('Kept widths are a multiple of this. auto: of 16, in narrow groups of 8 or 4, which convolutions run well with.'),
    minChannels: z.int().min(1).default(1).describe('Fewest channels kept in a group.'),
    protect: z.array(z.string().min(1)).max(1000).default([]).describe('Layers, by name or pattern (* and ?), whose channels stay.'),
    schedule: pruneSchedule
      .optional()
      .describe(
        'How the channels leave: at once, in steps with training between, or after the criterion’s sparse training (group-norm, bn-scale, dacp; always for sfp and growing-reg). Default: at once, for lottery in steps.',
      ),
    recalibrate: z.boolean().default(true),
    fineTune: fineTune.prefault({}),
    planOnly: z.boolean().default(false),
    deterministic: z
      .boolean()
      .default(false)
      .describe('Trains on one thread, so that the same request on the same engine gives the same weights to the last bit.'),
    plan: replayedPlan
      .optional()
      .describe('A plan made before, instead of a target: the same channels leave. Its criterion, source, ranking and target hold.'),
    seed,
  })
  .strict()
  .openapi('ResolvedPruneRequest');
/** As it is stored: with a plan, its target and seed are filled in. */
export type PruneRequest = z.infer<typeof pruneRequest>;

export const pruneBody = pruneRequest
  .extend({
    target: pruneTarget.optional().describe('Needed where no plan is given.'),
    seed: seed.unwrap().optional().describe('Same seed, same content, same engine: same answer. Default: that of the plan, else 0.'),
  })
  .openapi('PruneRequest');
export type PruneBody = z.infer<typeof pruneBody>;

const stageName = z.enum(['base', 'sparse', 'pruned', 'recalibrated', 'fineTuned']);
export type StageName = z.infer<typeof stageName>;

/** All stages are measured on validation data; test is used once, for the base and the final model. */
export const stage = z.object({ name: stageName, validation: metrics, test: metrics.nullable(), cost, latencyMs: z.number().nullable() });
export type Stage = z.infer<typeof stage>;

const latencyOfBatch = z.object({ medianMs: z.number(), lowMs: z.number(), highMs: z.number() });

export const layerChange = z.object({
  layer: z.string(),
  kernelsBefore: z.int(),
  kernelsAfter: z.int(),
  diversityBefore: z.number().nullable(),
  diversityAfter: z.number().nullable(),
});

/** Trainings that a schedule does before the last cut. */
export const schedulePart = z
  .object({
    name: z.string().describe('sparse, soft, search, growing, early, or step 1, step 2, …'),
    target: pruneTarget.nullable().describe('Of the cut that came before, in a schedule of steps.'),
    cost,
    validationAccuracy: estimate.describe('After the training.'),
    training: training.nullable(),
  })
  .openapi('SchedulePart');
export type SchedulePart = z.infer<typeof schedulePart>;

export const pruneReport = z
  .object({
    headReplaced: z.object({ from: z.int(), to: z.int() }).nullable(),
    transfer: training.nullable().describe('Fine-tuning of the base on the target, when its head was replaced.'),
    plan,
    proof: z
      .object({ maxDifference: z.number(), relativeDifference: z.number(), images: z.int() })
      .describe('masked ≡ compacted; in a schedule of steps that of the step where they differ most'),
    schedule: z.array(schedulePart).optional().describe('What was trained before the last cut; absent where the channels leave at once.'),
    stages: z.array(stage),
    fineTuning: training.nullable(),
    speedUp: z.number().describe('FLOPs of the base over FLOPs of the pruned model (eq. 5).'),
    speedUpMeasured: z.number().nullable().describe('Latency of the base over that of the final model, batch 1.'),
    latency: z
      .array(z.object({ batchSize: z.int(), base: latencyOfBatch, final: latencyOfBatch, speedUp: z.number() }))
      .describe('Base and final in turns after a warm-up, random input: median and quartiles of one batch.'),
    difference: z
      .object({ accuracy: estimate, macroF1: estimate, mcnemarP: z.number(), images: z.int(), split: z.enum(['validation', 'test']) })
      .describe('Final minus base, paired bootstrap.'),
    layers: z.array(layerChange),
    hashes: z.object({ model: z.string(), dataset: z.string(), artifact: z.string() }),
    seed: z.int(),
    engine: engineStamp,
    notes: z.array(z.string()),
  })
  .openapi('PruneReport');
export type PruneReport = z.infer<typeof pruneReport>;

export const pruning = z
  .object({
    id: idOf('prn'),
    request: pruneRequest,
    /** Null for a plan-only answer. */
    artifact: modelId.nullable(),
    parent: modelId,
    plan,
    report: pruneReport.nullable(),
    createdAt: time,
  })
  .openapi('Pruning');
export type Pruning = z.infer<typeof pruning>;

export const pruningPage = pageOf(pruning).openapi('PruningPage');
