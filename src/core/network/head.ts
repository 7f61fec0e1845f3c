import { Failure } from '../failure.ts';
import type { Random } from '../random.ts';
import { sizeOf } from './layers/definition.ts';
import { layerOf } from './layers/index.ts';
import { inferShapes, inputShapesOf } from './shapes.ts';
import { classifierNode, reconfigured } from './structure.ts';
import type { Network, Tensor } from './types.ts';

/** Standard deviation of a new classifier's kernel: small, so that the first predictions are near uniform. */
const INITIAL_DEVIATION = 0.01;

/**
 * The network with a new classifier of one output per class name: normal kernel (σ = 0.01), zero bias, everything else
 * kept. The classifier is the last Dense, or the last convolution where only pooling follows it (SqueezeNet).
 * @throws Failure `invalid-request` for fewer than two classes; `unsupported-layer` when there is no one classifier.
 */
export function replaceHead(network: Network, classNames: readonly string[], random: Random): Network {
  if (classNames.length < 2) {
    throw new Failure('invalid-request', `A classifier needs at least two classes, not ${classNames.length}.`, {
      hint: 'Give a dataset with two or more classes.',
      field: 'classNames',
    });
  }
  const old = classifierNode(network);
  const head = reconfigured(old, layerOf(old.kind).withOutputs?.(old, classNames.length) ?? old.config);
  const nodes = network.nodes.map((node) => (node.id === head.id ? head : node));
  const shapes = inferShapes(nodes);
  const weights = new Map(network.weights);
  for (const { name, shape, decay } of layerOf(head.kind).weights(head, inputShapesOf(head, shapes))) {
    const data = new Float32Array(sizeOf(shape));
    // Kernels are what decays; a bias starts at zero.
    const tensor: Tensor = { shape, data: decay ? data.map(() => INITIAL_DEVIATION * random.normal()) : data };
    weights.set(`${head.id}/${name}`, tensor);
  }
  return { nodes, weights, metadata: { ...network.metadata, classNames: [...classNames] } };
}
