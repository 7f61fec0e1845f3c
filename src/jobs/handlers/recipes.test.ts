import { expect, it } from 'vitest';
import { fineTune } from '../../schema/prunings.ts';
import { recipeOf } from './recipes.ts';

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
