import { beforeAll, describe, expect, it } from 'vitest';
import { loadBackend } from './backend.ts';
import type { Backend } from './backend.ts';
import { engineOf } from './index.ts';
import { describeEngine } from './testing/engine.ts';
import { describeOperations } from './testing/operations.ts';
import type { Window } from './primitives/types.ts';
import { shapeOf, tf } from './tf.ts';

let backend: Backend;
beforeAll(async () => {
  backend = await loadBackend('wasm', 1);
});

describe('wasm operations', () => describeOperations(() => backend));
describe('wasm engine', () => describeEngine(() => engineOf(backend)));

it('runs its own kernels and not those of tfjs', async () => {
  const { primitives } = backend;
  const window: Window = { strides: [1, 1], dilations: [1, 1], pads: 'same' };
  const before = tf.memory().numTensors;
  const x = tf.ones([2, 5, 5, 3]);
  const kernel = tf.ones([3, 3, 3, 4]);
  const { kernelNames } = await tf.profile(() => {
    const y = primitives.conv2d(x, kernel, window);
    const dx = primitives.conv2dInputGradient(y, kernel, shapeOf(x), window);
    const dKernel = primitives.conv2dKernelGradient(y, x, shapeOf(kernel), window);
    tf.dispose([y, dx, dKernel]);
    return x;
  });
  expect(kernelNames).toEqual([]);
  tf.dispose([x, kernel]);
  expect(tf.memory().numTensors).toBe(before);
});
