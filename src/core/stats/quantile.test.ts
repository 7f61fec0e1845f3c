import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { mean, median, quantile, quantileOfSorted } from './quantile.ts';

describe('quantile', () => {
  it('selects what sorting would put there: ties, ascending, descending, alike', () => {
    const random = createRandom(3);
    for (const length of [1, 2, 3, 10, 257]) {
      for (const values of [
        Float64Array.from({ length }, () => random.integer(5)),
        Float64Array.from({ length }, random.normal),
        Float64Array.from({ length }, (_, i) => i),
        Float64Array.from({ length }, (_, i) => -i),
        new Float64Array(length).fill(2),
      ]) {
        const sorted = values.slice().sort();
        for (let step = 0; step <= 20; step++) expect(quantile(values, step / 20)).toBe(quantileOfSorted(sorted, step / 20));
      }
    }
  });

  it('interpolates as numpy does by default', () => {
    // numpy.quantile([3, 1, 4, 1, 5], [0, 0.1, 0.3, 0.5, 0.95, 1])
    const values = [3, 1, 4, 1, 5];
    const expected = [1, 1, 1.4, 3, 4.8, 5];
    [0, 0.1, 0.3, 0.5, 0.95, 1].forEach((q, i) => expect(quantile(values, q)).toBeCloseTo(expected[i], 12));
    expect(values).toEqual([3, 1, 4, 1, 5]);
  });

  it('takes one value, and has none for no values', () => {
    expect(quantile([7], 0.3)).toBe(7);
    expect(quantile([], 0.3)).toBeNaN();
    expect(median([4, 1, 2, 3])).toBe(2.5);
    expect(mean([4, 1, 2, 3])).toBe(2.5);
  });
});
