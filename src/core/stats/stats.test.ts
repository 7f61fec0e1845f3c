import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { mcNemar, wilson } from './binomial.ts';
import { stratifiedResampler } from './bootstrap.ts';
import { regretAtK, weightedKendallTau } from './ranking.ts';

describe('wilson', () => {
  it('agrees with scipy', () => {
    // scipy.stats.binomtest(k, n).proportion_ci(method='wilson')
    expect(wilson(85, 100).low).toBeCloseTo(0.7671644040916763, 12);
    expect(wilson(85, 100).high).toBeCloseTo(0.9069401471634337, 12);
    expect(wilson(0, 10)).toEqual({ value: 0, low: 0, high: expect.closeTo(0.27753279986288926, 12) });
    expect(wilson(10, 10).high).toBeCloseTo(1, 12);
    expect(wilson(0, 0)).toEqual({ value: 0, low: 0, high: 1 });
  });
});

describe('mcNemar', () => {
  it('agrees with the exact binomial test of scipy', () => {
    // scipy.stats.binomtest(b, b + c, 0.5).pvalue
    expect(mcNemar(3, 9).pValue).toBeCloseTo(0.14599609375, 12);
    expect(mcNemar(25, 15).pValue).toBeCloseTo(0.1538599441628321, 12);
    expect(mcNemar(45, 20).pValue).toBeCloseTo(0.0026263768106840374, 12);
  });

  it('is 1 without a difference and stays a number for thousands of images', () => {
    expect(mcNemar(0, 0).pValue).toBe(1);
    expect(mcNemar(7, 7).pValue).toBe(1);
    expect(mcNemar(1500, 1500).pValue).toBe(1);
    expect(mcNemar(1400, 1600).pValue).toBeGreaterThan(0.0001);
    expect(mcNemar(1400, 1600).pValue).toBeLessThan(0.001);
  });
});

describe('weightedKendallTau', () => {
  it('agrees with scipy’s weightedtau', () => {
    expect(weightedKendallTau([1, 2, 3, 4], [1, 2, 4, 3])).toBeCloseTo(0.52, 12);
    expect(weightedKendallTau([1, 2, 3, 4], [2, 1, 3, 4])).toBeCloseTo(0.8133333333333331, 12);
    expect(weightedKendallTau([0.3, 0.3, 0.1, 0.9, 0.5, 0.7], [0.2, 0.4, 0.4, 0.8, 0.1, 0.9])).toBeCloseTo(0.38645592081694147, 12);
    expect(weightedKendallTau([12, 2, 1, 12, 2], [1, 4, 7, 1, 0])).toBeCloseTo(-0.5669496815368272, 12);
    expect(weightedKendallTau([1, 2, 3], [5, 5, 5])).toBeNaN();
  });
});

describe('regretAtK', () => {
  it('is what the best of the top k misses', () => {
    const accuracies = [0.9, 0.8, 0.95, 0.7];
    expect(regretAtK([3, 4, 1, 2], accuracies, 1)).toBeCloseTo(0.15, 12);
    expect(regretAtK([3, 4, 1, 2], accuracies, 3)).toBeCloseTo(0.05, 12);
    expect(regretAtK([3, 4, 9, 2], accuracies, 1)).toBe(0);
    expect(regretAtK([1, 1, 1, 1], accuracies, 1)).toBeCloseTo(0.05, 12);
  });
});

describe('stratifiedResampler', () => {
  it('keeps class counts, draws with replacement, and repeats for a seed', () => {
    const labels = Int32Array.from({ length: 60 }, (_, i) => (i < 10 ? 0 : i < 30 ? 1 : 2));
    const resample = stratifiedResampler(labels, createRandom(1));
    const drawn = resample();
    const counts = [0, 0, 0];
    for (const i of drawn) counts[labels[i]]++;
    expect(counts).toEqual([10, 20, 30]);
    expect(new Set(drawn).size).toBeLessThan(60);
    expect([...stratifiedResampler(labels, createRandom(1))()]).toEqual([...drawn]);
    const first = [...drawn];
    expect([...resample()]).not.toEqual(first);
  });
});
