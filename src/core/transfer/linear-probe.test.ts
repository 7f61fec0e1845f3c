import { describe, expect, it } from 'vitest';
import { referenceAlgebra } from '../linear/testing/reference.fixture.ts';
import { createRandom } from '../random.ts';
import { decompose } from './decomposition.ts';
import type { Features } from './features.ts';
import type { LeaveOneOutScore } from './leave-one-out.ts';
import { linearProbe } from './linear-probe.ts';
import { clusters } from './testing/clusters.fixture.ts';

const probe = (features: Features, labels: ArrayLike<number>, classes: number): LeaveOneOutScore =>
  linearProbe(decompose(features, labels, classes, referenceAlgebra));

describe('linearProbe', () => {
  it('predicts what refitting without the image predicts', () => {
    const random = createRandom(3);
    const labels = Array.from({ length: 40 }, (_, i) => (i % 3 === 0 ? 1 : 0));
    const values = Float32Array.from(labels, (label) => random.normal() + 2 * label);
    const expected = labels.map((_, left) => refitted(values, labels, left));
    expect(expected.filter((right) => right === 0).length).toBeGreaterThan(2);
    expect([...probe({ dimensions: 1, values }, labels, 2).correct]).toEqual(expected);
  });

  it('finds classes that a plane parts and neighbours blur, from either side', () => {
    for (const [count, dimensions] of [
      [150, 20],
      [60, 90],
    ]) {
      const far = clusters(count, dimensions, 6);
      expect(probe(far.features, far.labels, 3).accuracy.value).toBeGreaterThan(0.9);
      const noise = clusters(count, dimensions, 0);
      const chance = probe(noise.features, noise.labels, 3).accuracy;
      expect(chance.low).toBeLessThan(1 / 3);
    }
  });

  it('does not mind where the features lie or how large they are', () => {
    const { features, labels } = clusters(90, 6, 1.5);
    const { correct } = probe(features, labels, 3);
    const scaled = features.values.map((value) => 8 * value + 3);
    expect(probe({ dimensions: 6, values: scaled }, labels, 3).correct).toEqual(correct);
  });
});

/** 1 where ridge regression without image i, at the probe's own choice of penalty, predicts it rightly. */
function refitted(values: Float32Array, labels: number[], left: number): number {
  const count = values.length;
  const mean = values.reduce((a, b) => a + b) / count;
  const sigma = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const predict = (penalty: number, without: number): number => {
    const kept = Array.from(values, (_, i) => i).filter((i) => i !== without);
    const x = kept.map((i) => values[i]);
    const y = kept.map((i) => labels[i]);
    const [mx, my] = [x, y].map((list) => list.reduce((a, b) => a + b) / list.length);
    const xy = x.reduce((sum, value, k) => sum + (value - mx) * (y[k] - my), 0);
    const xx = x.reduce((sum, value) => sum + (value - mx) ** 2, 0);
    return my + (xy / (xx + penalty * sigma)) * (values[without] - mx);
  };
  const press = (penalty: number): number => labels.reduce((sum, y, i) => sum + (y - predict(penalty, i)) ** 2, 0);
  const [best] = [1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100].sort((a, b) => press(a) - press(b));
  return (predict(best, left) > 0.5 ? 1 : 0) === labels[left] ? 1 : 0;
}
