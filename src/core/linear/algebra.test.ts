import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { coreAlgebra } from './algebra.ts';

function normal(count: number, size: number, seed: number): Float64Array {
  return Float64Array.from({ length: count * size }, createRandom(seed).normal);
}

describe('coreAlgebra', () => {
  it('multiplies rows with rows', () => {
    const [a, b] = [normal(3, 5, 1), normal(6, 5, 2)];
    const products = coreAlgebra.products({ count: 3, size: 5, values: a }, { count: 6, size: 5, values: b });
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
      const matrix = coreAlgebra.gramOfColumns({ count: n + 3, size: n, values: normal(n + 3, n, n) });
      const wanted = normal(n, 2, 7);
      const right = new Float64Array(n * 2);
      for (let i = 0; i < n; i++)
        for (let k = 0; k < n; k++) for (let c = 0; c < 2; c++) right[i * 2 + c] += matrix[i * n + k] * wanted[k * 2 + c];
      const { solution, logDeterminant } = coreAlgebra.solve(matrix, n, right, 2);
      solution.forEach((value, at) => expect(value).toBeCloseTo(wanted[at], 8));
      const { values } = coreAlgebra.eigen(matrix, n);
      expect(logDeterminant).toBeCloseTo(
        values.reduce((sum, value) => sum + Math.log(value), 0),
        9,
      );
    }
    expect(() => coreAlgebra.solve(Float64Array.of(1, 2, 2, 1), 2, Float64Array.of(1, 1), 1)).toThrow('not positive definite');
  });

  it('says by epsilon how exact the values were', () => {
    expect(coreAlgebra.eigen(Float64Array.of(2), 1)).toMatchObject({ epsilon: Number.EPSILON });
    expect(coreAlgebra.eigen(Float32Array.of(2), 1)).toMatchObject({ epsilon: 2 ** -23 });
  });
});
