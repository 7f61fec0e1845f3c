import { describe, expect, it } from 'vitest';
import { referenceAlgebra } from '../linear/testing/reference.fixture.ts';
import { knnScore } from './knn.ts';
import { clusters } from './testing/clusters.fixture.ts';

describe('knnScore', () => {
  it('predicts each image from the others', () => {
    // Two directions and one stray: the stray's neighbours are all of the other class.
    const values = Float32Array.of(1, 0, 2, 0.1, 3, -0.1, 0, 1, 0.1, 2, -0.1, 3, 5, 0.01);
    const { correct, accuracy } = knnScore({ dimensions: 2, values }, [0, 0, 0, 1, 1, 1, 1], 2, referenceAlgebra);
    // Five neighbours of six: each of class 0 sees two of its own and three of class 1.
    expect([...correct]).toEqual([0, 0, 0, 1, 1, 1, 0]);
    expect(accuracy.value).toBeCloseTo(3 / 7, 12);
  });

  it('is at chance on noise and near one on far clusters', () => {
    const noise = clusters(300, 8, 0, { seed: 2 });
    const chance = knnScore(noise.features, noise.labels, 3, referenceAlgebra).accuracy;
    expect(chance.low).toBeLessThan(1 / 3);
    expect(chance.high).toBeGreaterThan(0.28);
    const far = clusters(300, 8, 4, { seed: 2 });
    expect(knnScore(far.features, far.labels, 3, referenceAlgebra).accuracy.value).toBeGreaterThan(0.95);
  });

  it('breaks a tie of votes by summed similarity, and takes two images', () => {
    // Neighbours of the first image: two of class 0 (nearer), two of class 1, one of class 2.
    const at = (angle: number): number[] => [Math.cos(angle), Math.sin(angle)];
    const values = Float32Array.from([0, 0.1, -0.1, 0.2, -0.2, 0.3].flatMap(at));
    expect(knnScore({ dimensions: 2, values }, [0, 0, 0, 1, 1, 2], 3, referenceAlgebra).correct[0]).toBe(1);
    expect(knnScore({ dimensions: 2, values: values.subarray(0, 4) }, [1, 1], 2, referenceAlgebra).accuracy.value).toBe(1);
  });
});
