import { z } from '@hono/zod-openapi';

const distillation = z.object({
  temperature: z.number().min(1).max(100).default(4).describe('How soft the answers are made before they are compared.'),
  share: z.number().min(0).max(1).default(0.7).describe('Of the loss; the rest is the labels’.'),
});

/** METHOD.md §5; a recipe's fields can be given one by one. */
export const fineTune = z
  .object({
    recipe: z.enum(['default', 'thesis']).default('default').describe('default: AdamW, cosine, shifts and rotations. thesis: Table 1.'),
    epochs: z.int().min(0).max(1000).optional(),
    batchSize: z.int().min(1).max(1024).optional(),
    learningRate: z
      .union([z.number().positive().max(1), z.literal('auto')], 'must be a number up to 1, or "auto"')
      .optional()
      .describe('auto: found by a range test on the training images.'),
    optimizer: z.enum(['adamw', 'sgd']).optional().describe('sgd: with Nesterov momentum 0.9.'),
    schedule: z
      .enum(['constant', 'step', 'cosine', 'one-cycle'])
      .optional()
      .describe('step: a tenth after each third. cosine: one epoch of warm-up. one-cycle: up for 30 % of the steps, then down.'),
    weightDecay: z.number().min(0).max(1).optional().describe('Decoupled; none on BatchNormalization and bias.'),
    clipNorm: z.number().positive().optional().describe('Longest gradient of all parameters together.'),
    labelSmoothing: z.number().min(0).max(0.5).optional().describe('Share of each label that all classes get alike.'),
    classWeights: z.enum(['none', 'balanced']).optional().describe('balanced: rare classes weigh more.'),
    mixup: z.number().min(0).max(1).optional().describe('α of the Beta distribution that pairs of images are mixed by; 0: none.'),
    averaging: z.number().min(0).lt(1).optional().describe('Decay of a moving average of the weights, which is then the result; 0: none.'),
    patience: z.int().min(1).optional().describe('Epochs without a better one on validation after which training ends.'),
    horizontalFlip: z.boolean().optional().describe('Wrong for digits and signs, so off unless asked (the thesis recipe flips).'),
    rotationDegrees: z.number().min(0).max(180).optional().describe('Largest random rotation either way.'),
    shift: z.number().min(0).max(0.5).optional().describe('Largest random shift either way, share of the side.'),
    crop: z.number().gt(0).max(1).optional().describe('Smallest share of the area that a random crop keeps; 1: none.'),
    erasing: z.number().min(0).max(1).optional().describe('Probability that a random rectangle is erased.'),
    tune: z
      .union(
        [z.enum(['all', 'head', 'bn']), z.object({ lastBlocks: z.int().min(1) }).strict()],
        'must be "all", "head", "bn" or {"lastBlocks": …}',
      )
      .optional()
      .describe('What is trained. bn: BatchNormalization’s scale and shift, and the head. lastBlocks: so many blocks, and the head.'),
    distill: z
      .union([z.boolean(), distillation.strict()], 'must be true, false or {"temperature": …, "share": …}')
      .optional()
      .describe('Teach the pruned model the answers of the unpruned one too (Hinton 2015).'),
  })
  .strict()
  .openapi('FineTune');
export type FineTune = z.infer<typeof fineTune>;

/** What a training did. */
export const training = z.object({
  epochs: z.int(),
  bestEpoch: z.int().describe('Whose weights the model has: the last epoch within one standard error of the highest validation accuracy.'),
  imagesPerSecond: z.number(),
  history: z.array(
    z.object({ epoch: z.int(), learningRate: z.number(), loss: z.number(), validationLoss: z.number(), validationAccuracy: z.number() }),
  ),
});
export type Training = z.infer<typeof training>;
