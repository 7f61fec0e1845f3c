import { describe, expect, it } from 'vitest';
import { compareRequest } from '../../schema/comparisons.ts';
import { comparisonOf, labelOf, type Comparing, type KeptRun } from './comparison.ts';

const id = (prefix: string): string => `${prefix}_${'0'.repeat(26)}`;
const request = compareRequest.parse({
  model: id('mdl'),
  dataset: id('dst'),
  criteria: [{ criterion: 'dice' }, { criterion: 'l1', ranking: 'global' }],
  target: { flops: 1000 },
  seeds: 2,
  seed: 5,
});
const labels = Int32Array.from({ length: 200 }, (_, image) => image % 2);

/** Answers of which every n-th is wrong. */
const answers = (n: number): number[] => Array.from(labels, (label, image) => (image % n === n - 1 ? 1 - label : label));

const run = (seed: number, flops: number, validationWrong: number, testWrong: number): KeptRun => ({
  seed,
  cost: { macs: flops / 2, flops, params: 10, bytes: 40 },
  accuracyBefore: 0.5,
  validation: answers(validationWrong),
  test: answers(testWrong),
  epochs: 3,
  bestEpoch: 2,
  proof: seed,
  plan: null,
});

const comparing: Comparing = {
  request,
  flops: 1000,
  labels: { train: labels, validation: labels, test: labels },
  classes: 2,
  headReplaced: null,
  transfer: null,
  hashes: { model: 'a', dataset: 'b' },
  engine: { backend: 'cpu', version: '0', threads: 1, device: 'cpu' },
};

describe('comparisonOf', () => {
  // l1 is better on validation, and worse on test.
  const made = comparisonOf(
    [
      [run(5, 990, 5, 20), run(1005, 990, 5, 20)],
      [run(5, 900, 10, 3), run(1005, 900, 10, 3)],
      [run(5, 4000, 20, 20), run(1005, 4000, 20, 20)],
    ],
    comparing,
  );

  it('chooses by validation, whatever test says, and says what to prune', () => {
    expect(made.chosen).toBe('l1 global');
    expect(made.next).toMatchObject({ criterion: 'l1', ranking: 'global', target: { flops: 1000 }, seed: 5 });
    expect(made.rows.map(({ label }) => label)).toEqual(['dice', 'l1 global', 'unpruned']);
    expect(made.rows[0].testAccuracy.value).toBeCloseTo(0.95, 12);
    expect(made.rows[1].testAccuracy.value).toBeCloseTo(1 - 66 / 200, 12);
  });

  it('claims no more than the intervals hold', () => {
    expect(made.summary).toContain('l1 global is worse than dice: −28.0 points');
    expect(made.summary).toContain('unpruned and dice cannot be told apart');
    expect(made.summary).toContain('200 test images and 2 seeds');
    expect(
      comparisonOf([[run(5, 990, 5, 20)], [run(5, 990, 5, 20)], [run(5, 4000, 5, 20)]], { ...comparing, request: { ...request, seeds: 1 } })
        .summary,
    ).toContain('one seed, so the spread from seed to seed is not in the intervals');
  });

  it('says where the FLOPs are not those asked for', () => {
    expect(made.rows.map(({ notes }) => notes)).toEqual([[], ['It has 10.0 % fewer FLOPs than the others may have.'], []]);
    expect(made.rows.map(({ proof }) => proof)).toEqual([1005, 1005, null]);
  });
});

it.each([
  [{ criterion: 'dice', source: 'weights', ranking: 'local' }, 'dice'],
  [{ criterion: 'dice', source: 'activations', ranking: 'global' }, 'dice activations global'],
  [{ criterion: 'group-norm', source: 'weights', ranking: 'local', schedule: { kind: 'sparse' } }, 'group-norm sparse'],
] as const)('labelOf %j', (criterion, label) => {
  expect(labelOf(criterion)).toBe(label);
});
