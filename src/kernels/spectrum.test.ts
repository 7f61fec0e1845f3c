import { afterAll, describe, expect, it } from 'vitest';
import { compareKernels, packTriangle, similaritySpectrum } from '../core/dice/index.ts';
import { createRandom } from '../core/random.ts';
import { openDiceKernels } from './dice.ts';

const kernels = openDiceKernels({ threads: 2 });
afterAll(() => kernels.close());

describe("a similarity matrix's spectrum on the threads, against core/dice", () => {
  // From 160 rows on the reduction runs in two stages; sides that are no multiple of four are filled up.
  for (const [count, size] of [
    [2, 9],
    [159, 20],
    [160, 40],
    [163, 7],
    [257, 300],
    [402, 64],
  ]) {
    it(`agrees for ${count} kernels of ${size}`, () => {
      const random = createRandom(count);
      const { triangle } = kernels.compare(
        { count, size, values: Float32Array.from({ length: count * size }, random.normal) },
        { rescale: true },
      );
      const kept = triangle.slice();
      const values = kernels.spectrum(triangle, count);
      const expected = similaritySpectrum(kept, count);
      expect(values).toHaveLength(count);
      values.forEach((value, k) => expect(Math.abs(value - expected[k])).toBeLessThan(1e-13 * count * expected[0]));
      // What the comparison has lent is still there.
      expect(triangle.every((value, at) => value === kept[at])).toBe(true);
      expect(kernels.spectrum(kept, count)).toEqual(values);
    });
  }

  it('knows copies: as many eigenvalues above rounding as there are different kernels', () => {
    const [count, different, size] = [200, 12, 30];
    const random = createRandom(1);
    const own = Float32Array.from({ length: different * size }, random.normal);
    const values = Float32Array.from({ length: count * size }, (_, at) => own[at % own.length]);
    const spectrum = kernels.spectrum(compareKernels({ count, size, values }, { rescale: true }).triangle, count);
    expect(spectrum.every(Number.isFinite)).toBe(true);
    expect(spectrum.filter((value) => value > 1e-10)).toHaveLength(different);
    expect(spectrum.reduce((a, b) => a + b)).toBeCloseTo(count, 9);
  });

  it('knows matrices of ones, and of nothing in common', () => {
    const count = 170;
    for (const [value, largest, others] of [
      [1, count, 0],
      [0, 1, 1],
    ]) {
      const spectrum = kernels.spectrum(packTriangle(new Float64Array(count * count).fill(value), count), count);
      expect(spectrum[0]).toBeCloseTo(largest, 10);
      spectrum.subarray(1).forEach((one) => expect(one).toBeCloseTo(others, 10));
    }
  });

  it('shares the work with its helper', () => {
    const triangle = new Float64Array((500 * 499) / 2).map((_, at) => Math.sin(at) / 9);
    const before = kernels.helped;
    for (let run = 0; run < 20 && kernels.helped === before; run++) kernels.spectrum(triangle, 500);
    expect(kernels.helped).toBeGreaterThan(before);
  });
});
