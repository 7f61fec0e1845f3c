import { describe, expect, it } from 'vitest';
import { judge, judgeRandom, verdictOf } from '../scripts/evidence/selection/judge.ts';

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
