import { Failure } from '../failure.ts';
import { layerOf } from './layers/index.ts';
import type { KernelMatrix, LayerWeights } from './layers/definition.ts';
import { inferShapes, weightsOf } from './shapes.ts';
import type { Configs, Kind, Network, Node } from './types.ts';

/** The node by its id; asking for one that is not there is a defect. */
export function nodeOf(network: Network, id: string): Node {
  const node = network.nodes.find((candidate) => candidate.id === id);
  if (node === undefined) throw new Error(`The network has no layer "${id}".`);
  return node;
}

/** The node with another configuration of its own kind (the kinds of the two arguments are tied by the layer table). */
export function reconfigured(node: Node, config: Configs[Kind]): Node {
  return { ...node, config } as Node;
}

/** The node whose output are the logits: the last one, or the one before a final Softmax. */
export function logitsNode(network: Network): Node {
  const last = network.nodes[network.nodes.length - 1];
  return layerOf(last.kind).role === 'probability' ? nodeOf(network, last.inputs[0]) : last;
}

/**
 * The layer that makes one channel per class: the last Dense, or the last convolution where only pooling, activation
 * or dropout follow it (SqueezeNet's 1×1 convolution).
 * @throws Failure `unsupported-layer` when the logits come from several layers.
 */
export function classifierNode(network: Network): Node {
  let node = logitsNode(network);
  while (layerOf(node.kind).withOutputs === undefined) {
    if (node.inputs.length !== 1) {
      throw new Failure('unsupported-layer', `The network's classes are not made by one layer: "${node.id}" joins several.`, {
        hint: 'End the network with one Dense layer, or one convolution and a global pooling.',
        field: node.id,
      });
    }
    node = nodeOf(network, node.inputs[0]);
  }
  return node;
}

/** The node whose output are the penultimate features: the classifier's input. Average a map over its positions. */
export function featuresNode(network: Network): Node {
  return nodeOf(network, classifierNode(network).inputs[0]);
}

export interface ActivationSite {
  /** The convolution's id. */
  readonly conv: string;
  /** Where its channels are read. */
  readonly read: string;
  /** False where values are signed, so that the Dice rescaling applies. */
  readonly nonNegative: boolean;
}

/**
 * Where each convolution's activations are read (METHOD.md §1): after its BatchNormalization and its activation; where
 * anything else reads the value before the activation (an Add, several layers), before that, signed.
 */
export function activationSites(network: Network): ActivationSite[] {
  const readers = new Map<string, Node[]>();
  for (const node of network.nodes) {
    for (const input of node.inputs) readers.set(input, [...(readers.get(input) ?? []), node]);
  }
  return network.nodes
    .filter((node) => layerOf(node.kind).convolution)
    .map((conv) => {
      let read = conv;
      for (const role of ['normalisation', 'activation']) {
        const [next, other] = readers.get(read.id) ?? [];
        if (next !== undefined && other === undefined && layerOf(next.kind).role === role) read = next;
      }
      return { conv: conv.id, read: read.id, nonNegative: layerOf(read.kind).nonNegative(read) };
    });
}

/**
 * The kernels of a layer as rows, one per output channel: Conv2D N = filters, D = kh·kw·in/groups; DepthwiseConv2D
 * N = in·multiplier, D = kh·kw; Dense N = units, D = in.
 * @throws Failure `unsupported-layer` for a layer without kernels.
 */
export function kernelMatrix(node: Node, weights: LayerWeights): KernelMatrix {
  const kernels = layerOf(node.kind).kernels?.(node, weights);
  if (kernels === undefined) {
    throw new Failure('unsupported-layer', `Layer "${node.id}" (${node.kind}) has no kernels.`, {
      hint: 'Name a convolution or a Dense layer.',
      field: node.id,
    });
  }
  return kernels;
}

/** Every layer with kernels, in order; `conv` leaves Dense out (METHOD.md §1). Kernels are laid out each time they are asked for, and not held. */
export function kernelLayers(network: Network, layers: 'conv' | 'all'): { readonly node: Node; readonly kernels: KernelMatrix }[] {
  const shapes = inferShapes(network);
  return network.nodes
    .filter(({ kind }) => layerOf(kind).kernels !== undefined && (layers === 'all' || layerOf(kind).convolution))
    .map((node) => ({
      node,
      get kernels() {
        return kernelMatrix(node, weightsOf(network, node, shapes));
      },
    }));
}
