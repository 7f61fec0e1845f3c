import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { solvePositive } from './cholesky.ts';
import { referenceAlgebra } from './testing/reference.fixture.ts';

function normal(count: number, size: number, seed: number): Float64Array {
  return Float64Array.from({ length: count * size }, createRandom(seed).normal);
}

describe('the reference algebra', () => {
  it('multiplies rows with rows', () => {
    const [a, b] = [normal(3, 5, 1), normal(6, 5, 2)];
    const products = referenceAlgebra.products({ count: 3, size: 5, values: a }, { count: 6, size: 5, values: b });
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 6; j++) {
        let dot = 0;
        for (let k = 0; k < 5; k++) dot += a[i * 5 + k] * b[j * 5 + k];
        expect(products[i * 6 + j]).toBeCloseTo(dot, 12);
      }
    }
  });

  it('solves what it multiplied, and knows the determinant', () => {
    for (const n of [1, 2, 9]) {
      const matrix = referenceAlgebra.gramOfColumns({ count: n + 3, size: n, values: normal(n + 3, n, n) });
      const wanted = normal(n, 2, 7);
      const right = new Float64Array(n * 2);
      for (let i = 0; i < n; i++)
        for (let k = 0; k < n; k++) for (let c = 0; c < 2; c++) right[i * 2 + c] += matrix[i * n + k] * wanted[k * 2 + c];
      const { solution, logDeterminant } = referenceAlgebra.solve(matrix, n, right, 2);
      solution.forEach((value, at) => expect(value).toBeCloseTo(wanted[at], 8));
      const { values } = referenceAlgebra.eigen(matrix, n);
      expect(logDeterminant).toBeCloseTo(
        values.reduce((sum, value) => sum + Math.log(value), 0),
        9,
      );
    }
    expect(() => solvePositive(Float64Array.of(1, 2, 2, 1), Float64Array.of(1, 1))).toThrow('not positive definite');
  });

  it('takes a symmetric matrix apart, largest eigenvalue first', () => {
    for (const [n, rank] of [
      [1, 1],
      [9, 12],
      [30, 7],
    ]) {
      const matrix = referenceAlgebra.gramOfColumns({ count: rank, size: n, values: normal(rank, n, rank) });
      const { values, vectors } = referenceAlgebra.eigen(matrix, n);
      expect([...values]).toEqual([...values].sort((a, b) => b - a));
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          let entry = 0;
          let dot = 0;
          for (let k = 0; k < n; k++) {
            entry += values[k] * vectors[k * n + i] * vectors[k * n + j];
            dot += vectors[i * n + k] * vectors[j * n + k];
          }
          expect(entry).toBeCloseTo(matrix[i * n + j], 11);
          expect(dot).toBeCloseTo(i === j ? 1 : 0, 11);
        }
      }
    }
  });

  it('says by epsilon how exact the values were', () => {
    expect(referenceAlgebra.eigen(Float64Array.of(2), 1)).toMatchObject({ epsilon: Number.EPSILON });
    expect(referenceAlgebra.eigen(Float32Array.of(2), 1)).toMatchObject({ epsilon: 2 ** -23 });
  });
});
