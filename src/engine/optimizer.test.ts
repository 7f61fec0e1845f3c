import { beforeAll, describe, expect, it } from 'vitest';
import { loadBackend } from './backend.ts';
import { createOptimizer, momentsOf } from './optimizer.ts';
import type { FlatState } from './optimizer.ts';
import { portable } from './primitives/portable.ts';
import type { Primitives } from './primitives/types.ts';
import { distance } from './testing/fixtures.ts';
import { tf } from './tf.ts';
import type { Tensor } from './tf.ts';
import type { Recipe } from './types.ts';

let primitives: Primitives;
beforeAll(async () => {
  // The one with a kernel of its own, so that both are compared with the papers.
  ({ primitives } = await loadBackend('wasm', 1));
});

/** Loshchilov and Hutter 2019, algorithm 2, for one value. */
function adamw(start: number, gradients: readonly number[], rate: number, decay: number): number {
  let [value, first, second] = [start, 0, 0];
  for (const [at, gradient] of gradients.entries()) {
    first = 0.9 * first + 0.1 * gradient;
    second = 0.999 * second + 0.001 * gradient ** 2;
    const mean = first / (1 - 0.9 ** (at + 1));
    const spread = Math.sqrt(second / (1 - 0.999 ** (at + 1)));
    value -= rate * (mean / (spread + 1e-8) + decay * value);
  }
  return value;
}

/** The form of PyTorch's SGD(nesterov=True), with decoupled decay, for one value. */
function nesterov(start: number, gradients: readonly number[], rate: number, decay: number): number {
  let [value, velocity] = [start, 0];
  for (const gradient of gradients) {
    velocity = 0.8 * velocity + gradient;
    value -= rate * (gradient + 0.8 * velocity + decay * value);
  }
  return value;
}

const start = Float32Array.of(1, -2, 3, 0.5, 4, -1);
const gradients = [
  [0.1, -0.2, 0.3, 1, 0, -5],
  [0.2, 0.1, -0.3, 1, 1e-4, 5],
  [-0.4, 0.1, 0.9, 1, 0, 5],
];
const parameters = [
  { key: 'a', shape: [2, 2], decay: true },
  { key: 'b', shape: [2], decay: false },
];

function optimised(recipe: Partial<Recipe>, rows = gradients, on = primitives): FlatState {
  const before = tf.memory().numTensors;
  const chosen = { weightDecay: 0, ...recipe };
  const moments = Array.from({ length: momentsOf(chosen) }, () => new Float32Array(6));
  const optimizer = createOptimizer(on, parameters, chosen, { step: 0, values: start, moments });
  for (const gradient of rows) {
    const tensors = new Map<string, Tensor>([
      ['a', tf.tensor2d(gradient.slice(0, 4), [2, 2])],
      ['b', tf.tensor1d(gradient.slice(4))],
    ]);
    tf.tidy(() => optimizer.update(tensors, 0.01));
    tf.dispose([...tensors.values()]);
  }
  const state = optimizer.state();
  expect(optimizer.steps()).toBe(rows.length);
  expect(distance(optimizer.flat().dataSync(), state.values)).toBe(0);
  expect(optimizer.tensors.get('a')?.shape).toEqual([2, 2]);
  expect(distance(optimizer.tensors.get('b')?.dataSync() ?? [], state.values.slice(4))).toBe(0);
  optimizer.dispose();
  expect(tf.memory().numTensors).toBe(before);
  return state;
}

describe.each([
  ['AdamW', undefined, adamw],
  ['SGD with Nesterov momentum', { kind: 'sgd', momentum: 0.8 }, nesterov],
] as const)('%s', (_, optimizer, reference) => {
  it('moves as its source says, with decay only where a parameter asks for it', () => {
    const state = optimised({ optimizer, weightDecay: 0.1 });
    const column = (i: number): number[] => gradients.map((row) => row[i]);
    const expected = [...start].map((value, i) => reference(value, column(i), 0.01, i < 4 ? 0.1 : 0));
    expect(state.step).toBe(3);
    expect(distance(state.values, expected)).toBeLessThan(1e-6);
    const other = optimised({ optimizer, weightDecay: 0.1 }, gradients, portable);
    expect(distance(other.values, expected)).toBeLessThan(1e-6);
    for (const [at, moment] of other.moments.entries()) expect(distance(moment, state.moments[at])).toBeLessThan(1e-6);
  });
});

it('adds a penalty to the clipped gradient, and takes other values between two steps', () => {
  const optimizer = createOptimizer(
    primitives,
    parameters,
    { optimizer: { kind: 'sgd', momentum: 0 }, weightDecay: 0, clipNorm: 1 },
    { step: 0, values: start, moments: [new Float32Array(6)] },
  );
  const gradient = new Map<string, Tensor>([
    ['a', tf.tensor2d([3, 0, 0, 0], [2, 2])],
    ['b', tf.tensor1d([4, 0])],
  ]);
  const step = (): void => tf.tidy(() => optimizer.update(gradient, 0.01, (values) => tf.mul(values, 10)));
  const moved = (from: Float32Array): number[] => [...from].map((value, i) => value - 0.01 * ([0.6, 0, 0, 0, 0.8, 0][i] + 10 * value));
  step();
  expect(distance(optimizer.state().values, moved(start))).toBeLessThan(1e-6);
  const other = Float32Array.of(6, 5, 4, 3, 2, 1);
  optimizer.assign(other);
  expect(distance(optimizer.tensors.get('b')?.dataSync() ?? [], [2, 1])).toBe(0);
  step();
  expect(distance(optimizer.state().values, moved(other))).toBeLessThan(1e-6);
  tf.dispose([...gradient.values()]);
  optimizer.dispose();
});

it('scales a long gradient down to the norm and leaves a short one', () => {
  const sgd = { optimizer: { kind: 'sgd', momentum: 0 } } as const;
  const long = [3, 0, 0, 0, 4, 0];
  const moved = (clipNorm: number, row: number[]): number[] =>
    [...optimised({ ...sgd, clipNorm }, [row]).values].map((v, i) => start[i] - v);
  expect(distance(moved(1, long), [0.006, 0, 0, 0, 0.008, 0])).toBeLessThan(1e-3);
  expect(distance(moved(6, long), [0.03, 0, 0, 0, 0.04, 0])).toBeLessThan(1e-3);
});
