import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { gramOfColumns, gramOfRows } from './gram.ts';

describe('gramOfRows and gramOfColumns', () => {
  for (const [count, size] of [
    [1, 3],
    [6, 5],
    [11, 2],
  ]) {
    it(`are the products of a ${count} × ${size} matrix with itself`, () => {
      const random = createRandom(count);
      const values = Float64Array.from({ length: count * size }, (_, at) => (at % 3 === 0 ? 0 : random.normal()));
      const at = (row: number, column: number): number => values[row * size + column];
      const rows = gramOfRows({ count, size, values });
      const columns = gramOfColumns({ count, size, values });
      for (let i = 0; i < count; i++) {
        for (let j = 0; j < count; j++) {
          let dot = 0;
          for (let k = 0; k < size; k++) dot += at(i, k) * at(j, k);
          expect(rows[i * count + j]).toBeCloseTo(dot, 12);
        }
      }
      for (let i = 0; i < size; i++) {
        for (let j = 0; j < size; j++) {
          let dot = 0;
          for (let k = 0; k < count; k++) dot += at(k, i) * at(k, j);
          expect(columns[i * size + j]).toBeCloseTo(dot, 12);
        }
      }
    });
  }
});
