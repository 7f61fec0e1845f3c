import { describe, expect, it } from 'vitest';
import { referenceAlgebra } from '../linear/testing/reference.fixture.ts';
import { decompose } from './decomposition.ts';
import { estimateOf } from './influence.ts';
import { logMe, measureLogMe } from './logme.ts';
import { type Clusters, clusters } from './testing/clusters.fixture.ts';

const take = ({ features, labels, classes }: Clusters) => decompose(features, labels, classes, referenceAlgebra);

describe('logMe', () => {
  it('is unmoved by dead dimensions, whichever Gram matrix it comes from', () => {
    for (const [count, dimensions] of [
      [90, 6],
      [20, 30],
    ]) {
      const base = clusters(count, dimensions, 1);
      const values = new Float32Array(count * (dimensions + 2));
      for (let image = 0; image < count; image++) {
        values.set(base.features.values.subarray(image * dimensions, (image + 1) * dimensions), image * (dimensions + 2));
      }
      expect(logMe(take({ ...base, features: { dimensions: dimensions + 2, values } }))).toBeCloseTo(logMe(take(base)), 8);
    }
  });

  it('is the same with influences as without', () => {
    const parts = take(clusters(60, 8, 1));
    expect(measureLogMe(parts).value).toBeCloseTo(logMe(parts), 12);
  });

  it('has an interval about as wide as LogME spreads over fresh samples', () => {
    const fresh = Array.from({ length: 40 }, (_, seed) => clusters(120, 5, 1, { seed: seed + 10 }));
    const values = fresh.map((sample) => logMe(take(sample)));
    const centre = values.reduce((a, b) => a + b) / 40;
    const spread = Math.sqrt(values.reduce((sum, x) => sum + (x - centre) ** 2, 0) / 39);
    const widths = fresh.slice(0, 20).map((sample) => {
      const { low, high } = estimateOf(measureLogMe(take(sample)), sample.labels);
      return (high - low) / 2;
    });
    const ratio = widths.reduce((a, b) => a + b) / 20 / (1.96 * spread);
    expect(ratio).toBeGreaterThan(0.6);
    expect(ratio).toBeLessThan(1.6);
  });
});
