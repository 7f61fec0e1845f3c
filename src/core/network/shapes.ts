import { Failure } from '../failure.ts';
import { isKind, layerOf } from './layers/index.ts';
import { mismatch, type LayerWeights } from './layers/definition.ts';
import type { Network, Node, Shape, Tensor } from './types.ts';

/**
 * The shape of every node's output, without the batch axis.
 * @throws Failure `shape-mismatch` naming the layer whose inputs do not fit or do not come before it; `unsupported-layer`.
 */
export function inferShapes(network: Network | readonly Node[]): Map<string, Shape> {
  const nodes = 'nodes' in network ? network.nodes : network;
  const shapes = new Map<string, Shape>();
  for (const node of nodes) {
    if (!isKind(node.kind)) unsupported(node);
    const layer = layerOf(node.kind);
    const inputs = node.inputs.map((input) => {
      const shape = shapes.get(input);
      if (shape === undefined) throw mismatch(node, `reads "${input}", which is no layer before it`);
      return shape;
    });
    const [fewest, most] = layer.inputs;
    if (inputs.length < fewest || inputs.length > most) throw mismatch(node, `cannot have ${inputs.length} inputs`);
    const shape = layer.outputShape(node, inputs);
    if (!shape.every((side) => Number.isInteger(side) && side > 0)) {
      throw mismatch(node, `would have the shape [${shape.join(', ')}]`);
    }
    shapes.set(node.id, shape);
  }
  return shapes;
}

/** The parser of a file can meet a kind that the types do not know; it is refused by name. */
function unsupported(node: { readonly id: string; readonly kind: string }): never {
  throw new Failure('unsupported-layer', `Layer "${node.id}" is of kind "${node.kind}", which is not supported.`, {
    hint: 'Replace the layer by supported ones and export the model again.',
    field: node.id,
  });
}

/** Shapes of a node's inputs, in order, from {@link inferShapes}. */
export function inputShapesOf(node: Node, shapes: ReadonlyMap<string, Shape>): readonly Shape[] {
  return node.inputs.map((input) => shapes.get(input) ?? []);
}

/** A node's own weights by their short names. */
export function weightsOf(network: Network, node: Node, shapes: ReadonlyMap<string, Shape>): LayerWeights {
  const weights: Record<string, Tensor> = {};
  for (const { name } of layerOf(node.kind).weights(node, inputShapesOf(node, shapes))) {
    const tensor = network.weights.get(`${node.id}/${name}`);
    if (tensor === undefined) throw mismatch(node, `has no weight "${name}"`);
    weights[name] = tensor;
  }
  return weights;
}
