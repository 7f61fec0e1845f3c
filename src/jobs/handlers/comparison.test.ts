import { expect, it } from 'vitest';
import { comparisonOf, type Comparing, type KeptRun } from './comparison.ts';

const labels = Int32Array.from({ length: 40 }, (_, i) => i % 2);
const right = (count: number): number[] => Array.from(labels, (label, i) => (i < count ? label : 1 - label));
const run = (given: Partial<KeptRun> & { right: number }): KeptRun => ({
  seed: 0,
  cost: { macs: 50, flops: 100, params: 10, bytes: 40 },
  accuracyBefore: 0.5,
  validation: right(given.right),
  test: right(given.right),
  epochs: 2,
  bestEpoch: 2,
  proof: 1e-7,
  plan: null,
  ...given,
});
const comparing = {
  flops: 100,
  labels: { train: labels, validation: labels, test: labels },
  classes: 2,
  headReplaced: null,
  transfer: null,
  hashes: { model: 'm', dataset: 'd' },
  engine: { backend: 'cpu', version: '0', threads: 1, device: 'cpu' },
  request: {
    criteria: ['l1', 'sfp', 'random'].map((criterion) => ({ criterion, source: 'weights', ranking: 'local' })),
    seeds: 1,
    seed: 0,
  },
} as unknown as Comparing;

it('says which rows were trained for longer, and which have fewer FLOPs than they may', () => {
  const fewer = { macs: 45, flops: 90, params: 9, bytes: 36 };
  const kept = [[run({ right: 30 })], [run({ right: 38, epochs: 12 })], [run({ right: 20, cost: fewer })], [run({ right: 35 })]];
  const { rows, chosen } = comparisonOf(kept, comparing);
  expect(chosen).toBe('sfp');
  expect(rows.map(({ notes }) => notes)).toEqual([
    [],
    ['It was trained for 12 epochs in all, and others for 2.'],
    ['It has 10.0 % fewer FLOPs than the others may have.'],
    [],
  ]);
});
