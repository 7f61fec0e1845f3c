import type { Recipe } from '../../engine/types.ts';
import type { FineTune } from '../../schema/prunings.ts';

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

/** The training recipe of a request: the named recipe's values, then the fields that were given. */
export function recipeOf(fineTune: FineTune, seed: number): Recipe {
  const base = RECIPES[fineTune.recipe];
  const epochs = fineTune.epochs ?? base.epochs;
  return {
    epochs,
    batchSize: fineTune.batchSize ?? base.batchSize,
    learningRate: fineTune.learningRate ?? base.learningRate,
    // The steps fall at the same shares of a shorter or longer training.
    schedule: base.schedule.kind === 'step' ? { ...base.schedule, everyEpochs: Math.max(1, Math.ceil(epochs / 3)) } : base.schedule,
    weightDecay: fineTune.weightDecay ?? base.weightDecay,
    augmentation: { ...base.augmentation, horizontalFlip: fineTune.horizontalFlip ?? base.augmentation.horizontalFlip },
    tune: fineTune.tune ?? base.tune,
    seed,
  };
}
