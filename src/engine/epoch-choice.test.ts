import { describe, expect, it } from 'vitest';
import { isAsGood, peakOf } from './epoch-choice.ts';
import type { EpochRecord } from './types.ts';

const history = (...epochs: (readonly [accuracy: number, loss: number])[]): EpochRecord[] =>
  epochs.map(([validationAccuracy, validationLoss], i) => ({
    epoch: i + 1,
    learningRate: 0.1,
    loss: 0,
    validationLoss,
    validationAccuracy,
  }));

const of = (...accuracies: number[]): EpochRecord[] => history(...accuracies.map((accuracy) => [accuracy, 1] as const));

describe('isAsGood', () => {
  it('takes a later epoch within one standard error of the highest, by the number of images', () => {
    // √(0.9 · 0.1 / 25) is 0.06, of 100 images 0.03.
    expect(isAsGood(of(0.9, 0.85), 25)).toBe(true);
    expect(isAsGood(of(0.9, 0.85), 100)).toBe(false);
    expect(isAsGood(of(0.5, 0.9, 0.86, 0.83), 25)).toBe(false);
  });

  it('takes the first, a new highest, and an equal one', () => {
    for (const accuracies of [[0], [0.2, 0.3], [0.9, 0.5, 0.9], [1, 1]]) expect(isAsGood(of(...accuracies), 1e9)).toBe(true);
    expect(isAsGood(of(1, 0.99), 100)).toBe(false);
  });
});

describe('peakOf', () => {
  it('is the highest accuracy, the lowest loss among equals, the first among twins', () => {
    expect(peakOf([])).toBe(0);
    expect(peakOf(history([0.5, 1], [0.8, 2], [0.8, 1.5], [0.8, 1.5], [0.7, 0.1]))).toBe(3);
  });
});
