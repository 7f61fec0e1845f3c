import { inferShapes, inputShapesOf, layerOf, weightsOf } from '../core/network/index.ts';
import type { LayerWeights, WeightSpec } from '../core/network/index.ts';
import type { Kind, Network, Node, Shape, Tensor } from '../core/network/types.ts';
import { operations } from './operations.ts';
import type { Operation } from './operations.ts';
import type { Pads } from './primitives/types.ts';

/** One thing to run: a node, with what was fused into it. */
export interface Step {
  /** The node whose output this step gives: the last of those fused. */
  readonly id: string;
  readonly node: Node;
  readonly inputs: readonly string[];
  readonly weights: LayerWeights;
  readonly specs: readonly WeightSpec[];
  readonly pads?: Pads;
  readonly activation?: { readonly maxValue: number | null };
}

export interface Plan {
  readonly steps: readonly Step[];
  /** Where the image batch goes in. */
  readonly input: string;
  readonly output: string;
  readonly inputShape: Shape;
  readonly outputShape: Shape;
}

/** The operation of a step's kind; the table ties kind and config together, which the type of a step cannot say. */
export function operationOf(step: Step | Node): Operation<Kind> {
  const { kind } = 'node' in step ? step.node : step;
  return operations[kind] as Operation<Kind>;
}

/**
 * The steps that lead to `output`, in order.
 * `fuse: 'inference'` folds BatchNormalization into the layer before it and runs ReLU with it; `training` only lets convolutions
 * pad by themselves. Nodes in `observed` keep an output of their own.
 * @throws Failure `shape-mismatch` or `unsupported-layer` naming the layer.
 */
export function planOf(
  network: Network,
  output: string,
  options: { readonly fuse: 'inference' | 'training'; readonly observed?: ReadonlySet<string> },
): Plan {
  const shapes = inferShapes(network);
  const needed = ancestors(network, output);
  const nodes = network.nodes.filter((node) => needed.has(node.id));
  const readers = new Map<string, number>([[output, 1]]);
  for (const id of nodes.flatMap((node) => node.inputs)) readers.set(id, (readers.get(id) ?? 0) + 1);
  const fusable = (id: string): boolean => readers.get(id) === 1 && id !== output && options.observed?.has(id) !== true;

  const steps = new Map<string, Step>();
  for (const node of nodes) {
    const before = steps.get(node.inputs[0]);
    const own: Step = {
      id: node.id,
      node,
      inputs: node.inputs,
      weights: weightsOf(network, node, shapes),
      specs: layerOf(node.kind).weights(node, inputShapesOf(node, shapes)),
    };
    const padded = before !== undefined && fusable(before.id) ? withPadding(before, own) : undefined;
    const fused = before !== undefined && options.fuse === 'inference' && fusable(before.id) ? withFollower(before, own) : undefined;
    if (before !== undefined && (padded ?? fused) !== undefined) steps.delete(before.id);
    steps.set(node.id, padded ?? fused ?? own);
  }
  return {
    steps: [...steps.values()],
    input: network.nodes[0].id,
    output,
    inputShape: shapes.get(network.nodes[0].id) ?? [],
    outputShape: shapes.get(output) ?? [],
  };
}

function ancestors(network: Network, output: string): Set<string> {
  const needed = new Set([output, network.nodes[0].id]);
  for (const node of [...network.nodes].reverse()) {
    if (needed.has(node.id)) for (const input of node.inputs) needed.add(input);
  }
  return needed;
}

/** A convolution that takes over the zero padding before it. */
function withPadding(before: Step, own: Step): Step | undefined {
  const pads = operationOf(before).asPadding?.(before.node.config);
  const window = operationOf(own).window?.(own.node.config);
  if (pads === undefined || window?.pads !== 'valid') return undefined;
  return { ...own, inputs: before.inputs, pads };
}

/** A convolution or Dense that takes the scale or activation after it over. */
function withFollower(before: Step, own: Step): Step | undefined {
  if (!operationOf(before).affine || before.activation !== undefined) return undefined;
  const activation = operationOf(own).asActivation?.(own.node.config);
  if (activation !== undefined) return { ...before, id: own.id, activation };
  const values = Object.fromEntries(Object.entries(own.weights).map(([name, { data }]) => [name, data]));
  const scale = operationOf(own).asScale?.(own.node.config, values);
  if (scale === undefined) return undefined;
  return { ...before, id: own.id, weights: scaled(before.weights, scale) };
}

/** kernel · factor and bias · factor + shift per output channel. */
function scaled(weights: LayerWeights, { factor, shift }: { factor: Float32Array; shift: Float32Array }): LayerWeights {
  const { kernel, bias } = weights;
  const channels = factor.length;
  const newKernel: Tensor = { shape: kernel.shape, data: kernel.data.map((value, at) => value * factor[at % channels]) };
  const newBias: Tensor = { shape: [channels], data: shift.map((value, c) => value + (bias?.data[c] ?? 0) * factor[c]) };
  return { ...weights, kernel: newKernel, bias: newBias };
}
