import { expect, test } from 'vitest';
import { epochsOf, halvingOf, runHalving, type Halving, type Trials } from './halving.ts';

/** Epochs that a halving runs over all candidates, one by one. */
function costOf({ epochs, seeds, rounds }: Halving): number {
  let [cost, reached, last] = [0, 0, 0];
  for (const { untilEpoch, candidates, keep } of rounds) {
    cost += candidates * (untilEpoch - reached);
    [reached, last] = [untilEpoch, keep];
  }
  for (let seed = 1; seed < seeds; seed++) cost += last * epochs;
  return cost;
}

test('eight candidates halve twice, with rounds that double, and two are trained with three seeds', () => {
  expect(halvingOf(8, 160)).toEqual({
    epochs: 20,
    seeds: 3,
    rounds: [
      { untilEpoch: 5, candidates: 8, keep: 4 },
      { untilEpoch: 10, candidates: 4, keep: 2 },
      { untilEpoch: 20, candidates: 2, keep: 2 },
    ],
  });
});

test.each([
  [2, 31, 1, 15],
  [2, 32, 2, 8],
  [2, 47, 2, 11],
  [2, 48, 3, 8],
  [1, 15, 1, 15],
  [1, 16, 2, 8],
  [4, 30, 1, 10],
])('%i candidates within %i epochs: %i seeds of %i epochs', (candidates, budget, seeds, epochs) => {
  expect(halvingOf(candidates, budget)).toMatchObject({ seeds, epochs });
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
      expect(epochsOf(halving)).toBe(cost);
      expect(budget - cost).toBeLessThan(halving.seeds * (halving.rounds.at(-1)?.candidates ?? 0));
      expect(halving.rounds[0].candidates).toBe(candidates);
    }
  }
});

/** Candidates that learn at their own speed, and how many epochs they were trained. */
function learners(budget: number) {
  const trained = new Map<string, number>();
  const trials: Trials<string> = {
    train: async (name, epoch, seed) => {
      const key = seed === undefined ? name : `${name} again, ${seed}`;
      expect(epoch).toBe((trained.get(key) ?? 0) + 1);
      trained.set(key, epoch);
    },
    accuracyAt: (name, epoch) => 1 - 1 / (1 + Number(name) * epoch),
    isOver: () => [...trained.values()].reduce((a, b) => a + b, 0) >= budget,
  };
  return { trained, trials };
}

test('the better half goes on after every round', async () => {
  const { trained, trials } = learners(Number.POSITIVE_INFINITY);
  const { rounds } = await runHalving(['1', '4', '2', '3'], halvingOf(4, 16), trials);
  expect(rounds).toEqual([
    { untilEpoch: 2, candidates: ['4', '3', '2', '1'], dropped: ['2', '1'] },
    { untilEpoch: 6, candidates: ['4', '3'], dropped: [] },
  ]);
  expect(Object.fromEntries(trained)).toEqual({ 1: 2, 2: 2, 3: 6, 4: 6 });
});

test('a budget that ends sooner leaves candidates that had equally many epochs, to within one', async () => {
  for (let budget = 0; budget < 16; budget++) {
    const { trained, trials } = learners(budget);
    const { rounds } = await runHalving(['1', '4', '2', '3'], halvingOf(4, 16), trials);
    expect([...trained.values()].reduce((a, b) => a + b, 0)).toBe(budget);
    const last = rounds.at(-1);
    for (const name of last?.candidates ?? []) expect([0, 1]).toContain((trained.get(name) ?? 0) - (last?.untilEpoch ?? 0));
    expect(last?.untilEpoch ?? 0).toBe(budget < 8 ? Math.floor(budget / 4) : 2 + Math.floor((budget - 8) / 2));
  }
});

test('finalists are trained again in turns; a seed that the budget cuts short counts for none', async () => {
  const halving = halvingOf(2, 48);
  for (const [budget, seeds] of [
    [15, 1],
    [16, 1],
    [31, 1],
    [32, 2],
    [47, 2],
    [48, 3],
  ]) {
    const { trained, trials } = learners(budget);
    expect((await runHalving(['1', '2'], halving, trials)).seeds).toBe(seeds);
    expect([...trained.values()].reduce((a, b) => a + b, 0)).toBe(budget);
  }
});
