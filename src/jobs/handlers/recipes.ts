import type { Recipe } from '../../engine/types.ts';
import type { FineTune } from '../../schema/fine-tuning.ts';

const RECIPES: Readonly<Record<FineTune['recipe'], Omit<Recipe, 'seed'>>> = {
  default: {
    epochs: 20,
    batchSize: 32,
    learningRate: 2e-3,
    schedule: { kind: 'cosine', warmupEpochs: 1 },
    weightDecay: 1e-4,
    augmentation: { horizontalFlip: false, rotationDegrees: 10, shift: 0.08 },
    tune: 'all',
  },
  /** Table 1 of the thesis (Hajbi 2025): 1e-2 falls by 0.1 twice within the 20 epochs, to 1e-4. */
  thesis: {
    epochs: 20,
    batchSize: 32,
    learningRate: 1e-2,
    schedule: { kind: 'step', factor: 0.1, everyEpochs: 7 },
    weightDecay: 1e-5,
    augmentation: { horizontalFlip: true, rotationDegrees: 10, shift: 0 },
    tune: 'all',
  },
};

/** A short training has a short warm-up: of one epoch alone nothing but the warm-up would be left. */
const WARM_UP = { epochsMax: 1, share: 0.2 } as const;

/** Two thirds of the epochs are over after the second fall, however many there are. */
const SCHEDULES: { readonly [K in Recipe['schedule']['kind']]: (epochs: number) => Recipe['schedule'] } = {
  constant: () => ({ kind: 'constant' }),
  step: (epochs) => ({ kind: 'step', factor: 0.1, everyEpochs: Math.max(1, Math.ceil(epochs / 3)) }),
  cosine: (epochs) => ({ kind: 'cosine', warmupEpochs: Math.min(WARM_UP.epochsMax, WARM_UP.share * epochs) }),
  'one-cycle': () => ({ kind: 'one-cycle', risingShare: 0.3 }),
};

const OPTIMIZERS: { readonly [K in NonNullable<FineTune['optimizer']>]: Recipe['optimizer'] } = {
  adamw: { kind: 'adamw' },
  sgd: { kind: 'sgd', momentum: 0.9 },
};

/** Hinton, Vinyals and Dean 2015 use 2.5 to 20; the schema has the same defaults. */
const DISTILLATION: Recipe['distillation'] = { temperature: 4, share: 0.7 };

/**
 * The recipe of training towards sparsity: the request's, at a constant rate so that penalties act to the end, of all weights,
 * and the last epoch counts, since the best on validation would be the least sparse.
 */
export function sparseRecipeOf(fineTune: FineTune, epochs: number, seed: number): Recipe {
  const recipe = recipeOf({ ...fineTune, epochs, schedule: 'constant', tune: 'all', distill: false }, seed);
  return { ...recipe, averaging: undefined, patience: undefined, result: 'last' };
}

/** The training recipe of a request: the named recipe's values, then the fields that were given. */
export function recipeOf(fineTune: FineTune, seed: number): Recipe {
  const base = RECIPES[fineTune.recipe];
  const { epochs = base.epochs, distill = false } = fineTune;
  const { horizontalFlip, rotationDegrees, shift } = base.augmentation;
  return {
    epochs,
    batchSize: fineTune.batchSize ?? base.batchSize,
    learningRate: fineTune.learningRate ?? base.learningRate,
    optimizer: fineTune.optimizer && OPTIMIZERS[fineTune.optimizer],
    schedule: SCHEDULES[fineTune.schedule ?? base.schedule.kind](epochs),
    weightDecay: fineTune.weightDecay ?? base.weightDecay,
    clipNorm: fineTune.clipNorm,
    labelSmoothing: fineTune.labelSmoothing,
    classWeights: fineTune.classWeights === 'balanced' ? 'balanced' : undefined,
    mixup: fineTune.mixup || undefined,
    averaging: fineTune.averaging || undefined,
    patience: fineTune.patience,
    distillation: distill === true ? DISTILLATION : distill || undefined,
    augmentation: {
      horizontalFlip: fineTune.horizontalFlip ?? horizontalFlip,
      rotationDegrees: fineTune.rotationDegrees ?? rotationDegrees,
      shift: fineTune.shift ?? shift,
      crop: fineTune.crop,
      erasing: fineTune.erasing,
    },
    tune: fineTune.tune ?? base.tune,
    seed,
  };
}
