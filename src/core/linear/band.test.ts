import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { eigenvaluesByBand, type ReducedMatrix } from './band.ts';
import { symmetricEigenvalues } from './symmetric.ts';

/** The products as they are defined. */
function plain(values: Float64Array, side: number, width: number): ReducedMatrix {
  const columns = new Float64Array(3 * width * side);
  const product = (length: number, at: (i: number) => number): number => {
    let sum = 0;
    for (let i = 0; i < length; i++) sum += at(i);
    return sum;
  };
  /** Column c of [V, A V, W], row r. */
  const place = (from: number, c: number, r: number): number => c * (side - from) + r;
  return {
    side,
    values,
    width,
    columns,
    multiply: (from) => {
      for (let c = 0; c < width; c++) {
        for (let r = 0; r < side - from; r++) {
          columns[place(from, width + c, r)] = product(
            side - from,
            (k) => values[(from + r) * side + from + k] * columns[place(from, c, k)],
          );
        }
      }
    },
    dots: (from) =>
      Float64Array.from({ length: 2 * width * width }, (_, at) =>
        product(side - from, (r) => columns[place(from, Math.floor(at / width), r)] * columns[place(from, at % width, r)]),
      ),
    combine: (from, coefficients) => {
      for (let c = 0; c < width; c++) {
        for (let r = 0; r < side - from; r++) {
          columns[place(from, 2 * width + c, r)] = product(2 * width, (k) => columns[place(from, k, r)] * coefficients[k * width + c]);
        }
      }
    },
    update: (from) => {
      const [v, w] = [0, 2 * width].map((first) => (c: number, r: number) => columns[place(from, first + c, r)]);
      for (let r = 0; r < side - from; r++) {
        for (let k = 0; k < side - from; k++) {
          values[(from + r) * side + from + k] -= product(width, (c) => v(c, r) * w(c, k) + w(c, r) * v(c, k));
        }
      }
    },
  };
}

const spectrum = (matrix: Float64Array, side: number, width: number): Float64Array => eigenvaluesByBand(plain(matrix.slice(), side, width));

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
