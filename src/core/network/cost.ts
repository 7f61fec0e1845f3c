import { layerOf } from './layers/index.ts';
import { sizeOf } from './layers/definition.ts';
import { inferShapes, inputShapesOf } from './shapes.ts';
import type { Network, Node, Shape } from './types.ts';

/** Cost of one example (METHOD.md §6). */
export interface Cost {
  /** Multiply-accumulates of convolutions and Dense layers. */
  readonly macs: number;
  /** 2 · macs. */
  readonly flops: number;
  /** Trainable values; moving statistics are not parameters. */
  readonly params: number;
  /** All stored values as float32, moving statistics included. */
  readonly bytes: number;
}

export interface NetworkCost extends Cost {
  readonly byNode: ReadonlyMap<string, Cost>;
}

/**
 * MACs, FLOPs, parameters and bytes, in all and by node. Weights are counted by what the layers declare, so nodes
 * without weights (a planned network) can be costed too.
 */
export function costOf(network: Network | readonly Node[]): NetworkCost {
  const nodes = 'nodes' in network ? network.nodes : network;
  const shapes = inferShapes(nodes);
  const byNode = new Map<string, Cost>();
  const total = { macs: 0, flops: 0, params: 0, bytes: 0 };
  for (const node of nodes) {
    const cost = costOfNode(node, inputShapesOf(node, shapes), shapes.get(node.id) ?? []);
    byNode.set(node.id, cost);
    total.macs += cost.macs;
    total.flops += cost.flops;
    total.params += cost.params;
    total.bytes += cost.bytes;
  }
  return { ...total, byNode };
}

/** Cost of one layer with inputs and an output of these shapes. */
export function costOfNode(node: Node, inputs: readonly Shape[], output: Shape): Cost {
  const layer = layerOf(node.kind);
  const macs = layer.macs(node, inputs, output);
  const cost = { macs, flops: 2 * macs, params: 0, bytes: 0 };
  for (const spec of layer.weights(node, inputs)) {
    const size = sizeOf(spec.shape);
    if (spec.trainable) cost.params += size;
    cost.bytes += size * Float32Array.BYTES_PER_ELEMENT;
  }
  return cost;
}
