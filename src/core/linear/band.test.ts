import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { eigenvaluesByBand, type ReducedMatrix } from './band.ts';
import { symmetricEigenvalues } from './symmetric.ts';

/** Both products as they are defined. */
function plain(values: Float64Array, side: number): ReducedMatrix {
  return {
    side,
    values,
    multiply: (from, v, product) => {
      const length = side - from;
      for (let c = 0; c * length < v.length; c++) {
        for (let r = 0; r < length; r++) {
          let sum = 0;
          for (let k = 0; k < length; k++) sum += values[(from + r) * side + from + k] * v[c * length + k];
          product[c * length + r] = sum;
        }
      }
    },
    update: (from, v, w) => {
      const length = side - from;
      for (let c = 0; c * length < v.length; c++) {
        for (let r = 0; r < length; r++) {
          for (let k = 0; k < length; k++) {
            values[(from + r) * side + from + k] -= v[c * length + r] * w[c * length + k] + w[c * length + r] * v[c * length + k];
          }
        }
      }
    },
  };
}

function spectrum(matrix: Float64Array, side: number, width: number): Float64Array {
  const rows = (): Float64Array => new Float64Array(width * side);
  return eigenvaluesByBand(plain(matrix.slice(), side), width, [rows(), rows(), rows()]);
}

describe('eigenvaluesByBand', () => {
  for (const [side, rank, width] of [
    [1, 1, 4],
    [3, 3, 4],
    [4, 4, 4],
    [9, 9, 4],
    [40, 60, 4],
    [41, 7, 8],
    [64, 64, 16],
    [50, 0, 8],
    [90, 120, 32],
    [30, 30, 32],
  ]) {
    it(`agrees with the one-stage reduction: ${side} × ${side}, rank ${Math.min(side, rank)}, band of ${width}`, () => {
      const random = createRandom(side + rank + width);
      const matrix = new Float64Array(side * side);
      for (let r = 0; r < rank; r++) {
        const x = Float64Array.from({ length: side }, random.normal);
        for (let i = 0; i < side; i++) for (let j = 0; j < side; j++) matrix[i * side + j] += (r % 3 === 0 ? -1 : 1) * x[i] * x[j];
      }
      const expected = symmetricEigenvalues(matrix, side);
      const scale = Math.max(1, ...matrix.map(Math.abs));
      const values = spectrum(matrix, side, width);
      expect(values).toHaveLength(side);
      values.forEach((value, k) => expect(Math.abs(value - expected[k])).toBeLessThan(1e-12 * side * scale));
    });
  }

  it('leaves zero rows alone, and knows a diagonal matrix', () => {
    const side = 20;
    const matrix = new Float64Array(side * side);
    for (let i = 0; i < side; i++) matrix[i * side + i] = i < 14 ? i - 5 : 0;
    const expected = Float64Array.from({ length: side }, (_, i) => matrix[i * side + i])
      .sort()
      .reverse();
    expect([...spectrum(matrix, side, 4)]).toEqual([...expected]);
  });
});
