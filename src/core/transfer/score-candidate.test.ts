import { describe, expect, it } from 'vitest';
import { referenceAlgebra } from '../linear/testing/reference.fixture.ts';
import type { TransferEvidence } from './evidence.ts';
import { scoreCandidate } from './score-candidate.ts';
import { type Score, scoreIds } from './scores.ts';
import { type Clusters, clusters } from './testing/clusters.fixture.ts';

const score = ({ features, labels, classes }: Clusters, more: Partial<TransferEvidence> = {}) =>
  scoreCandidate({ features, labels, classes, flops: 2e6, params: 1e5, ...more }, { seed: 1, linear: referenceAlgebra });

describe('scoreCandidate', () => {
  it('gives every score an interval around it, or says why there is none', () => {
    const { scores } = score(clusters(60, 6, 1), {
      weights: { diversity: 0.3, diversityExcess: 0.01 },
      activations: { diversity: 0.6, diversityExcess: 0.1, standardError: 0.01 },
      alignment: { value: 0.8, from: 'batch normalisation', layers: [], skipped: 0 },
    });
    for (const id of scoreIds) {
      const one = scores[id];
      if (one.value === null) expect(one.reason, id).toMatch(/^[A-Z].*\.$/);
      else expect(one.low <= one.value && one.value <= one.high, id).toBe(true);
    }
    const missing = scoreIds.filter((id) => scores[id].value === null);
    expect(missing).toEqual(['leep', 'nce', 'source-accuracy']);
    expect(scores['dice-activations']).toEqual({ value: 0.6, low: expect.closeTo(0.5804, 6), high: expect.closeTo(0.6196, 6) });
    expect(scores['dice-weights']).toEqual({ value: 0.3, low: 0.3, high: 0.3 });
    expect(scores.alignment).toMatchObject({ value: 0.8, note: expect.stringContaining('batch normalisation') });
    expect(scores.parameters.value).toBe(1e5);
  });

  it('stays finite on few images, many classes, imbalance, and a class with one image', () => {
    const lone = clusters(31, 8, 1);
    lone.labels[30] = 3;
    const imbalanced = clusters(120, 10, 1);
    for (let image = 0; image < 100; image++) imbalanced.labels[image] = 0;
    for (const sample of [
      clusters(10, 64, 1, { classes: 2 }),
      clusters(25, 200, 1, { classes: 5 }),
      clusters(600, 16, 1, { classes: 300 }),
      { ...lone, classes: 4 },
      imbalanced,
      { ...clusters(40, 6, 1), classes: 90 },
    ]) {
      const { scores } = score(sample);
      for (const id of [
        'logme',
        'nleep',
        'h-score-regularised',
        'transrate',
        'gbc-spherical',
        'parc',
        'knn',
        'linear-probe',
        'sfda',
      ] as const) {
        const one = scores[id];
        expect(one.value === null ? one.reason : one.value, id).toEqual(expect.any(Number));
        if (one.value !== null) expect(Number.isFinite(one.low) && Number.isFinite(one.high), id).toBe(true);
      }
    }
    expect(score({ ...lone, classes: 4 }).warnings[0]).toMatch(/^A class has one image only/);
  });

  it('tells what saturates', () => {
    const few = score(clusters(12, 40, 1), {
      source: { classes: 12, logits: Float32Array.from({ length: 144 }, (_, at) => (Math.floor(at / 12) === at % 12 ? 9 : 0)) },
    });
    expect(few.scores['h-score']).toMatchObject({
      value: expect.closeTo(2, 9),
      note: expect.stringMatching(/^Saturated: .* it is 2 for any backbone/),
    });
    expect(few.scores.sfda).toMatchObject({ note: expect.stringContaining('Saturated') });
    expect(few.scores.nce).toMatchObject({ value: 0, note: expect.stringContaining('Saturated') });
    expect(few.scores.logme).toMatchObject({ note: expect.stringContaining('Padded') });
    expect(few.scores.nleep).toMatchObject({ note: expect.stringContaining('3 components instead of the published 15') });
    expect(few.warnings.join(' ')).toContain('fewer images (12) than features (40)');
    const easy = score(clusters(90, 6, 30));
    expect(easy.scores['gbc-diagonal']).toMatchObject({ note: expect.stringContaining('do not overlap') });
    expect(easy.warnings.join(' ')).toContain('too easy');
    const plain = score(clusters(90, 6, 1));
    expect(plain.warnings).toEqual([]);
    expect(plain.scores['h-score']).not.toHaveProperty('note');
  });

  it('has no scores where the features are constant, and some where a few dimensions are', () => {
    const { features, labels, classes } = clusters(30, 4, 1);
    const constant = score({ features: { dimensions: 4, values: features.values.map(() => 2) }, labels, classes });
    expect(constant.scores['linear-probe']).toEqual({ value: null, reason: 'The features are the same for every image.' });
    expect(constant.influences).toEqual({});
    const half = score({
      features: { dimensions: 4, values: features.values.map((value, at) => (at % 4 < 2 ? value : 1)) },
      labels,
      classes,
    });
    for (const id of ['logme', 'parc', 'transrate', 'sfda', 'nleep'] as const)
      expect(half.scores[id].value, id).toEqual(expect.any(Number));
  });

  it('refuses values that are not finite and images of one class, by name', () => {
    const { features, labels, classes } = clusters(30, 4, 1);
    const broken = { dimensions: 4, values: features.values.with(4 * 7 + 2, Number.NaN) };
    expect(() => score({ features: broken, labels, classes })).toThrow(
      expect.objectContaining({ code: 'non-finite-weights', message: 'Its features hold NaN for image 7, dimension 2.' }),
    );
    expect(() => score({ features, labels: labels.map(() => 1), classes })).toThrow(expect.objectContaining({ code: 'unusable-dataset' }));
  });

  it('repeats for a seed', () => {
    const sample = clusters(80, 6, 1);
    expect(score(sample)).toEqual(score(sample));
  });

  it('has intervals about as wide as scores spread over fresh samples', () => {
    for (const id of ['parc', 'gbc-spherical', 'h-score-regularised'] as const) {
      const values: number[] = [];
      const halves: number[] = [];
      for (let seed = 0; seed < 30; seed++) {
        const one = score(clusters(120, 5, 1, { seed: seed + 50 })).scores[id];
        if (one.value === null) continue;
        values.push(one.value);
        halves.push((one.high - one.low) / 2);
      }
      const mean = (list: number[]): number => list.reduce((a, b) => a + b) / list.length;
      const spread = Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));
      expect(mean(halves) / (1.96 * spread), id).toBeGreaterThan(0.6);
      expect(mean(halves) / (1.96 * spread), id).toBeLessThan(1.7);
    }
  });
});

describe('PARC of many images', () => {
  it('takes five hundred of them, evenly over the classes', () => {
    const sample = clusters(900, 4, 1);
    const { influences, scores } = score(sample);
    const taken = [0, 0, 0];
    influences.parc?.forEach((moved, image) => (taken[sample.labels[image]] += moved === 0 ? 0 : 1));
    for (const count of taken) expect(Math.abs(count - 167)).toBeLessThan(3);
    // Another sample lies within the two intervals, give or take.
    const other = score(clusters(498, 4, 1, { seed: 9 })).scores.parc;
    const half = (one: Score): number => (one.value === null ? Number.NaN : (one.high - one.low) / 2);
    expect(Math.abs((scores.parc.value ?? 0) - (other.value ?? 0))).toBeLessThan(1.5 * Math.hypot(half(scores.parc), half(other)));
  });
});
