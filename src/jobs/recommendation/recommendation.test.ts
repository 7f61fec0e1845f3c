import { describe, expect, it } from 'vitest';
import type { ModelRef } from '../types.ts';
import { filtered } from './filter.ts';
import { projectedAccuracy } from './projection.ts';
import type { Verified } from './rank.ts';
import { recipeFor } from './recipe.ts';

describe('recipeFor', () => {
  const recipe = (...sizes: number[]) =>
    recipeFor({
      classes: sizes.map((train, i) => ({ name: String(i), train, validation: 1, test: 1 })),
      counts: { train: sizes.reduce((a, b) => a + b), validation: 1, test: 1 },
    });

  it('is longer the fewer images there are, with patience and a teacher', () => {
    for (const size of [300, 500]) expect(recipe(size, size)).toEqual({ recipe: 'default' });
    // 16 images are one step an epoch, 160 are five.
    expect(recipe(8, 8)).toEqual({ recipe: 'default', epochs: 100, patience: 34, distill: true });
    expect(recipe(80, 80)).toEqual({ recipe: 'default', epochs: 76, patience: 26 });
    expect(recipe(49, 49, 49, 49, 49, 49, 49, 49, 49, 49)).toMatchObject({ epochs: 24, distill: true });
  });

  it('weighs rare classes up, and never flips', () => {
    expect(recipe(500, 100).classWeights).toBe('balanced');
    expect(recipe(500, 400).classWeights).toBeUndefined();
    for (const one of [recipe(5, 5), recipe(30, 80), recipe(900, 900)]) expect(one.horizontalFlip).toBeUndefined();
  });
});

describe('filtered', () => {
  const candidate = (name: string, about: object) => ({
    model: { name, summary: { licence: 'Apache-2.0', family: 'resnet', inputShape: [32, 32, 3], ...about } } as unknown as ModelRef,
  });
  const all = [
    candidate('a', {}),
    candidate('b', { licence: null }),
    candidate('c', { family: 'vgg' }),
    candidate('d', { inputShape: [64, 96, 3] }),
  ];

  it('keeps what passes, whatever the case of letters, and says why the rest does not', () => {
    const { kept, leftOut } = filtered(all, { licences: ['apache-2.0'], families: ['ResNet'], inputSideMax: 64 });
    expect(kept.map(({ model }) => model.name)).toEqual(['a']);
    expect(leftOut).toEqual([
      { name: 'b', reason: 'licence unknown' },
      { name: 'c', reason: 'family vgg' },
      { name: 'd', reason: 'input 64×96' },
    ]);
  });

  it('names what there is where nothing passes', () => {
    expect(() => filtered(all, { families: ['densenet'] })).toThrow('leave none of the 4 candidates');
  });
});

describe('projectedAccuracy', () => {
  const curve = (...accuracies: number[]): Verified => ({
    accuracy: { value: 0, low: 0, high: 0 },
    epochs: accuracies.length,
    droppedAfter: null,
    spread: null,
    runs: [
      {
        seed: 0,
        accuracy: accuracies[accuracies.length - 1],
        history: accuracies.map((validationAccuracy, i) => ({
          epoch: i + 1,
          learningRate: 0,
          loss: 0,
          validationLoss: 0,
          validationAccuracy,
        })),
      },
    ],
  });

  it('carries the distance of the last common epoch to the end', () => {
    const even = projectedAccuracy(curve(0.5), [curve(0.5, 0.7, 0.9)], 1e6);
    expect(even.value).toBeCloseTo(0.9, 4);
    const behind = projectedAccuracy(curve(0.3, 0.4), [curve(0.5, 0.6, 0.9), curve(0.5, 0.6, 0.9)], 1e6);
    // logit 0.4 − logit 0.6 + logit 0.9
    expect(behind.value).toBeCloseTo(0.8, 4);
    expect(behind.low).toBeLessThan(0.7);
    expect(behind.high).toBeGreaterThan(0.88);
  });
});
