import { describe, expect, it } from 'vitest';
import { mean, median, quantile } from './quantile.ts';

describe('quantile', () => {
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
