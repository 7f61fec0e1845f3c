import { Failure } from '../failure.ts';
import { layerOf } from './layers/index.ts';
import { mismatch, sizeOf } from './layers/definition.ts';
import { inferShapes, inputShapesOf } from './shapes.ts';
import type { Network } from './types.ts';

/**
 * Checks everything that the rest of the code trusts: one Input and first, unique ids, topological order, known kinds,
 * shapes that fit, exactly the weights that the layers declare, and finite values.
 * @throws Failure `malformed-file`, `unsupported-layer`, `shape-mismatch` or `non-finite-weights`, naming the layer.
 */
export function validateNetwork(network: Network): void {
  const ids = new Set<string>();
  for (const [place, node] of network.nodes.entries()) {
    if (ids.has(node.id)) throw malformed(`Two layers are called "${node.id}".`, node.id);
    ids.add(node.id);
    if ((node.kind === 'Input') !== (place === 0)) {
      throw malformed(`The network must have exactly one Input, as its first layer; "${node.id}" breaks that.`, node.id);
    }
  }
  if (network.nodes.length === 0) throw malformed('The network has no layers.');
  validateWeights(network);
}

function validateWeights(network: Network): void {
  const shapes = inferShapes(network);
  const declared = new Set<string>();
  for (const node of network.nodes) {
    for (const { name, shape } of layerOf(node.kind).weights(node, inputShapesOf(node, shapes))) {
      const key = `${node.id}/${name}`;
      declared.add(key);
      const tensor = network.weights.get(key);
      if (tensor === undefined) throw mismatch(node, `has no weight "${name}"`);
      if (tensor.shape.join() !== shape.join() || tensor.data.length !== sizeOf(shape)) {
        throw mismatch(node, `needs "${name}" of shape [${shape.join(', ')}] but has [${tensor.shape.join(', ')}]`);
      }
      const at = firstNonFinite(tensor.data);
      if (at >= 0) {
        throw new Failure('non-finite-weights', `Weight "${name}" of layer "${node.id}" is ${tensor.data[at]} at index ${at}.`, {
          hint: 'The training of this model diverged; use an earlier checkpoint.',
          field: node.id,
        });
      }
    }
  }
  for (const key of network.weights.keys()) {
    if (!declared.has(key)) throw malformed(`Weight "${key}" belongs to no layer.`, key);
  }
}

/** Its index, or −1. A plain loop: every value of every network that is opened comes by here. */
function firstNonFinite(values: Float32Array): number {
  for (let at = 0; at < values.length; at++) if (values[at] - values[at] !== 0) return at;
  return -1;
}

function malformed(message: string, field?: string): Failure {
  return new Failure('malformed-file', message, { hint: 'Export the model again.', field });
}
