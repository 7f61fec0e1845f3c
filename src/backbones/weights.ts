import type { Kind, Network, Node, Shape, Tensor } from '../core/network/types.ts';
import { Failure } from '../core/failure.ts';
import { inferShapes, inputShapesOf, layerOf, nodeOf, sizeOf, validateNetwork, weightsOf } from '../core/network/index.ts';
import type { Topology } from './build.ts';

/** How another framework names and lays out the weights of an architecture here. */
export interface WeightNaming {
  nameOf(node: Node, weight: string): string;
  /** The stored shape, and where in it our values lie. `flattened` is the map that a Dense sees flattened, if it does. */
  layoutOf(kind: Kind, shape: Shape, flattened: Shape | undefined): Layout;
  /** Tensors that carry nothing for inference. */
  ignores(name: string): boolean;
}

interface Layout {
  readonly storedShape: readonly number[];
  /** Our values in order, over these sides … */
  readonly sides: readonly number[];
  /** … lie in the stored tensor at these steps. */
  readonly steps: readonly number[];
}

const torchNames: Readonly<Record<string, string>> = {
  kernel: 'weight',
  bias: 'bias',
  gamma: 'weight',
  beta: 'bias',
  moving_mean: 'running_mean',
  moving_variance: 'running_var',
};

/** Ours by the given axes of the stored tensor: ours[i0, i1, …] = stored with axis axes[k] at ik. */
function transposed(sides: Shape, axes: readonly number[]): Layout {
  const storedShape = sides.map((_, axis) => sides[axes.indexOf(axis)]);
  return { storedShape, sides, steps: axes.map((axis) => sizeOf(storedShape.slice(axis + 1))) };
}

/** A kernel (in, out) from (out, in), where `in` is a flattened map that PyTorch holds channels first. */
function denseLayout(shape: Shape, flattened: Shape | undefined): Layout {
  if (flattened?.length !== 3) return transposed(shape, [1, 0]);
  const [height, width, channels] = flattened;
  return { ...transposed([height, width, channels, shape[1]], [2, 3, 1, 0]), storedShape: [shape[1], shape[0]] };
}

/** Calls with every place of ours, in order, and where the value lies in the stored tensor. */
function eachPlace({ sides, steps }: Layout, visit: (ours: number, stored: number) => void): void {
  const size = sizeOf(sides);
  const at = sides.map(() => 0);
  const inner = sides.length - 1;
  let from = 0;
  for (let i = 0; i < size;) {
    for (let k = 0; k < sides[inner]; k++) visit(i++, from + k * steps[inner]);
    for (let axis = inner - 1; axis >= 0; axis--) {
      from += steps[axis];
      at[axis]++;
      if (at[axis] < sides[axis]) break;
      from -= at[axis] * steps[axis];
      at[axis] = 0;
    }
  }
}

function inOurOrder(stored: Float32Array, layout: Layout): Float32Array {
  const data = new Float32Array(stored.length);
  eachPlace(layout, (ours, from) => void (data[ours] = stored[from]));
  return data;
}

function inStoredOrder(ours: Float32Array, layout: Layout): Float32Array {
  const data = new Float32Array(ours.length);
  eachPlace(layout, (from, to) => void (data[to] = ours[from]));
  return data;
}

const torchLayouts: Partial<Record<Kind, (shape: Shape, flattened: Shape | undefined) => Layout>> = {
  Conv2D: (shape) => transposed(shape, [2, 3, 1, 0]),
  // (height, width, channels, multiplier) from (channels · multiplier, 1, height, width).
  DepthwiseConv2D(shape) {
    const [height, width, channels, multiplier] = shape;
    return { ...transposed(shape, [2, 3, 0, 1]), storedShape: [channels * multiplier, 1, height, width] };
  },
  Dense: denseLayout,
};

/** A module's parameter, except where the module is a bare parameter. */
function torchName({ id, kind }: Node, weight: string): string {
  return kind === 'LayerScale' ? id : `${id}.${torchNames[weight]}`;
}

/** PyTorch state dicts: a node's id is its module path; kernels are OIHW, Dense kernels (out, in), flattened maps channels first. */
export const torchNaming: WeightNaming = {
  nameOf: torchName,
  layoutOf(kind, shape, flattened) {
    const layout = shape.length > 1 ? torchLayouts[kind] : undefined;
    return layout ? layout(shape, flattened) : { storedShape: shape, sides: shape, steps: [1] };
  },
  ignores: (name) => name.endsWith('.num_batches_tracked'),
};

/**
 * The topology with the weights of a checkpoint.
 *
 * @param tensors the checkpoint by its own names, float32
 * @throws Failure `shape-mismatch` naming the first tensor that is missing, mis-shaped or surplus; `non-finite-weights`
 */
export function loadWeights({ nodes, metadata }: Topology, tensors: ReadonlyMap<string, Tensor>, naming: WeightNaming): Network {
  const weights = new Map<string, Tensor>();
  const unused = new Set([...tensors.keys()].filter((name) => !naming.ignores(name)));
  const shapes = inferShapes(nodes);
  const network: Network = { nodes, metadata, weights };
  for (const node of nodes) {
    const flattened = flattenedMap(network, node, shapes);
    for (const { name, shape } of layerOf(node.kind).weights(node, inputShapesOf(node, shapes))) {
      const stored = naming.nameOf(node, name);
      const tensor = tensors.get(stored);
      const layout = naming.layoutOf(node.kind, shape, flattened);
      if (!tensor) throw unfit(metadata.name, stored, 'is missing');
      if (withoutOnes(tensor.shape) !== withoutOnes(layout.storedShape)) {
        throw unfit(metadata.name, stored, `has shape [${tensor.shape.join(', ')}] instead of [${layout.storedShape.join(', ')}]`);
      }
      weights.set(`${node.id}/${name}`, { shape, data: inOurOrder(tensor.data, layout) });
      unused.delete(stored);
    }
  }
  const [surplus] = unused;
  if (surplus !== undefined) throw unfit(metadata.name, surplus, 'belongs to no layer');
  validateNetwork(network);
  return network;
}

/**
 * Undoes {@link loadWeights}: the weights of a network by the names and in the layout of another framework, in the order of the nodes.
 */
export function namedWeights(network: Network, naming: WeightNaming): readonly (readonly [name: string, tensor: Tensor])[] {
  const shapes = inferShapes(network);
  return network.nodes.flatMap((node) => {
    const flattened = flattenedMap(network, node, shapes);
    return Object.entries(weightsOf(network, node, shapes)).map(([name, { shape, data }]) => {
      const layout = naming.layoutOf(node.kind, shape, flattened);
      return [naming.nameOf(node, name), { shape: layout.storedShape, data: inStoredOrder(data, layout) }] as const;
    });
  });
}

/** A 1×1 convolution is a linear layer of every position, so axes of one decide nothing. */
const withoutOnes = (shape: Shape): string => shape.filter((side) => side !== 1).join();

/** The map [height, width, channels] that reaches a node flattened, through nothing but vectors; undefined otherwise. */
function flattenedMap(network: Network, node: Node, shapes: ReadonlyMap<string, Shape>): Shape | undefined {
  const [from] = node.inputs;
  if (from === undefined || layerOf(node.kind).role !== 'kernels') return undefined;
  for (let at = nodeOf(network, from); ; at = nodeOf(network, at.inputs[0])) {
    if (at.kind === 'Flatten') return shapes.get(at.inputs[0]);
    if (at.inputs.length !== 1 || layerOf(at.kind).produces || shapes.get(at.id)?.length !== 1) return undefined;
  }
}

function unfit(architecture: string, name: string, what: string): Failure {
  return new Failure('shape-mismatch', `Tensor "${name}" ${what} for ${architecture}.`, {
    hint: 'Name the architecture that the weights were trained in.',
    field: name,
  });
}
