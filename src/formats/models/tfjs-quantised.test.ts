import { expect, it } from 'vitest';
import { networks } from './networks.fixture.ts';
import { readModel, writeTfjsZip } from './index.ts';
import { file } from './testing.ts';

it.each([
  ['float16', 2 ** -11, 0.6],
  ['uint8', 1 / 255, 0.4],
] as const)('stores kernels as %s to half a step, and vectors as they are', async (precision, step, share) => {
  const network = networks['custom-cnn'];
  const [whole, small] = [await writeTfjsZip(network), await writeTfjsZip(network, precision)];
  expect(small.length / whole.length).toBeLessThan(share);
  const { network: back } = await readModel(file(small), { fileName: 'it.zip' });
  for (const [key, { shape, data }] of network.weights) {
    const stored = back.weights.get(key)?.data ?? new Float32Array();
    const range = data.reduce((high, value) => Math.max(high, value)) - data.reduce((low, value) => Math.min(low, value));
    const error = data.reduce((most, value, i) => Math.max(most, Math.abs(value - stored[i])), 0);
    if (shape.length < 2) expect(error).toBe(0);
    else expect(error / range).toBeLessThanOrEqual(step);
  }
});
