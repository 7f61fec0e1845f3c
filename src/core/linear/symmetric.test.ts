import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { symmetricEigenvalues } from './symmetric.ts';
import { referenceAlgebra } from './testing/reference.fixture.ts';

function randomSymmetric(n: number, rank: number, seed: number): Float64Array {
  const random = createRandom(seed);
  const matrix = new Float64Array(n * n);
  for (let r = 0; r < rank; r++) {
    const x = Float64Array.from({ length: n }, random.normal);
    const sign = r % 3 === 0 ? -1 : 1;
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) matrix[i * n + j] += sign * x[i] * x[j];
  }
  return matrix;
}

describe('symmetricEigenvalues', () => {
  it('knows the second-difference matrix', () => {
    const n = 9;
    const matrix = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      matrix[i * n + i] = 2;
      if (i > 0) matrix[i * n + i - 1] = matrix[(i - 1) * n + i] = -1;
    }
    const values = symmetricEigenvalues(matrix, n);
    values.forEach((value, k) => expect(value).toBeCloseTo(2 - 2 * Math.cos(((n - k) * Math.PI) / (n + 1)), 12));
  });

  for (const [n, rank] of [
    [1, 1],
    [2, 2],
    [3, 1],
    [8, 8],
    [17, 5],
    [40, 60],
    [31, 0],
  ]) {
    it(`finds what rotations find in a ${n} × ${n} matrix of rank ${Math.min(n, rank)}`, () => {
      const matrix = randomSymmetric(n, rank, n + rank);
      const { values } = referenceAlgebra.eigen(matrix, n);
      const scale = Math.max(1, ...matrix.map(Math.abs));
      symmetricEigenvalues(matrix, n).forEach((value, k) => expect(Math.abs(value - values[k])).toBeLessThan(1e-11 * scale));
    });
  }
});

describe('a large matrix of low rank with zero rows (the Gram matrix of features that are mostly dead)', () => {
  it('has as many eigenvalues above rounding as its rank, and no NaN', () => {
    const n = 256;
    for (const rank of [1, 3, 40]) {
      const random = createRandom(rank);
      const factors = Float64Array.from({ length: rank * n }, random.normal);
      for (let i = 0; i < n; i++) if (random.next() < 0.5) for (let r = 0; r < rank; r++) factors[r * n + i] = 0;
      const gram = new Float64Array(n * n);
      for (let r = 0; r < rank; r++)
        for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) gram[i * n + j] += factors[r * n + i] * factors[r * n + j];
      const values = symmetricEigenvalues(gram, n);
      expect(values.every(Number.isFinite)).toBe(true);
      expect(values.filter((value) => value > 1e-10 * values[0])).toHaveLength(rank);
      const trace = Array.from({ length: n }, (_, i) => gram[i * n + i]).reduce((a, b) => a + b);
      expect(values.reduce((a, b) => a + b) / trace).toBeCloseTo(1, 12);
    }
  });
});
