import { describe, expect, it } from 'vitest';
import { inferShapes, logitsNode, sizeOf } from '../../core/network/index.ts';
import { referenceForward } from '../../core/network/reference.ts';
import { withRandomWeights } from '../../core/network/testing.ts';
import type { Network } from '../../core/network/types.ts';
import { createRandom } from '../../core/random.ts';
import type { Backend } from '../backend.ts';
import { upload } from '../execute.ts';
import { gradientsOf } from '../gradient.ts';
import { crossEntropy } from '../loss.ts';
import { logits } from '../infer.ts';
import { planOf } from '../plan.ts';
import { tf } from '../tf.ts';
import type { Tensor } from '../tf.ts';
import { SIDE, cases, distance, randomImages } from './fixtures.ts';

/** Every kind against the slow reference and finite differences; run once for each backend. */
export function describeOperations(backend: () => Backend): void {
  describe.each(Object.entries(cases))('%s', (_name, nodes) => {
    it('gives the reference’s values, folded', async () => {
      const network = withRandomWeights(nodes);
      const images = randomImages(2, 3);
      const tensors = tf.memory().numTensors;
      const values = await logits(backend(), network, images, { batchSize: 2 });
      expect(tf.memory().numTensors).toBe(tensors);
      const size = images.pixels.length / 2;
      for (const image of [0, 1]) {
        const x = Float32Array.from(images.pixels.subarray(image * size, (image + 1) * size), (value) => value / 255);
        const expected = referenceForward(network, x).get(logitsNode(network).id) ?? new Float32Array();
        const own = values.subarray((image * values.length) / 2, ((image + 1) * values.length) / 2);
        expect(distance(own, expected)).toBeLessThan(1e-4);
      }
    });

    it('has the gradients that finite differences show', () => {
      const network = withRandomWeights(nodes);
      const tensors = tf.memory().numTensors;
      for (const [key, [slope, expected]] of slopes(backend(), network)) {
        expect(Math.abs(slope - expected), `${key}: ${slope} against ${expected}`).toBeLessThan(0.02 * Math.abs(expected) + 3e-4);
      }
      expect(tf.memory().numTensors).toBe(tensors);
    });
  });
}

/** For each parameter, the slope of the loss in a random direction: by the gradient, and by a central difference. */
function slopes({ primitives }: Backend, network: Network): Map<string, [number, number]> {
  const plan = planOf(network, logitsNode(network).id, { fuse: 'training' });
  const keys = plan.steps.flatMap((step) => step.specs.filter(({ trainable }) => trainable).map(({ name }) => `${step.node.id}/${name}`));
  const random = createRandom(11);
  const classes = sizeOf(inferShapes(network).get(logitsNode(network).id) ?? []);
  const count = 4;
  const xs = Float32Array.from({ length: count * SIDE * SIDE * 3 }, () => random.normal());
  const labels = Float32Array.from({ length: count * classes }, (_, at) => (at % classes === 1 ? 1 : 0));
  const weights = upload(plan);
  const run = (): { loss: number; gradients: ReadonlyMap<string, Tensor> } => {
    const x = tf.tensor(xs, [count, SIDE, SIDE, 3]);
    const oneHot = tf.tensor(labels, [count, classes]);
    const loss = crossEntropy(primitives, { targets: oneHot });
    const result = gradientsOf(primitives, plan, weights, { x, loss }, {
      dropout: createRandom(7),
      batchNormalised: new Set(plan.steps.map(({ node }) => node.id)),
      parameters: new Set(keys),
      update: (_, tensor) => tensor.dispose(),
    }); // prettier-ignore
    return { loss: result.lossSum.dataSync()[0] / count, gradients: result.gradients };
  };
  const found = new Map<string, [number, number]>();
  for (const key of keys) {
    const own = weights.get(key);
    if (own === undefined) throw new Error(key);
    tf.tidy(() => {
      const size = own.size;
      const scale = 1 / Math.sqrt(size);
      const direction = tf.tensor(
        Float32Array.from({ length: size }, () => random.normal() * scale),
        own.shape,
      );
      const gradient = run().gradients.get(key);
      if (gradient === undefined) throw new Error(`no gradient of ${key}`);
      expect(gradient.shape).toEqual(own.shape);
      const slope = tf.sum(tf.mul(gradient, direction)).dataSync()[0];
      const step = 1e-3;
      const at = (t: number): number => {
        weights.set(key, tf.add(own, tf.mul(direction, t)));
        return run().loss;
      };
      const difference = (at(step) - at(-step)) / (2 * step);
      weights.set(key, own);
      found.set(key, [slope, difference]);
    });
  }
  tf.dispose([...weights.values()]);
  return found;
}
