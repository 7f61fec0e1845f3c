import { beforeAll, describe, expect, it } from 'vitest';
import { loadBackend } from './backend.ts';
import type { Backend } from './backend.ts';
import { engineOf } from './index.ts';
import { describeEngine } from './testing/engine.ts';
import { describeHooks } from './testing/hooks.ts';
import { describeOperations } from './testing/operations.ts';
import type { Window } from './primitives/types.ts';
import { shapeOf, tf } from './tf.ts';

let backend: Backend;
beforeAll(async () => {
  backend = await loadBackend('wasm', 1);
});

describe('wasm operations', () => describeOperations(() => backend));
describe('wasm engine', () => describeEngine(() => engineOf(backend)));
describe('wasm', () => describeHooks(() => engineOf(backend)));

it('runs its own kernels and not those of tfjs', async () => {
  const { primitives } = backend;
  const window: Window = { strides: [1, 1], dilations: [1, 1], pads: 'same' };
  const before = tf.memory().numTensors;
  const x = tf.ones([2, 5, 5, 3]);
  const kernel = tf.ones([3, 3, 3, 4]);
  const taps = tf.ones([3, 3, 3, 1]);
  const gamma = tf.ones([4]);
  const { kernelNames } = await tf.profile(() => {
    const y = primitives.conv2d(x, kernel, window);
    const dx = primitives.conv2dInputGradient(y, kernel, shapeOf(x), window);
    const dKernel = primitives.conv2dKernelGradient(y, x, shapeOf(kernel), window);
    const ofDepth = [primitives.depthwise(x, taps, window), primitives.depthwiseInputGradient(x, taps, shapeOf(x), window)];
    ofDepth.push(primitives.depthwiseKernelGradient(x, x, shapeOf(taps), window));
    const norm = primitives.batchNorm(y, { gamma, beta: gamma }, { mean: gamma, variance: gamma }, { epsilon: 1e-3, momentum: 0.9 });
    const gradients = primitives.batchNormGradient(norm.y, y, gamma, norm.saved, 1e-3);
    const positive = primitives.relu(y, 6);
    const open = primitives.reluGradient(y, positive, null);
    tf.dispose([...ofDepth, y, dx, dKernel, norm.y, norm.mean, norm.variance, ...norm.saved, ...gradients, positive, open]);
    return x;
  });
  expect(kernelNames).toEqual([]);
  tf.dispose([x, kernel, taps, gamma]);
  expect(tf.memory().numTensors).toBe(before);
});
