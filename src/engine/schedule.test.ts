import { expect, it } from 'vitest';
import { learningRateAt } from './schedule.ts';
import type { RatedRecipe } from './schedule.ts';
import { recipe } from './testing/fixtures.ts';

const base: RatedRecipe = { ...recipe, epochs: 10, learningRate: 0.1 };

it('keeps a constant rate', () => {
  expect(learningRateAt({ ...base, schedule: { kind: 'constant' } }, 9.9)).toBe(0.1);
});

it('multiplies at every step', () => {
  const stepped = { ...base, schedule: { kind: 'step', factor: 0.1, everyEpochs: 4 } } as const;
  expect([0, 3.99, 4, 8].map((progress) => learningRateAt(stepped, progress))).toEqual([
    0.1,
    0.1,
    expect.closeTo(0.01, 12),
    expect.closeTo(0.001, 12),
  ]);
});

it('warms up and falls along half a cosine', () => {
  const cosine = { ...base, schedule: { kind: 'cosine', warmupEpochs: 2 } } as const;
  const rates = [0, 1, 2, 6, 10].map((progress) => learningRateAt(cosine, progress));
  for (const [at, rate] of [0, 0.05, 0.1, 0.05, 0].entries()) expect(rates[at]).toBeCloseTo(rate, 12);
});

it('runs one cycle: up from a 25th to the rate, and down to next to nothing', () => {
  const cycle = { ...base, schedule: { kind: 'one-cycle', risingShare: 0.3 } } as const;
  const rates = [0, 1.5, 3, 6.5, 10].map((progress) => learningRateAt(cycle, progress));
  for (const [at, rate] of [0.004, 0.052, 0.1, 0.05, 0].entries()) expect(rates[at]).toBeCloseTo(rate, 5);
  expect(rates[4]).toBeGreaterThan(0);
});
