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
  it('adds what seeds and images vary by', () => {
    const ways = [
      [0.9, 0.9, 0.9].map((share, run) => answers(labels, share, run)),
      [0.7, 0.8, 0.9].map((share, run) => answers(labels, share, 10 + run)),
    ];
    const [steady, varying] = compareSeeds(ways, labels, 2, { seed: 0 });
    const width = ({ low, high }: { low: number; high: number }): number => high - low;
    expect(width(varying.accuracy)).toBeGreaterThan(3 * width(steady.accuracy));
    // The seeds alone: 0.1 / √3, two degrees of freedom.
    expect(width(varying.accuracy) / 2).toBeGreaterThan((0.8 * 4.3 * 0.1) / Math.sqrt(3));
    expect(steady.accuracyDifference).toEqual({ value: 0, low: 0, high: 0 });
    expect(varying.accuracyDifference.value).toBeCloseTo(varying.accuracy.value - steady.accuracy.value, 12);
  });

  it('has an interval that holds the truth about 19 times in 20', () => {
    const experiments = 120;
    let held = 0;
    for (let experiment = 0; experiment < experiments; experiment++) {
      const random = createRandom(1000 + experiment);
      // Each seed trains a model of an accuracy of its own.
      const runs = [0, 1, 2].map((run) => answers(labels, 0.8 + 0.03 * random.normal(), 10 * experiment + run));
      const [{ accuracy }] = compareSeeds([runs], labels, 2, { seed: experiment });
      if (accuracy.low <= 0.8 && accuracy.high >= 0.8) held++;
    }
    expect(held / experiments).toBeGreaterThan(0.9);
  });

  it('knows the images alone with one seed', () => {
    const [{ accuracy }] = compareSeeds([[answers(labels, 0.8, 1)]], labels, 2, { seed: 0 });
    const normal = 1.96 * Math.sqrt((accuracy.value * (1 - accuracy.value)) / labels.length);
    expect((accuracy.high - accuracy.low) / 2 / normal).toBeCloseTo(1, 1);
  });
});
