import { expect, it } from 'vitest';
import { fineTune } from '../../schema/fine-tuning.ts';
import { recipeOf, sparseRecipeOf } from './recipes.ts';

const asked = (fields: object) => recipeOf(fineTune.parse(fields), 7);

it('keeps the named recipe where nothing is given', () => {
  expect(asked({})).toEqual({
    epochs: 20,
    batchSize: 32,
    learningRate: 2e-3,
    schedule: { kind: 'cosine', warmupEpochs: 1 },
    weightDecay: 1e-4,
    augmentation: { horizontalFlip: false, rotationDegrees: 10, shift: 0.08 },
    tune: 'all',
    seed: 7,
  });
  expect(asked({ recipe: 'thesis', epochs: 6 })).toMatchObject({
    learningRate: 1e-2,
    schedule: { kind: 'step', factor: 0.1, everyEpochs: 2 },
    augmentation: { horizontalFlip: true },
  });
});

it('warms up for an epoch, and for less where there are few', () => {
  expect(asked({ epochs: 5 }).schedule).toEqual({ kind: 'cosine', warmupEpochs: 1 });
  expect(asked({ epochs: 1 }).schedule).toEqual({ kind: 'cosine', warmupEpochs: 0.2 });
});

it('trains towards sparsity at a constant rate, all weights, and takes the last epoch', () => {
  const given = fineTune.parse({ epochs: 20, tune: 'head', averaging: 0.9, patience: 2, distill: true, mixup: 0.2 });
  const sparse = { epochs: 4, schedule: { kind: 'constant' }, tune: 'all', result: 'last', mixup: 0.2, seed: 7 };
  expect(sparseRecipeOf(given, 4, 7)).toMatchObject(sparse);
  expect(sparseRecipeOf(given, 4, 7)).toMatchObject({ averaging: undefined, patience: undefined, distillation: undefined });
});

it('takes every field that is given', () => {
  const fields = {
    learningRate: 'auto',
    clipNorm: 1,
    labelSmoothing: 0.1,
    mixup: 0.2,
    averaging: 0.99,
    patience: 3,
    tune: { lastBlocks: 2 },
  };
  expect(asked({ ...fields, classWeights: 'balanced' })).toMatchObject({ ...fields, classWeights: 'balanced' });
  expect(asked({ optimizer: 'sgd', schedule: 'one-cycle' })).toMatchObject({
    optimizer: { kind: 'sgd', momentum: 0.9 },
    schedule: { kind: 'one-cycle', risingShare: 0.3 },
  });
  const augmentation = { horizontalFlip: true, rotationDegrees: 0, shift: 0.1, crop: 0.5, erasing: 0.25 };
  expect(asked(augmentation).augmentation).toEqual(augmentation);
});

it('reads a nought as none, and distillation in all three forms', () => {
  expect(asked({ mixup: 0, averaging: 0, classWeights: 'none', distill: false })).toEqual(asked({}));
  expect(asked({ distill: true }).distillation).toEqual({ temperature: 4, share: 0.7 });
  expect(asked({ distill: {} }).distillation).toEqual({ temperature: 4, share: 0.7 });
  expect(asked({ distill: { temperature: 2, share: 0.5 } }).distillation).toEqual({ temperature: 2, share: 0.5 });
});
