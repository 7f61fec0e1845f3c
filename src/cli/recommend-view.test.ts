import { expect, test } from 'vitest';
import { recommendation, type RankedCandidate, type Recommendation } from '../schema/recommendations.ts';
import { bestSoFar, nextCommand, recommendationView } from './recommend-view.ts';

const id = (prefix: string, digit: number): string => `${prefix}_${String(digit).padStart(26, '0')}`;
const at = (value: number) => ({ value, low: value - 0.05, high: value + 0.05 });
const cost = { macs: 4e7, flops: 8e7, params: 3e5, bytes: 12e5 };

const candidate = (digit: number, about: Partial<RankedCandidate>): RankedCandidate => ({
  model: id('mdl', digit),
  name: `net-${digit}`,
  rank: digit,
  tiedWith: [],
  predictedAccuracy: at(0.9 - digit / 10),
  probabilityBest: 1 - digit / 4,
  behindChosen: at(0),
  rankedBy: null,
  scores: { 'dice-weights': at(0.2), knn: at(0.8), logme: { value: null, reason: 'There is none.' } },
  cost,
  latencyMs: null,
  pruned: null,
  verified: null,
  excluded: null,
  reasons: [`Because of ${digit}.`],
  ...about,
});

const history = [0.5, 0.7, 0.8].map((validationAccuracy, i) => ({
  epoch: i + 1,
  learningRate: 0.1,
  loss: 1,
  validationLoss: 1,
  validationAccuracy,
}));

const recommended = (about: Partial<Recommendation> = {}): Recommendation =>
  recommendation.parse({
    id: id('rec', 1),
    dataset: id('dst', 1),
    createdAt: '2026-01-01T00:00:00.000Z',
    ranking: [
      candidate(1, {
        verified: {
          accuracy: at(0.8),
          spread: 0.02,
          epochs: 3,
          droppedAfter: null,
          runs: [
            { seed: 5, accuracy: 0.8, history },
            { seed: 1005, accuracy: 0.77, history },
          ],
        },
      }),
      candidate(2, {
        rank: 1,
        pruned: {
          target: { flops: 2e7 },
          cost: { ...cost, flops: 2e7 },
          latencyMs: null,
          channelsRemoved: 7,
          channels: 20,
          scores: {},
          accuracyBefore: at(0.75),
        },
        verified: {
          accuracy: at(0.5),
          epochs: 1,
          droppedAfter: 1,
          spread: null,
          runs: [{ seed: 5, accuracy: 0.5, history: history.slice(0, 1) }],
        },
      }),
      candidate(3, { predictedAccuracy: null, excluded: 'It is broken. Mend it.' }),
    ],
    chosen: id('mdl', 1),
    summary: 'Start from net-1.',
    images: 100,
    predictedBy: 'its features',
    rankBy: 'default',
    leftOut: [{ name: 'net-9', reason: 'licence unknown' }],
    warnings: ['Few images.'],
    verification: { epochs: 4, seconds: 65, seeds: [5, 1005], rounds: [] },
    pruningCurve: null,
    next: {
      model: id('mdl', 1),
      dataset: id('dst', 1),
      target: { ratio: 0.4 },
      fineTune: { epochs: 76, patience: 26, distill: true },
      seed: 0,
    },
    estimate: null,
    engine: { backend: 'cpu', version: '0', threads: 1, device: 'cpu' },
    seed: 0,
    ...about,
  });

test('one screen: ranks with ties, what pruning and fine-tuning changed, what is out and why', () => {
  const text = recommendationView(recommended());
  const rows = text.split('\n').map((line) => line.trim());
  expect(rows.find((row) => row.startsWith('1 '))).toMatch(/^1 +net-1 +80\.0 \[75\.0, 85\.0\] +0\.75 +0\.200 +– +80\.0M +– +80\.0$/);
  expect(rows.find((row) => row.startsWith('= '))).toContain('80.0M → 20.0M');
  expect(rows.find((row) => row.startsWith('– '))).toMatch(/net-3 +– .*It is broken\.$/);
  expect(rows.find((row) => /^net-2 +7 of 20/.test(row))).toContain('75.0 [70.0, 80.0]');
  expect(rows.find((row) => /^net-1 +80\.0 .*3 epochs · seed 5: 80\.0$/.test(row))).toContain('█');
  expect(rows.some((row) => /^[▁-█]+ +3 epochs · seed 1005: 77\.0$/.test(row))).toBe(true);
  expect(rows.some((row) => /^net-2 +50\.0 .*dropped after 1$/.test(row))).toBe(true);
  for (const words of [
    '4 epochs in 1:05, those that went to the end with 2 seeds',
    'Start from net-1.',
    'Because of 1.',
    'net-9 was left out: licence unknown',
    'Few images.',
  ]) {
    expect(text).toContain(words);
  }
  expect(text).not.toContain('Because of 2.');
});

test('the next command does what the next request asks for', () => {
  expect(nextCommand(recommended(), 'digits')).toBe('espalier prune net-1 digits --ratio 0.4 --epochs 76 --patience 26 --distill');
});

test('only a ranking on the way is shown as one', () => {
  expect(bestSoFar({ message: 'about 3 s', estimate: { seconds: 3 } })).toBeUndefined();
  const ranking = [{ name: 'net-1', rank: 1, predictedAccuracy: at(0.8), probabilityBest: 0.9, excluded: null }];
  expect(bestSoFar({ message: '…', ranking })).toContain('net-1');
});
