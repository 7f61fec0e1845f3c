import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { compareLogits, evaluateLogits } from './evaluate.ts';

/** Logits that answer the given classes with a margin of 2. */
const answering = (answers: number[], classes: number): Float32Array =>
  Float32Array.from({ length: answers.length * classes }, (_, at) => (answers[Math.floor(at / classes)] === at % classes ? 2 : 0));

describe('evaluateLogits', () => {
  const labels = [0, 0, 0, 1, 1, 2];
  const evaluation = evaluateLogits(answering([0, 0, 1, 1, 0, 2], 4), labels, 4, { seed: 1 });

  it('counts by the definitions, an absent class counting 0', () => {
    expect(evaluation.accuracy.value).toBeCloseTo(4 / 6, 12);
    expect(evaluation.perClass.map(({ f1 }) => f1.value)).toEqual([2 / 3, 0.5, 1, 0]);
    expect(evaluation.macroF1.value).toBeCloseTo((2 / 3 + 0.5 + 1) / 4, 12);
    expect(evaluation.perClass[0].precision.value).toBeCloseTo(2 / 3, 12);
    expect(evaluation.perClass[1].recall.value).toBe(0.5);
    expect(evaluation.perClass[3]).toMatchObject({ images: 0, recall: { value: 0, low: 0, high: 1 } });
    expect(evaluation.confusion).toEqual([
      [2, 1, 0, 0],
      [1, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 0],
    ]);
  });

  it('measures log loss and calibration of the softmax', () => {
    const confidence = Math.exp(2) / (Math.exp(2) + 3);
    const wrong = 1 / (Math.exp(2) + 3);
    expect(evaluation.logLoss.value).toBeCloseTo(-(4 * Math.log(confidence) + 2 * Math.log(wrong)) / 6, 6);
    expect(evaluation.calibration.expectedError).toBeCloseTo(Math.abs(4 / 6 - confidence), 6);
    const used = evaluation.calibration.bins.filter(({ count }) => count > 0);
    expect(used).toEqual([{ count: 6, confidence: expect.closeTo(confidence, 6), accuracy: expect.closeTo(4 / 6, 12) }]);
  });

  it('is plain data, the same for a seed', () => {
    expect(JSON.parse(JSON.stringify(evaluation))).toEqual(evaluation);
    expect(evaluateLogits(answering([0, 0, 1, 1, 0, 2], 4), labels, 4, { seed: 1 })).toEqual(evaluation);
  });

  it('holds the true macro F1 in about 95 % of the intervals', () => {
    const random = createRandom(8);
    const images = 300;
    const truth = Array.from({ length: images }, (_, i) => i % 3);
    // Right with probability 0.7, else one of the other two: F1 of every class is 0.7.
    let held = 0;
    for (let trial = 0; trial < 50; trial++) {
      const answers = truth.map((label) => (random.next() < 0.7 ? label : (label + 1 + random.integer(2)) % 3));
      const { macroF1 } = evaluateLogits(answering(answers, 3), truth, 3, { seed: trial });
      if (macroF1.low <= 0.7 && macroF1.high >= 0.7) held++;
    }
    expect(held).toBeGreaterThanOrEqual(43);
    expect(held).toBeLessThan(50);
  });

  it('refuses logits that are not finite', () => {
    expect(() => evaluateLogits(Float32Array.of(1, Number.NaN), [0], 2, { seed: 1 })).toThrow(
      expect.objectContaining({ code: 'non-finite-weights' }),
    );
  });

  it('survives logits far beyond what exp can hold', () => {
    const { logLoss, accuracy } = evaluateLogits(Float32Array.of(3000, -3000, 3000, -3000), [0, 1], 2, { seed: 1 });
    expect(accuracy.value).toBe(0.5);
    expect(Number.isFinite(logLoss.value)).toBe(true);
  });
});

describe('compareLogits', () => {
  it('pairs images: a small steady gain is certain where two intervals would overlap', () => {
    const labels = Array.from({ length: 400 }, (_, i) => i % 2);
    const before = labels.map((label, i) => (i < 60 ? 1 - label : label));
    const after = labels.map((label, i) => (i < 40 ? 1 - label : label));
    const comparison = compareLogits(answering(before, 2), answering(after, 2), labels, 2, { seed: 3 });
    expect(comparison.accuracy.value).toBeCloseTo(0.05, 12);
    expect(comparison.accuracy.low).toBeGreaterThan(0);
    expect(comparison.accuracy.high).toBeLessThan(0.08);
    expect(comparison.macroF1.value).toBeCloseTo(0.05, 3);
    expect(comparison.mcNemar).toEqual({ onlyFirst: 0, onlySecond: 20, pValue: expect.closeTo(2 * 0.5 ** 20, 12) });
    expect(compareLogits(answering(before, 2), answering(before, 2), labels, 2, { seed: 3 })).toMatchObject({
      accuracy: { value: 0, low: 0, high: 0 },
      mcNemar: { pValue: 1 },
    });
  });
});
