import { expect, test } from 'vitest';
import { halvingOf, type Halving } from './halving.ts';

/** Epochs that a halving runs over all candidates. */
const costOf = ({ rounds }: Halving): number =>
  rounds.reduce((sum, { untilEpoch, candidates }, at) => sum + candidates * (untilEpoch - (rounds[at - 1]?.untilEpoch ?? 0)), 0);

test('eight candidates halve twice, with rounds that double', () => {
  expect(halvingOf(8, 160).rounds).toEqual([
    { untilEpoch: 10, candidates: 8, keep: 4 },
    { untilEpoch: 20, candidates: 4, keep: 2 },
    { untilEpoch: 40, candidates: 2, keep: 2 },
  ]);
});

test.each([
  [1, 7, [[7, 1]]],
  [2, 9, [[4, 2]]],
  [
    3,
    10,
    [
      [2, 3],
      [4, 2],
    ],
  ],
  [4, 5, [[1, 4]]],
] as const)('%i candidates within %i epochs', (candidates, budget, rounds) => {
  expect(halvingOf(candidates, budget).rounds.map(({ untilEpoch, candidates: size }) => [untilEpoch, size])).toEqual(rounds);
});

test('never over the budget, and never more than a round short of it', () => {
  for (let candidates = 1; candidates <= 12; candidates++) {
    for (let budget = candidates; budget < 200; budget += 7) {
      const halving = halvingOf(candidates, budget);
      const cost = costOf(halving);
      expect(cost).toBeLessThanOrEqual(budget);
      expect(budget - cost).toBeLessThan(halving.rounds.at(-1)?.candidates ?? 0);
      expect(halving.rounds[0].candidates).toBe(candidates);
    }
  }
});
