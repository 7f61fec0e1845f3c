import { expect, it } from 'vitest';
import { createRandom } from '../core/random.ts';
import { normalise, normaliseGradient } from './normalisation.ts';
import { difference, kernelsForTests, normals } from './testing.ts';

const EPSILON = 1e-3;
const MOMENTUM = 0.9;

it.each([
  [1, 4],
  [3, 5],
  [7, 7],
  [300, 4],
  [1000, 13],
  [77, 66],
])('normalises %i rows of %i channels and has the gradient', (rows, channels) => {
  const random = createRandom(rows);
  // Far from zero, where a variance from squares alone would lose its digits.
  const x = normals(random, rows * channels).map((value, at) => 100 + (1 + (at % channels)) * value);
  const dy = normals(random, rows * channels);
  const [gamma, beta, oldMean, oldVariance] = Array.from({ length: 4 }, () => normals(random, channels));
  const column = (values: ArrayLike<number>, c: number): number[] => Array.from({ length: rows }, (_, row) => values[row * channels + c]);
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const expected: Record<string, number[]> = { y: [], newMean: [], newVariance: [], dx: [], dGamma: [], dBeta: [] };
  for (let c = 0; c < channels; c++) {
    const values = column(x, c);
    const centre = mean(values);
    const variance = mean(values.map((value) => (value - centre) ** 2));
    const inverse = 1 / Math.sqrt(variance + EPSILON);
    const standard = values.map((value) => (value - centre) * inverse);
    const slopes = column(dy, c);
    const dBeta = mean(slopes) * rows;
    const dGamma = mean(slopes.map((slope, row) => slope * standard[row])) * rows;
    expected.newMean[c] = MOMENTUM * oldMean[c] + (1 - MOMENTUM) * centre;
    expected.newVariance[c] = MOMENTUM * oldVariance[c] + ((1 - MOMENTUM) * variance * rows) / Math.max(1, rows - 1);
    expected.dBeta[c] = dBeta;
    expected.dGamma[c] = dGamma;
    for (let row = 0; row < rows; row++) {
      expected.y[row * channels + c] = standard[row] * gamma[c] + beta[c];
      expected.dx[row * channels + c] = gamma[c] * inverse * (slopes[row] - dBeta / rows - (standard[row] * dGamma) / rows);
    }
  }

  const { kernels, place, view, guarded } = kernelsForTests();
  const result = (length: number): number => place(new Float32Array(length).fill(Number.NaN));
  const [y, dx] = [result(x.length), result(x.length)];
  const [batchMean, inverse, newMean, newVariance, dGamma, dBeta] = Array.from({ length: 6 }, () => result(channels));
  const common = { rows, channels, x: place(x), gamma: place(gamma), mean: batchMean, inverse };
  const moving = { oldMean: place(oldMean), oldVariance: place(oldVariance), newMean, newVariance };
  normalise(kernels, { ...common, ...moving, beta: place(beta), y }, EPSILON, MOMENTUM);
  normaliseGradient(kernels, { ...common, dy: place(dy), dx, dGamma, dBeta });
  const own = { y, newMean, newVariance, dx, dGamma, dBeta };
  for (const [name, address] of Object.entries(own)) {
    expect(difference(view(address, expected[name].length), expected[name]), name).toBeLessThan(1e-4);
  }
  expect(guarded()).toBe(true);
});

it.each([1, 3, 4, 9])('rectifies %i values, and lets NaN through', (count) => {
  const { kernels, place, view, guarded } = kernelsForTests();
  const values = [Number.NaN, -1, 2, 7, 0, 6, 5, -0.5, 8].slice(0, count);
  const slopes = values.map((_, at) => at + 1);
  const [x, dy, y, dx] = [values, slopes, values, values].map((given) => place(given));
  kernels.rectify(x, y, count, 6);
  expect([...view(y, count)]).toEqual(values.map((value) => (value < 0 ? 0 : value > 6 ? 6 : value)));
  kernels.rectifyGradient(dy, y, dx, count, 6);
  expect([...view(dx, count)]).toEqual(values.map((value, at) => (value > 0 && value < 6 ? slopes[at] : 0)));
  kernels.rectify(x, y, count, Number.POSITIVE_INFINITY);
  expect([...view(y, count)]).toEqual(values.map((value) => (value < 0 ? 0 : value)));
  expect(guarded()).toBe(true);
});
