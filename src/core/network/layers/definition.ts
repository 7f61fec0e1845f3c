import { Failure } from '../../failure.ts';
import type { Configs, Kind, NodeOf, Pair, Padding, Shape, Tensor } from '../types.ts';

/** One weight of a layer. Its axes say where the layer's output and input channels lie in it, for cutting and grouping. */
export interface WeightSpec {
  /** Keras's name: kernel, bias, gamma, beta, moving_mean, moving_variance. */
  readonly name: string;
  readonly shape: readonly number[];
  /** False for moving statistics: they are state, not parameters. */
  readonly trainable: boolean;
  /** Whether weight decay applies: kernels yes; bias and BatchNormalization no. */
  readonly decay: boolean;
  /** Axis that runs over the layer's output channels. */
  readonly outAxis?: number;
  /** Axis that runs over the layer's input channels (those of one convolution group in a grouped convolution). */
  readonly inAxis?: number;
}

/** Kernels as rows: N kernels of D values each, row-major. Row i belongs to output channel i. */
export interface KernelMatrix {
  readonly count: number;
  readonly size: number;
  readonly values: Float32Array;
}

/** A layer's own weights by name (without the node's id). */
export type LayerWeights = Readonly<Record<string, Tensor>>;

/** Channels that stay: ascending indices per input, and of the output. */
export interface Kept {
  readonly inputs: readonly (readonly number[])[];
  readonly output: readonly number[];
}

/** How a layer says which channels can only leave together. */
export interface Coupler {
  /**
   * Output channel `to` is made of channel `from` of input `input` alone (or with others that are tied likewise); so are
   * those that follow, `count` in all and one unless given.
   */
  through(input: number, from: number, to: number, count?: number): void;
  /** Two channels of one input leave together. */
  inputs(input: number, a: number, b: number): void;
  /** Two output channels leave together. */
  outputs(a: number, b: number): void;
  /** No channel of this input may leave. */
  pin(input: number, reason: string): void;
}

/**
 * Everything that shared code needs to know of a layer kind; the engine adds one forward op for it.
 * Shapes have no batch axis, channels are last. Failures name the layer.
 */
export interface Layer<K extends Kind> {
  /** Least and largest number of inputs. */
  readonly inputs: readonly [number, number];
  /** True where convolution kernels make the output: the layers that `layers: "conv"` scores and prunes. */
  readonly convolution: boolean;
  /**
   * True where the output channels are new: an input channel can leave without an output channel, and the other way round.
   * Such layers are where dependency groups start and end.
   */
  readonly produces: boolean;
  /** What the layer does to the channels that it passes on, as far as reading activations goes. */
  readonly role: 'entrance' | 'kernels' | 'normalisation' | 'activation' | 'probability' | 'other';
  /** Whether no output value is below zero. */
  nonNegative(node: NodeOf<K>): boolean;
  /** @throws Failure `shape-mismatch` naming the layer when the inputs do not fit. */
  outputShape(node: NodeOf<K>, inputs: readonly Shape[]): Shape;
  weights(node: NodeOf<K>, inputs: readonly Shape[]): readonly WeightSpec[];
  /** Multiply-accumulates of one example; bias, BatchNormalization, activations and pooling count 0 (METHOD.md §6). */
  macs(node: NodeOf<K>, inputs: readonly Shape[], output: Shape): number;
  /** Says in half a sentence why the layer's channels hang together, for display. */
  readonly coupling: string;
  couple(node: NodeOf<K>, inputs: readonly Shape[], output: Shape, coupler: Coupler): void;
  /** The configuration with only the kept channels; weights are cut along the axes of their specs. */
  resized(node: NodeOf<K>, kept: Kept): Configs[K];
  /** Kept indices along the weights' input axis, given the kept channels of the first input. */
  keptWithin(node: NodeOf<K>, inputs: readonly Shape[], kept: readonly number[]): readonly number[];
  /** The configuration that does not react to input channels that are not kept; weights along the input axis are zeroed. */
  blinded(node: NodeOf<K>, kept: readonly number[]): Configs[K];
  /** For layers that can be a classifier: the configuration with another number of output channels. */
  withOutputs?(node: NodeOf<K>, channels: number): Configs[K];
  /** The kernels as rows, for layers that have kernels. */
  kernels?(node: NodeOf<K>, weights: LayerWeights): KernelMatrix;
}

export function mismatch(node: { readonly id: string; readonly kind: string }, what: string): Failure {
  return new Failure('shape-mismatch', `Layer "${node.id}" (${node.kind}) ${what}.`, {
    hint: 'Check the layer before it and its configuration.',
    field: node.id,
  });
}

export const channelsOf = (shape: Shape): number => shape[shape.length - 1] ?? 0;

export const sizeOf = (shape: readonly number[]): number => shape.reduce((product, side) => product * side, 1);

/** Shape of a feature map as [height, width, channels]. */
export function mapOf(node: NodeOf<Kind>, shape: Shape): readonly [number, number, number] {
  if (shape.length !== 3) throw mismatch(node, `needs a feature map but gets shape [${shape.join(', ')}]`);
  return [shape[0], shape[1], shape[2]];
}

/** Output side and padding before the first value, as TensorFlow counts them. */
export function windowed(
  input: number,
  window: number,
  stride: number,
  padding: Padding,
  dilation = 1,
): { readonly output: number; readonly before: number } {
  const extent = (window - 1) * dilation + 1;
  if (padding === 'valid') return { output: Math.floor((input - extent) / stride) + 1, before: 0 };
  const output = Math.ceil(input / stride);
  const total = Math.max(0, (output - 1) * stride + extent - input);
  return { output, before: Math.floor(total / 2) };
}

/** [height, width] after a sliding window; fails where the window does not fit. */
export function windowedMap(
  node: NodeOf<Kind>,
  height: number,
  width: number,
  window: { readonly size: Pair; readonly strides: Pair; readonly padding: Padding; readonly dilation?: Pair },
): Pair {
  const { dilation = [1, 1] } = window;
  if (![...window.size, ...window.strides, ...dilation].every((value) => Number.isInteger(value) && value >= 1)) {
    throw mismatch(node, 'has a window, stride or dilation that is no whole number from 1 up');
  }
  const rows = windowed(height, window.size[0], window.strides[0], window.padding, dilation[0]).output;
  const columns = windowed(width, window.size[1], window.strides[1], window.padding, dilation[1]).output;
  if (!(rows >= 1 && columns >= 1)) {
    throw mismatch(node, `has a window of ${window.size.join('×')} that does not fit a map of ${height}×${width}`);
  }
  return [rows, columns];
}

/** Every output channel is the same channel of the inputs. */
export function coupleIdentically(inputs: readonly Shape[], output: Shape, coupler: Coupler): void {
  for (let input = 0; input < inputs.length; input++) coupler.through(input, 0, 0, channelsOf(output));
}

/** What most kinds share: one input, channels passed through, nothing to count; an entry says what is otherwise. */
export function passing<K extends Kind>(own: Pick<Layer<K>, 'outputShape'> & Partial<Layer<K>>): Layer<K> {
  return {
    inputs: [1, 1],
    convolution: false,
    produces: false,
    role: 'other',
    nonNegative: () => false,
    weights: () => [],
    macs: () => 0,
    coupling: 'passes each channel on',
    couple: (_node, inputs, output, coupler) => coupleIdentically(inputs, output, coupler),
    resized: (node) => node.config,
    keptWithin: (_node, _inputs, kept) => kept,
    blinded: (node) => node.config,
    ...own,
  };
}
