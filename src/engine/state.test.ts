import { expect, it } from 'vitest';
import { decodeState, encodeState } from './state.ts';
import type { Expected, TrainState } from './state.ts';
import { recipe } from './testing/fixtures.ts';

const state: TrainState = {
  recipe: { ...recipe, averaging: 0.9, learningRate: 'auto' },
  learningRate: 1 / 7,
  epoch: 2,
  done: 32,
  lossSum: 1e300 / 3,
  epochRandom: 1,
  random: 4294967295,
  history: [{ epoch: 1, learningRate: 0.1, loss: 1 / 3, validationLoss: 2, validationAccuracy: 0.5 }],
  bestEpoch: 1,
  flat: { step: 7, values: Float32Array.of(1, 0.1), moments: [Float32Array.of(2, 3), Float32Array.of(4, -0)] },
  statistics: Float32Array.of(1e-38),
  average: Float32Array.of(8, 9, 10),
  best: { values: Float32Array.of(5, 6), statistics: Float32Array.of(7) },
};
const expected: Expected = { recipe: state.recipe, parameters: 2, statistics: 1, moments: 2 };

it('gives back what was encoded, from any offset', () => {
  const bytes = encodeState(state);
  const moved = new Uint8Array(bytes.length + 3);
  moved.set(bytes, 3);
  expect(decodeState(moved.subarray(3), expected)).toEqual(state);
});

it('refuses the checkpoint of another training', () => {
  const bytes = encodeState(state);
  expect(() => decodeState(bytes, { ...expected, recipe: { ...state.recipe, epochs: 99 } })).toThrow('another recipe');
  expect(() => decodeState(bytes, { ...expected, statistics: 3 })).toThrow('another network');
  expect(() => decodeState(bytes, { ...expected, moments: 1 })).toThrow('another network');
  expect(() => decodeState(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), expected)).toThrow('not a training checkpoint');
});
