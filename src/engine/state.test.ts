import { expect, it } from 'vitest';
import { decodeState, encodeState } from './state.ts';
import type { TrainState } from './state.ts';
import { recipe } from './testing/fixtures.ts';

const state: TrainState = {
  recipe,
  epoch: 2,
  random: 4294967295,
  history: [{ epoch: 1, learningRate: 0.1, loss: 1 / 3, validationLoss: 2, validationAccuracy: 0.5 }],
  bestEpoch: 1,
  flat: { step: 7, values: Float32Array.of(1, 0.1), firstMoment: Float32Array.of(2, 3), secondMoment: Float32Array.of(4, -0) },
  statistics: Float32Array.of(1e-38),
  best: { values: Float32Array.of(5, 6), statistics: Float32Array.of(7) },
};
const lengths = [2, 2, 2, 1, 2, 1];

it('gives back what was encoded, from any offset', () => {
  const bytes = encodeState(state);
  const moved = new Uint8Array(bytes.length + 3);
  moved.set(bytes, 3);
  expect(decodeState(moved.subarray(3), { recipe, lengths })).toEqual(state);
});

it('refuses the checkpoint of another training', () => {
  const bytes = encodeState(state);
  expect(() => decodeState(bytes, { recipe: { ...recipe, epochs: 99 }, lengths })).toThrow('another recipe');
  expect(() => decodeState(bytes, { recipe, lengths: lengths.with(0, 3) })).toThrow('another network');
  expect(() => decodeState(Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8), { recipe, lengths })).toThrow('not a training checkpoint');
});
