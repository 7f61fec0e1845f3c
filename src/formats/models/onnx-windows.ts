import type { Padding, Pair, Shape } from '../../core/network/types.ts';
import { layerOf } from '../../core/network/index.ts';
import type { OnnxGraph, Value } from './onnx-graph.ts';
import { samePads, transposed } from './onnx-layout.ts';
import type { OnnxNode } from './onnx-proto.ts';

/** Integers of an attribute, or the default. */
export function intsOf({ attributes }: OnnxNode, name: string, otherwise: readonly number[]): readonly number[] {
  const ints = attributes.get(name)?.ints ?? [];
  return ints.length > 0 ? ints : otherwise;
}

export function intOf({ attributes }: OnnxNode, name: string, otherwise: number): number {
  return attributes.get(name)?.int ?? otherwise;
}

export function floatOf({ attributes }: OnnxNode, name: string, otherwise: number): number {
  return attributes.get(name)?.float ?? otherwise;
}

/** The value as a map with its channels second. */
export function mapOf(graph: OnnxGraph, operation: OnnxNode, name = operation.inputs[0]): Value {
  const value = graph.solid(operation, name);
  if (value.layout !== 'channels-first') throw graph.unsupported(operation, 'does not get a map of (N, C, H, W)');
  return value;
}

type Pads = readonly [top: number, left: number, bottom: number, right: number];

interface Window {
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilation: Pair;
}

/** Reads kernel, strides, dilation and pads of a convolution or pooling. */
function windowOf(graph: OnnxGraph, operation: OnnxNode, map: Shape, kernelShape?: readonly number[]): Window & { pads: Pads } {
  const pair = (values: readonly number[], what: string): Pair => {
    if (values.length !== 2) throw graph.unsupported(operation, `has ${values.length} ${what} instead of two`);
    return [values[0], values[1]];
  };
  const kernel = pair(intsOf(operation, 'kernel_shape', kernelShape ?? []), 'sides of its kernel');
  const strides = pair(intsOf(operation, 'strides', [1, 1]), 'strides');
  const dilation = pair(intsOf(operation, 'dilations', [1, 1]), 'dilations');
  const automatic = operation.attributes.get('auto_pad')?.text ?? 'NOTSET';
  const window = { kernel, strides, dilation };
  if (automatic === 'NOTSET') {
    const [top, left, bottom, right, ...more] = intsOf(operation, 'pads', [0, 0, 0, 0]);
    if (right === undefined || more.length > 0 || Math.min(top, left, bottom, right) < 0) {
      throw graph.unsupported(operation, 'has pads that are not those of a map');
    }
    return { ...window, pads: [top, left, bottom, right] };
  }
  const [top, left, bottom, right] = automatic === 'VALID' ? [0, 0, 0, 0] : samePads(map, window);
  return { ...window, pads: automatic === 'SAME_LOWER' ? [bottom, right, top, left] : [top, left, bottom, right] };
}

/** The window with Keras's padding where that says the same, and else after explicit zeros. */
function padded(graph: OnnxGraph, id: string, from: string, window: Window & { pads: Pads }): { from: string; padding: Padding } {
  const { pads } = window;
  if (pads.every((side) => side === 0)) return { from, padding: 'valid' };
  if (pads.join() === samePads(graph.shapeOf(from), window).join()) return { from, padding: 'same' };
  const [top, left, bottom, right] = pads;
  const padding = [
    [top, bottom],
    [left, right],
  ] as const;
  return { from: graph.add('ZeroPadding2D', `${id}.pad`, { padding }, [from]), padding: 'valid' };
}

export function convolution(graph: OnnxGraph, operation: OnnxNode): void {
  const [, weightName, biasName = ''] = operation.inputs;
  const value = mapOf(graph, operation);
  const weight = graph.kernel(operation, weightName);
  if (weight.shape.length !== 4) throw graph.unsupported(operation, `has a kernel of ${weight.shape.length} axes`);
  const [filters, each, ...kernelShape] = weight.shape;
  const id = graph.idOf(operation, weightName);
  const map = graph.shapeOf(value.id);
  const window = windowOf(graph, operation, map, kernelShape);
  if (window.kernel.join() !== kernelShape.join()) throw graph.unsupported(operation, 'has a kernel of another shape than it says');
  const { from, padding } = padded(graph, id, value.id, window);
  const groups = intOf(operation, 'group', 1);
  const useBias = biasName !== '';
  const { kernel: kernelSize, strides, dilation: dilationRate } = window;
  const place = { kernelSize, strides, padding, dilationRate, useBias };
  const channels = map[2];
  if (groups === channels && groups > 1 && each === 1 && filters % channels === 0) {
    const depthMultiplier = filters / channels;
    graph.add('DepthwiseConv2D', id, { ...place, depthMultiplier }, [from]);
    graph.weight(id, 'kernel', transposed({ shape: [channels, depthMultiplier, ...kernelShape], data: weight.data }, [2, 3, 0, 1]));
  } else {
    graph.add('Conv2D', id, { ...place, filters, groups }, [from]);
    graph.weight(id, 'kernel', transposed(weight, [2, 3, 1, 0]));
  }
  if (useBias) graph.weight(id, 'bias', graph.floats(operation, biasName));
  graph.set(operation.outputs[0], { id, layout: 'channels-first' });
}

/** Pads that make the windows hanging over the bottom and right edge whole (ceil_mode). */
function overhanging(map: Shape, { kernel, strides, pads }: Window & { pads: Pads }): Pads {
  const [bottom, right] = [0, 1].map((axis) => {
    const before = pads[axis];
    const after = pads[axis + 2];
    const free = map[axis] + before + after - kernel[axis];
    let windows = Math.ceil(free / strides[axis]) + 1;
    // A window that would begin in the padding after the map is left out.
    if ((windows - 1) * strides[axis] >= map[axis] + before) windows--;
    return Math.max(after, (windows - 1) * strides[axis] + kernel[axis] - map[axis] - before);
  });
  return [pads[0], pads[1], bottom, right];
}

/** Whether no value of the node can be below zero, so that zeros around it change no maximum. */
function isNonNegative(graph: OnnxGraph, id: string): boolean {
  const node = graph.nodeOf(id);
  if (layerOf(node.kind).nonNegative(node as never)) return true;
  const passes = ['Concatenate', 'MaxPooling2D', 'AveragePooling2D', 'ZeroPadding2D', 'Add', 'Multiply', 'ChannelGather', 'ChannelMap'];
  return passes.includes(node.kind) && node.inputs.every((input) => isNonNegative(graph, input));
}

export function maxPooling(graph: OnnxGraph, operation: OnnxNode): void {
  const value = mapOf(graph, operation);
  const map = graph.shapeOf(value.id);
  const plain = windowOf(graph, operation, map);
  if (plain.dilation.some((step) => step !== 1)) throw graph.unsupported(operation, 'is dilated');
  const window = intOf(operation, 'ceil_mode', 0) === 1 ? { ...plain, pads: overhanging(map, plain) } : plain;
  const id = graph.idOf(operation);
  const { from, padding } = padded(graph, id, value.id, window);
  if (from !== value.id && !isNonNegative(graph, value.id)) throw graph.unsupported(operation, 'pads values that may be negative');
  graph.add('MaxPooling2D', id, { poolSize: window.kernel, strides: window.strides, padding }, [from]);
  graph.set(operation.outputs[0], { id, layout: 'channels-first' });
}

export function averagePooling(graph: OnnxGraph, operation: OnnxNode): void {
  const value = mapOf(graph, operation);
  const map = graph.shapeOf(value.id);
  const window = windowOf(graph, operation, map);
  const id = graph.idOf(operation);
  if (window.dilation.some((step) => step !== 1)) throw graph.unsupported(operation, 'is dilated');
  const ceil = intOf(operation, 'ceil_mode', 0) === 1 && overhanging(map, window).join() !== window.pads.join();
  if (ceil) throw graph.unsupported(operation, 'averages windows that hang over the edge (ceil_mode)');
  // Zeros that count must be there as values; those that do not are what `same` leaves out.
  const counts = intOf(operation, 'count_include_pad', 0) === 1 && window.pads.some((side) => side > 0);
  const [top, left, bottom, right] = window.pads;
  const zeros = [
    [top, bottom],
    [left, right],
  ] as const;
  const { from, padding } = counts
    ? { from: graph.add('ZeroPadding2D', `${id}.pad`, { padding: zeros }, [value.id]), padding: 'valid' as const }
    : padded(graph, id, value.id, window);
  if (!counts && from !== value.id) throw graph.unsupported(operation, 'leaves padding out of its average in a way that is not supported');
  graph.add('AveragePooling2D', id, { poolSize: window.kernel, strides: window.strides, padding }, [from]);
  graph.set(operation.outputs[0], { id, layout: 'channels-first' });
}
