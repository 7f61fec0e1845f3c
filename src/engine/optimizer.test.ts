import { beforeAll, expect, it } from 'vitest';
import { loadBackend } from './backend.ts';
import { createOptimizer } from './optimizer.ts';
import { distance } from './testing/fixtures.ts';
import { tf } from './tf.ts';
import type { Tensor } from './tf.ts';

beforeAll(async () => {
  await loadBackend('cpu', 1);
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

it('is AdamW, with decay only where a parameter asks for it', () => {
  const before = tf.memory().numTensors;
  const values = Float32Array.of(1, -2, 3, 0.5, 4, -1);
  const gradients = [
    [0.1, -0.2, 0.3, 1, 0, -5],
    [0.2, 0.1, -0.3, 1, 1e-4, 5],
    [-0.4, 0.1, 0.9, 1, 0, 5],
  ];
  const parameters = [
    { key: 'a', shape: [2, 2], decay: true },
    { key: 'b', shape: [2], decay: false },
  ];
  const zeros = new Float32Array(6);
  const optimizer = createOptimizer(parameters, 0.1, { step: 0, values, firstMoment: zeros, secondMoment: zeros });
  for (const gradient of gradients) {
    const tensors = new Map<string, Tensor>([
      ['a', tf.tensor2d(gradient.slice(0, 4), [2, 2])],
      ['b', tf.tensor1d(gradient.slice(4))],
    ]);
    tf.tidy(() => optimizer.update(tensors, 0.01));
    tf.dispose([...tensors.values()]);
  }
  const expected = [...values].map((start, i) =>
    adamw(
      start,
      gradients.map((row) => row[i]),
      0.01,
      i < 4 ? 0.1 : 0,
    ),
  );
  const state = optimizer.state();
  expect(state.step).toBe(3);
  expect(distance(state.values, expected)).toBeLessThan(1e-6);
  expect(optimizer.tensors.get('a')?.shape).toEqual([2, 2]);
  expect(distance(optimizer.tensors.get('b')?.dataSync() ?? [], expected.slice(4))).toBeLessThan(1e-6);
  optimizer.dispose();
  expect(tf.memory().numTensors).toBe(before);
});
