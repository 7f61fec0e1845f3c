import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { compareSeeds } from './seeds.ts';
import { studentT95 } from './student.ts';

describe('studentT95', () => {
  it.each([
    [1, 12.7062],
    [2, 4.30265],
    [3, 3.18245],
    [10, 2.22814],
    [30, 2.04227],
  ])('has the tabulated quantile at %d degrees of freedom', (freedom, t) => {
    expect(studentT95(freedom)).toBeCloseTo(t, 3);
  });

  it('ends at the normal distribution', () => {
    expect(studentT95(Number.POSITIVE_INFINITY)).toBeCloseTo(1.96, 2);
  });
});

/** Answers that are right with a probability. */
function answers(labels: Int32Array, share: number, seed: number): Int32Array {
  const random = createRandom(seed);
  return labels.map((label) => (random.next() < share ? label : 1 - label));
}

const labels = Int32Array.from({ length: 400 }, (_, i) => i % 2);

describe('compareSeeds', () => {
  const run = (share: number, seed: number): Int32Array => answers(labels, share, seed);

  it('adds what seeds and images vary by', () => {
    const [varying] = compareSeeds([[run(0.7, 10), run(0.8, 11), run(0.9, 12)]], labels, 2, { seed: 0 });
    // The seeds alone: 0.1 / √3, two degrees of freedom.
    expect((varying.accuracy.high - varying.accuracy.low) / 2).toBeGreaterThan((0.8 * 4.3 * 0.1) / Math.sqrt(3));
  });

  it('pairs the seeds: what they share is not in the difference', () => {
    // The second way is right where the first is, and on a few images more.
    const first = [0.7, 0.8, 0.9].map((share, at) => run(share, 20 + at));
    const second = first.map((predicted) => predicted.map((answer, image) => (image % 40 === 0 ? labels[image] : answer)));
    const [a, b] = compareSeeds([first, second], labels, 2, { seed: 0 });
    expect(a.accuracyDifference).toEqual({ value: 0, low: 0, high: 0 });
    expect(b.accuracyDifference.value).toBeCloseTo(b.accuracy.value - a.accuracy.value, 12);
    expect(b.accuracyDifference.low).toBeGreaterThan(-0.005);
    expect(b.accuracyDifference.high - b.accuracyDifference.low).toBeLessThan(0.1 * (b.accuracy.high - b.accuracy.low));
  });

  it('has an interval of the difference that is wider than what the seeds alone leave', () => {
    const ways = [0.6, 0.8].map((share) => [1, 2, 3].map((seed) => run(share, seed)));
    const [, { accuracyDifference: difference, runs }] = compareSeeds(ways, labels, 2, { seed: 0 });
    const [first] = compareSeeds([ways[0]], labels, 2, { seed: 0 });
    const differences = runs.map(({ accuracy }, at) => accuracy - first.runs[at].accuracy);
    const centre = differences.reduce((a, b) => a + b) / 3;
    const ofSeeds = differences.reduce((sum, value) => sum + (value - centre) ** 2, 0) / 2 / 3;
    const half = (difference.high - difference.low) / 2;
    expect(half).toBeGreaterThan(1.95 * Math.sqrt(ofSeeds));
    expect(difference.value).toBeCloseTo(centre, 12);
  });

  it('has an interval that holds the truth about 19 times in 20', () => {
    const experiments = 100;
    let held = 0;
    for (let experiment = 0; experiment < experiments; experiment++) {
      const random = createRandom(1000 + experiment);
      // Each seed trains a model of an accuracy of its own.
      const runs = [0, 1, 2].map((at) => run(0.8 + 0.03 * random.normal(), 10 * experiment + at));
      const [{ accuracy }] = compareSeeds([runs], labels, 2, { seed: experiment });
      if (accuracy.low <= 0.8 && accuracy.high >= 0.8) held++;
    }
    expect(held / experiments).toBeGreaterThan(0.9);
  });

  it('knows the images alone with one seed', () => {
    const [{ accuracy }] = compareSeeds([[run(0.8, 1)]], labels, 2, { seed: 0 });
    const normal = 1.96 * Math.sqrt((accuracy.value * (1 - accuracy.value)) / labels.length);
    expect((accuracy.high - accuracy.low) / 2 / normal).toBeCloseTo(1, 1);
  });
});
