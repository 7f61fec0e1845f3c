import { beforeAll, describe, expect, it } from 'vitest';
import { logitsNode, referenceForward } from '../core/network/index.ts';
import { withRandomWeights } from '../core/network/testing.ts';
import type { Network } from '../core/network/types.ts';
import { hessianProduct } from '../core/prune/index.ts';
import { loadBackend } from './backend.ts';
import { engineOf } from './index.ts';
import { distance, learnableImages, tiny } from './testing/fixtures.ts';
import { tf } from './tf.ts';
import type { Engine } from './types.ts';

const CLASSES = 4;
const images = learnableImages(6, CLASSES, 5);
const network = withRandomWeights(tiny, 2);

/** Mean cross-entropy of the images, by the slow reference in double precision. */
function lossOf(of: Network, first = 0, count = images.count): number {
  let loss = 0;
  for (let i = first; i < first + count; i++) {
    const values = Float32Array.from(images.pixels.subarray(i * 192, (i + 1) * 192), (value) => value / 255);
    const logits = [...(referenceForward(of, values).get(logitsNode(of).id) ?? [])];
    const largest = Math.max(...logits);
    loss += largest + Math.log(logits.reduce((sum, value) => sum + Math.exp(value - largest), 0)) - logits[images.labels[i]];
  }
  return loss / count;
}

function moved(of: Network, key: string, at: number, by: number): Network {
  const { shape, data } = of.weights.get(key) ?? { shape: [], data: new Float32Array() };
  return { ...of, weights: new Map(of.weights).set(key, { shape, data: data.with(at, data[at] + by) }) };
}

const slope = (key: string, at: number, first?: number, count?: number): number => {
  const step = 1e-3;
  return (lossOf(moved(network, key, at, step), first, count) - lossOf(moved(network, key, at, -step), first, count)) / (2 * step);
};

let engine: Engine;
beforeAll(async () => {
  engine = engineOf(await loadBackend('tensorflow', 2));
});

describe('gradients', () => {
  it('are the slopes of the loss of the network as it answers, over all images, for any batch size', async () => {
    const before = tf.memory().numTensors;
    const all = await engine.gradients(network, images, { batches: 9, batchSize: 6, seed: 1 });
    const parts = await engine.gradients(network, images, { batches: 9, batchSize: 4, seed: 1 });
    expect(tf.memory().numTensors).toBe(before);
    expect([...all.mean.keys()]).toEqual(tiny.filter(({ kind }) => /Conv|Dense/.test(kind)).map(({ id }) => `${id}/kernel`));
    for (const [key, values] of all.mean) {
      expect(distance(parts.mean.get(key) ?? [], values)).toBeLessThan(1e-5);
      for (let at = 0; at < values.length; at += Math.ceil(values.length / 12)) {
        expect(Math.abs(values[at] - slope(key, at))).toBeLessThan(2e-3 * Math.max(1, Math.abs(values[at])));
      }
    }
  });

  it('squares are those of the batches', async () => {
    const { meanSquare } = await engine.gradients(network, images, { batches: 9, batchSize: 1, seed: 1 });
    const values = meanSquare.get('c1/kernel') ?? new Float32Array();
    for (let at = 0; at < values.length; at += 40) {
      const squares = Array.from({ length: images.count }, (_, i) => slope('c1/kernel', at, i, 1) ** 2);
      const wanted = squares.reduce((sum, value) => sum + value, 0) / images.count;
      expect(Math.abs(values[at] - wanted)).toBeLessThan(5e-3 * Math.max(1, wanted));
    }
  });

  it('make a Hessian product: how the gradient changes along itself', async () => {
    const gradientAt = async (of: Network) => (await engine.gradients(of, images, { batches: 1, batchSize: 6, seed: 1 })).mean;
    const gradient = await gradientAt(network);
    const product = await hessianProduct(network, gradient, gradientAt);
    // g·Hg is the second derivative of the loss along g, here from the reference's losses alone.
    const along = (step: number): number => {
      const weights = new Map(network.weights);
      for (const [key, values] of gradient) {
        const { shape, data } = weights.get(key) ?? { shape: [], data: new Float32Array() };
        weights.set(key, { shape, data: data.map((value, at) => value + step * values[at]) });
      }
      return lossOf({ ...network, weights });
    };
    const h = 1e-3;
    const wanted = (along(h) - 2 * along(0) + along(-h)) / (h * h);
    let found = 0;
    for (const [key, values] of gradient) found += values.reduce((sum, value, at) => sum + value * (product.get(key)?.[at] ?? 0), 0);
    expect(Math.abs(found - wanted)).toBeLessThan(0.05 * Math.abs(wanted));
  });
});
