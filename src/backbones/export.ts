import type { Network, Node, Shape, Tensor } from '../core/network/types.ts';
import { inferShapes, inputShapesOf, layerOf } from '../core/network/index.ts';
import { blueprintOf, familyOf, topologyOf } from './build.ts';
import { namedWeights, torchNaming } from './weights.ts';

/**
 * The weights of a network as its architecture's original in PyTorch names, lays out and shapes them: what `load_state_dict` takes.
 * A pruned network has the same names and other widths. Undefined where the network is of no architecture that is known here, or has
 * other layers than it.
 */
export function torchTensors(network: Network): readonly (readonly [name: string, tensor: Tensor])[] | undefined {
  const { architecture } = network.metadata;
  if (architecture === undefined || architecture.startsWith('keras:') || familyOf(architecture) === null) return undefined;
  if (weighted(topologyOf(architecture).nodes).join() !== weighted(network.nodes).join()) return undefined;
  const { storedShape = (_name: string, shape: Shape) => shape } = blueprintOf(architecture);
  return namedWeights(network, torchNaming).map(([name, { shape, data }]) => [name, { shape: storedShape(name, shape), data }]);
}

/** Kind and id of the layers that have weights. */
function weighted(nodes: readonly Node[]): string[] {
  const shapes = inferShapes(nodes);
  return nodes
    .filter((node) => layerOf(node.kind).weights(node, inputShapesOf(node, shapes)).length > 0)
    .map(({ id, kind }) => `${kind} ${id}`);
}
