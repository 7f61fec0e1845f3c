import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { classGram, type Features, spectrumOf, takeImages, withoutImages } from './features.ts';
import { goldenCase } from './golden.fixture.ts';
import { knnScore } from './knn.ts';
import { logMe, logMeEstimate } from './logme.ts';

/** Three classes around far or near centres. */
function clusters(count: number, dimensions: number, distance: number, seed: number): { features: Features; labels: Int32Array } {
  const random = createRandom(seed);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
  const values = Float32Array.from(
    { length: count * dimensions },
    (_, at) => random.normal() + ((at % dimensions) % 3 === labels[Math.floor(at / dimensions)] ? distance : 0),
  );
  return { features: { dimensions, values }, labels };
}

describe('logMe', () => {
  it('gives the golden values, padded where there are fewer images than dimensions', () => {
    for (const [count, dimensions, expected] of [
      [24, 4, -0.200574],
      [9, 12, -0.791959],
    ]) {
      const { features, labels } = goldenCase(count, dimensions);
      expect(logMe(features, labels, 3)).toBeCloseTo(expected, 6);
    }
  });

  it('is higher where the features separate the classes, and unmoved by rotating or dead dimensions', () => {
    const near = clusters(90, 6, 0.3, 1);
    const far = clusters(90, 6, 3, 1);
    const value = logMe(far.features, far.labels, 3);
    expect(value).toBeGreaterThan(logMe(near.features, near.labels, 3));
    const rotated = far.features.values.slice();
    for (let row = 0; row < rotated.length; row += 6) {
      const [a, b] = [rotated[row], rotated[row + 1]];
      rotated[row] = (a - b) * Math.SQRT1_2;
      rotated[row + 1] = (a + b) * Math.SQRT1_2;
    }
    expect(logMe({ dimensions: 6, values: rotated }, far.labels, 3)).toBeCloseTo(value, 4);
    const padded = Float32Array.from({ length: 90 * 7 }, (_, at) =>
      at % 7 < 6 ? far.features.values[Math.floor(at / 7) * 6 + (at % 7)] : 0,
    );
    expect(logMe({ dimensions: 7, values: padded }, far.labels, 3)).toBeCloseTo(value, 6);
  });
});

describe('withoutImages', () => {
  it('is what the remaining images give, from either side', () => {
    for (const dimensions of [5, 60]) {
      const { features, labels } = clusters(30, dimensions, 1, 7);
      const left = [3, 4, 11, 29];
      const kept = Array.from(labels, (_, image) => image).filter((image) => !left.includes(image));
      const keptLabels = kept.map((image) => labels[image]);
      const expected = spectrumOf(classGram(takeImages(features, kept), keptLabels, 3));
      const actual = spectrumOf(withoutImages(classGram(features, labels, 3), features, labels, left));
      expect(actual.sigma).toHaveLength(Math.min(26, dimensions));
      actual.sigma.forEach((sigma, k) => expect(sigma).toBeCloseTo(expected.sigma[k], 9));
      // An eigenvector's sign is free.
      actual.projections.forEach((x, at) => expect(Math.abs(x)).toBeCloseTo(Math.abs(expected.projections[at]), 9));
    }
  });
});

describe('logMeEstimate', () => {
  it('has an interval about as wide as LogME spreads over fresh samples', () => {
    const fresh = Array.from({ length: 40 }, (_, seed) => clusters(120, 5, 1, seed + 10));
    const values = fresh.map(({ features, labels }) => logMe(features, labels, 3));
    const centre = values.reduce((a, b) => a + b) / 40;
    const spread = Math.sqrt(values.reduce((sum, x) => sum + (x - centre) ** 2, 0) / 39);
    const widths = fresh.slice(0, 20).map(({ features, labels }) => {
      const { value, low, high } = logMeEstimate(features, labels, 3, { seed: 4 });
      expect(low).toBeLessThan(value);
      return (high - low) / 2;
    });
    const ratio = widths.reduce((a, b) => a + b) / 20 / (2.262 * spread);
    expect(ratio).toBeGreaterThan(0.6);
    expect(ratio).toBeLessThan(1.6);
  });
});

describe('knnScore', () => {
  it('predicts each image from the others', () => {
    // Two directions and one stray: the stray's neighbours are all of the other class.
    const values = Float32Array.of(1, 0, 2, 0.1, 3, -0.1, 0, 1, 0.1, 2, -0.1, 3, 5, 0.01);
    const { correct, accuracy } = knnScore({ dimensions: 2, values }, [0, 0, 0, 1, 1, 1, 1], 2);
    // Five neighbours of six: each of class 0 sees two of its own and three of class 1.
    expect([...correct]).toEqual([0, 0, 0, 1, 1, 1, 0]);
    expect(accuracy.value).toBeCloseTo(3 / 7, 12);
  });

  it('is at chance on noise and near one on far clusters', () => {
    const noise = clusters(300, 8, 0, 2);
    const chance = knnScore(noise.features, noise.labels, 3).accuracy;
    expect(chance.low).toBeLessThan(1 / 3);
    expect(chance.high).toBeGreaterThan(0.28);
    const far = clusters(300, 8, 4, 2);
    expect(knnScore(far.features, far.labels, 3).accuracy.value).toBeGreaterThan(0.95);
  });

  it('breaks a tie of votes by summed similarity, and takes two images', () => {
    // Neighbours of the first image: two of class 0 (nearer), two of class 1, one of class 2.
    const at = (angle: number): number[] => [Math.cos(angle), Math.sin(angle)];
    const values = Float32Array.from([0, 0.1, -0.1, 0.2, -0.2, 0.3].flatMap(at));
    expect(knnScore({ dimensions: 2, values }, [0, 0, 0, 1, 1, 2], 3).correct[0]).toBe(1);
    expect(knnScore({ dimensions: 2, values: values.subarray(0, 4) }, [1, 1], 2).accuracy.value).toBe(1);
  });
});
