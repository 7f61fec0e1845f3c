import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { fitMixture, kMeans } from './gaussian-mixture.ts';
import { leep } from './source-head.ts';
import { clusters } from './testing/clusters.fixture.ts';

describe('fitMixture', () => {
  it('agrees with scikit-learn 1.9 from the same start: GaussianMixture(4, tol=1e-3, reg_covar=1e-6)', () => {
    const count = 40;
    const labels = Array.from({ length: count }, (_, i) => i % 4);
    const values = Float64Array.from({ length: count * 3 }, (_, at) => {
      const [i, j] = [Math.floor(at / 3), at % 3];
      return Math.sin(1 + 0.7 * (i + 1) * (j + 2)) + (labels[i] % 3 === j ? 1.5 : 0);
    });
    const start = labels.map((_, i) => Math.floor((i * 7) / 3) % 4);
    const { posteriors, logLikelihood } = fitMixture({ dimensions: 3, values }, start, 4);
    expect(logLikelihood).toBeCloseTo(-2.81686313604643, 9);
    expect(posteriors[0]).toBeCloseTo(0.945606352, 8);
    expect(posteriors[3]).toBeCloseTo(0.0543936479, 8);
    expect(leep({ sourceClasses: 4, values: posteriors }, labels, 4).value).toBeCloseTo(-1.1657220449579693, 8);
  });

  it('finds clusters that lie apart, and keeps to probabilities where points coincide', () => {
    const { features, labels } = clusters(120, 3, 12);
    const assignment = kMeans(features, 3, createRandom(2));
    const { posteriors } = fitMixture(features, assignment, 3);
    const component = (image: number): number => [0, 1, 2].findIndex((k) => posteriors[image * 3 + k] > 0.99);
    for (let image = 3; image < 120; image++) expect(component(image)).toBe(component(labels[image]));
    const same = { dimensions: 2, values: new Float64Array(40).fill(1) };
    const flat = fitMixture(same, kMeans(same, 5, createRandom(1)), 5).posteriors;
    for (let image = 0; image < 20; image++) expect(flat.subarray(image * 5, image * 5 + 5).reduce((a, b) => a + b)).toBeCloseTo(1, 12);
  });
});
