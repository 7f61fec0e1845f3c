import { describe, expect, it } from 'vitest';
import { referenceAlgebra } from '../linear/testing/reference.fixture.ts';
import { createRandom } from '../random.ts';
import { scoreCandidate } from './score-candidate.ts';
import { ascending } from './radix.ts';

describe('PARC', () => {
  it('sees of many dimensions their principal components alone, from either Gram matrix', () => {
    const random = createRandom(6);
    const rank = 3;
    for (const [count, dimensions] of [
      [60, 40],
      [24, 40],
    ]) {
      const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
      const coordinates = Float64Array.from({ length: count * rank }, random.normal);
      const basis = Float64Array.from({ length: rank * dimensions }, random.normal);
      const values = Float64Array.from({ length: count * dimensions }, (_, at) => {
        const [image, d] = [Math.floor(at / dimensions), at % dimensions];
        return coordinates.subarray(image * rank, (image + 1) * rank).reduce((sum, x, k) => sum + x * basis[k * dimensions + d], 0);
      });
      const parc = (values: Float64Array, dimensions: number): number | null =>
        scoreCandidate({ features: { dimensions, values }, labels, classes: 3, flops: 1, params: 1 }, { seed: 1, linear: referenceAlgebra })
          .scores.parc.value;
      const value = parc(values, dimensions);
      expect(value).toEqual(expect.any(Number));
      // Moving and mirroring the features changes nothing that principal components see.
      const moved = values.map((value) => 5 - value);
      expect(parc(moved, dimensions)).toBeCloseTo(value ?? Number.NaN, 6);
      // Dimensions that repeat others only stretch the components, which are standardised afterwards.
      const twice = Float64Array.from(
        { length: 2 * values.length },
        (_, at) => values[Math.floor(at / (2 * dimensions)) * dimensions + (at % dimensions)],
      );
      expect(parc(twice, 2 * dimensions)).toBeCloseTo(value ?? Number.NaN, 6);
    }
  });
});

describe('ascending', () => {
  it('sorts floats of either sign, equal ones in their order', () => {
    const values = Float32Array.of(0.5, -1, 0, 3e-40, -2e9, 0.5, 1.0000001, 1, -1e-12);
    expect([...ascending(values)]).toEqual([4, 1, 8, 2, 3, 0, 5, 7, 6]);
    const random = createRandom(1);
    const many = Float32Array.from({ length: 5000 }, random.normal);
    const order = ascending(many);
    expect(Float32Array.from(order, (i) => many[i])).toEqual(many.toSorted());
    expect(new Set(order).size).toBe(5000);
  });
});
