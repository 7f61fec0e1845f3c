import { describe, expect, it } from 'vitest';
import { calibrationOf } from '../scripts/evidence/selection/calibration.ts';
import { judge, judgeRandom, verdictOf } from '../scripts/evidence/selection/judge.ts';
import type { Judged } from '../scripts/evidence/selection/rows.ts';
import { type Candidate, type CandidateScores, scoreIds } from '../src/core/transfer/index.ts';

const accuracies = [0.9, 0.7, 0.8, 0.5];

describe('judging a score', () => {
  it('gives a score that orders the backbones rightly τ 1 and no regret', () => {
    expect(judge([4, 2, 3, 1], accuracies)).toEqual({ tau: 1, regret1: 0, regret3: 0 });
    expect(judge([1, 3, 2, 4], accuracies).tau).toBe(-1);
  });

  it('counts what its first choice and the best of three fall short', () => {
    const { regret1, regret3 } = judge([0, 3, 2, 4], accuracies);
    expect(regret1).toBeCloseTo(0.4);
    expect(regret3).toBeCloseTo(0.1);
  });

  it('ranks a backbone without a score last, and leaves out a target where none has one', () => {
    expect(judge([null, 2, 3, 1], accuracies).regret1).toBeCloseTo(0.1);
    const none = judge([null, null, null, null], accuracies);
    expect(verdictOf([none, judge([4, 2, 3, 1], accuracies)])).toMatchObject({ targets: 1, tau: { value: 1, low: 1, high: 1 } });
  });

  it('knows what a choice without looking costs', () => {
    const { tau, regret1, regret3 } = judgeRandom(accuracies);
    expect(tau).toBe(0);
    expect(regret1).toBeCloseTo(0.9 - 0.725);
    // Of the four triples three hold the best, and one has 0.8 at most.
    expect(regret3).toBeCloseTo(0.025);
  });
});

describe('whether the intervals hold', () => {
  const labels = Int32Array.from({ length: 200 }, (_, i) => i % 2);
  const share = (value: number) => ({ value, low: value, high: value });
  const candidate = (id: string, value: number): Candidate => {
    const none = Object.fromEntries(scoreIds.map((score) => [score, { value: null, reason: 'Not taken.' }]));
    const scores = { ...none, knn: share(value), 'linear-probe': share(value) } as CandidateScores;
    return { id, name: id, scored: { scores, influences: {}, warnings: [] }, redundantShare: null, flops: 1, params: 1 };
  };
  const judged = (accuracies: number[][]): Judged[] => [
    { id: 't', dataset: 'd', labels, classes: 2, candidates: [candidate('a', 0.9), candidate('b', 0.5)], accuracies },
  ];
  const untaught = (accuracies: number[][]) => calibrationOf(judged(accuracies), () => false);

  it('counts the seeds that lie within, and the leads that are leads', () => {
    const asForetold = untaught([
      [0.9, 0.91],
      [0.5, 0.52],
    ]);
    expect(asForetold).toMatchObject({ accuracy: { value: 1 }, difference: { value: 1 }, chosenIsBest: { value: 1 } });
    expect(asForetold.leads).toEqual({ called: 1, true: 1 });
    const otherwise = untaught([
      [0.05, 0.9],
      [0.99, 0.99],
    ]);
    expect(otherwise).toMatchObject({ accuracy: { value: 0.25 }, difference: { value: 0 }, chosenIsBest: { value: 0 } });
    expect(otherwise.leads).toEqual({ called: 1, true: 0 });
  });
});
