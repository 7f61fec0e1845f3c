import type { Shape, Tensor } from '../../core/network/types.ts';
import { activations } from '../../core/network/layers/activations.ts';
import { sizeOf } from '../../core/network/index.ts';
import { foldConstant } from './onnx-folding.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import { transposed } from './onnx-layout.ts';
import { channelMean, joinedMoments, ofMoments } from './onnx-moments.ts';
import type { OnnxNode } from './onnx-proto.ts';
import { averagePooling, convolution, floatOf, intOf, maxPooling } from './onnx-windows.ts';
import { flatten, globalPooling, pad, reduced, reshape, slice, gather, split, squeeze, transpose } from './onnx-shapes.ts';

type Curve = (x: number) => number;

/** A constant of one value, or undefined. */
function scalarOf(graph: OnnxGraph, operation: OnnxNode, name: string | undefined): number | undefined {
  const tensor = name === undefined ? undefined : graph.constant(name);
  return tensor && sizeOf(tensor.dims) === 1 ? graph.floats(operation, name ?? '').data[0] : undefined;
}

/** An operation on each value by itself; it becomes a node once it and what follows are a known activation. */
function pointwise(curveOf: (graph: OnnxGraph, operation: OnnxNode) => Curve) {
  return (graph: OnnxGraph, operation: OnnxNode): void => {
    const value = graph.settled(operation, operation.inputs[0]);
    const { curve: before = (x: number) => x } = value;
    const after = curveOf(graph, operation);
    graph.set(operation.outputs[0], { ...value, curve: (x) => after(before(x)) });
  };
}

/** From the normal distribution's Φ in gelu(x) = x · Φ(x). */
const erf: Curve = (y) => (y === 0 ? 0 : (2 * activations.gelu.of(y * Math.SQRT2)) / (y * Math.SQRT2) - 1);

const arithmetic = {
  Add: (a: number, b: number) => a + b,
  Sub: (a: number, b: number) => a - b,
  Mul: (a: number, b: number) => a * b,
  Div: (a: number, b: number) => a / b,
};

function clip(graph: OnnxGraph, operation: OnnxNode): Curve {
  const { inputs, attributes } = operation;
  const low = scalarOf(graph, operation, inputs[1] || undefined) ?? attributes.get('min')?.float ?? Number.NEGATIVE_INFINITY;
  const high = scalarOf(graph, operation, inputs[2] || undefined) ?? attributes.get('max')?.float ?? Number.POSITIVE_INFINITY;
  return (x) => Math.min(high, Math.max(low, x));
}

const curves: Readonly<Record<string, (graph: OnnxGraph, operation: OnnxNode) => Curve>> = {
  Relu: () => (x) => Math.max(0, x),
  Clip: clip,
  Sigmoid: () => activations.sigmoid.of,
  HardSigmoid(_graph, operation) {
    const [alpha, beta] = [floatOf(operation, 'alpha', 0.2), floatOf(operation, 'beta', 0.5)];
    return (x) => Math.min(1, Math.max(0, alpha * x + beta));
  },
  HardSwish: () => activations.hard_swish.of,
  Swish: () => activations.swish.of,
  Gelu(graph, operation) {
    if (operation.attributes.get('approximate')?.text === 'tanh') throw graph.unsupported(operation, 'is approximated by tanh');
    return activations.gelu.of;
  },
  Erf: () => erf,
};

/** Add, Sub, Mul and Div of a value and a number, of two curves of one value, of a value and weights, or of two maps. */
function binary(op: keyof typeof arithmetic) {
  const of = arithmetic[op];
  return (graph: OnnxGraph, operation: OnnxNode): void => {
    if (joinedMoments(graph, operation)) return;
    const [left, right] = operation.inputs;
    const [a, b] = [graph.loose(left), graph.loose(right)];
    const output = operation.outputs[0];
    if (a === undefined || b === undefined) {
      const scalar = scalarOf(graph, operation, a === undefined ? left : right);
      if (scalar === undefined) return withWeights(graph, operation, op, a === undefined ? [right, left] : [left, right]);
      const curve: Curve = a === undefined ? (x) => of(scalar, x) : (x) => of(x, scalar);
      return pointwise(() => curve)(graph, { ...operation, inputs: [a === undefined ? right : left] });
    }
    if (a.id === b.id && (a.curve !== undefined || b.curve !== undefined)) {
      const { curve: f = (x: number) => x } = a;
      const { curve: g = (x: number) => x } = b;
      return graph.set(output, { ...a, curve: (x) => of(f(x), g(x)) });
    }
    if (op !== 'Add' && op !== 'Mul') throw graph.unsupported(operation, 'takes two maps');
    joined(graph, operation, op === 'Add' ? 'Add' : 'Multiply');
  };
}

function joined(graph: OnnxGraph, operation: OnnxNode, kind: 'Add' | 'Multiply' | 'Concatenate'): void {
  const values = operation.inputs.map((name) => graph.solid(operation, name));
  const [{ layout, flattened }] = values;
  const alike = values.every((value) => value.layout === layout && value.flattened?.join() === flattened?.join());
  if (!alike || (kind === 'Concatenate' && flattened)) throw graph.unsupported(operation, 'joins values whose axes differ in order');
  const id = graph.add(
    kind,
    graph.idOf(operation),
    {},
    values.map((value) => value.id),
  );
  graph.set(operation.outputs[0], { ...values[0], id });
}

/** A factor or an addend for each channel. */
export function withWeights(graph: OnnxGraph, operation: OnnxNode, op: string, [name, weightName]: readonly string[]): void {
  const value = graph.solid(operation, name);
  const weight = graph.floats(operation, weightName);
  const channels = graph.shapeOf(value.id).at(-1) ?? 0;
  const expected = value.layout === 'channels-first' ? [channels, 1, 1] : [channels];
  const withoutLeadingOnes = weight.shape.slice(Math.max(0, weight.shape.length - expected.length));
  const perChannel = weight.data.length === channels && withoutLeadingOnes.join() === expected.join() && !value.flattened;
  // A constant from which the map is taken, or that it divides, is no factor or addend of it.
  if (!perChannel || (operation.inputs[0] !== name && (op === 'Sub' || op === 'Div'))) {
    throw graph.unsupported(operation, 'combines a map with constants in a way that is not supported');
  }
  const isFactor = op === 'Mul' || op === 'Div';
  const data = op === 'Sub' ? weight.data.map((x) => -x) : op === 'Div' ? weight.data.map((x) => 1 / x) : weight.data;
  const output = operation.outputs[0];
  const nothing = Array.from(data, () => (isFactor ? 0 : 1));
  const affine = isFactor ? { scale: [...data], offset: nothing } : { scale: nothing, offset: [...data] };
  const prepared = graph.prepare(value, affine);
  if (prepared) return graph.set(output, prepared);
  if (isFactor) {
    const id = graph.add('LayerScale', graph.idOf(operation), {}, [value.id]);
    graph.weight(id, 'gamma', { shape: [channels], data });
    return graph.set(output, { ...value, id });
  }
  if (graph.addBias(name, value, { shape: [channels], data })) return graph.set(output, value);
  graph.set(output, { ...value, id: graph.scaled(graph.idOf(operation), value.id, { scale: [1], offset: [...data] }) });
}

function batchNormalization(graph: OnnxGraph, operation: OnnxNode): void {
  const [name, ...weights] = operation.inputs;
  const value = graph.solid(operation, name);
  if (value.flattened || (value.layout !== 'channels-first' && value.layout !== 'vector')) {
    throw graph.unsupported(operation, 'does not normalise channels');
  }
  const id = graph.idOf(operation, weights[0]);
  graph.add('BatchNormalization', id, { epsilon: floatOf(operation, 'epsilon', 1e-5), momentum: floatOf(operation, 'momentum', 0.9) }, [
    value.id,
  ]);
  for (const [i, own] of ['gamma', 'beta', 'moving_mean', 'moving_variance'].entries())
    graph.weight(id, own, graph.floats(operation, weights[i]));
  graph.set(operation.outputs[0], { ...value, id });
}

function layerNormalization(graph: OnnxGraph, operation: OnnxNode): void {
  const [name, scale, bias = ''] = operation.inputs;
  const value = graph.solid(operation, name);
  const shape = graph.shapeOf(value.id);
  const axis = intOf(operation, 'axis', -1);
  const overChannels = value.layout === 'channels-last' || value.layout === 'vector';
  if (value.flattened || !overChannels || (axis !== -1 && axis !== shape.length)) {
    throw graph.unsupported(operation, 'does not normalise over the channels of each position');
  }
  const id = graph.idOf(operation, scale);
  graph.add('LayerNormalization', id, { epsilon: floatOf(operation, 'epsilon', 1e-5) }, [value.id]);
  const gamma = graph.floats(operation, scale);
  graph.weight(id, 'gamma', gamma);
  graph.weight(id, 'beta', bias === '' ? { shape: gamma.shape, data: new Float32Array(gamma.data.length) } : graph.floats(operation, bias));
  graph.set(operation.outputs[0], { ...value, id });
}

/** A kernel (in, out) whose rows are a flattened map's values, from channels-first order. */
function channelsLastRows({ shape: [rows, units], data }: Tensor, map: Shape): Tensor {
  const [height, width, channels] = map;
  const { data: turned } = transposed({ shape: [channels, height, width, units], data }, [1, 2, 0, 3]);
  return { shape: [rows, units], data: turned };
}

export function linear(graph: OnnxGraph, operation: OnnxNode, kernel: Tensor, bias: Tensor | undefined): void {
  const [name, weightName] = operation.inputs;
  const value = graph.solid(operation, name);
  const [rows, units] = kernel.shape;
  const useBias = bias !== undefined;
  const id = graph.idOf(operation, weightName);
  const isMap = value.layout === 'channels-last';
  if (kernel.shape.length !== 2 || (!isMap && value.layout !== 'vector'))
    throw graph.unsupported(operation, 'is no linear layer of a vector');
  if (rows !== graph.shapeOf(value.id).at(-1)) throw graph.unsupported(operation, `has a kernel of ${rows} rows for other features`);
  if (isMap) {
    const place = { kernelSize: [1, 1], strides: [1, 1], padding: 'valid', dilationRate: [1, 1], groups: 1 } as const;
    graph.add('Conv2D', id, { ...place, filters: units, useBias }, [value.id]);
    graph.weight(id, 'kernel', { shape: [1, 1, rows, units], data: kernel.data });
  } else {
    graph.add('Dense', id, { units, useBias }, [value.id]);
    graph.weight(id, 'kernel', value.flattened ? channelsLastRows(kernel, value.flattened) : kernel);
  }
  if (bias) graph.weight(id, 'bias', { shape: [bias.data.length], data: bias.data });
  graph.set(operation.outputs[0], { id, layout: value.layout });
}

function gemm(graph: OnnxGraph, operation: OnnxNode): void {
  const [, weightName, biasName = ''] = operation.inputs;
  const plain = intOf(operation, 'transA', 0) === 0 && floatOf(operation, 'alpha', 1) === 1 && floatOf(operation, 'beta', 1) === 1;
  if (!plain) throw graph.unsupported(operation, 'is scaled or transposed');
  const weight = graph.floats(operation, weightName);
  const kernel = intOf(operation, 'transB', 0) === 1 && weight.shape.length === 2 ? transposed(weight, [1, 0]) : weight;
  linear(graph, operation, kernel, biasName === '' ? undefined : graph.floats(operation, biasName));
}

function softmax(graph: OnnxGraph, operation: OnnxNode): void {
  const value = graph.solid(operation, operation.inputs[0]);
  const axis = intOf(operation, 'axis', -1);
  if (value.layout !== 'vector' || value.flattened || (axis !== -1 && axis !== 1))
    throw graph.unsupported(operation, 'is not over the classes');
  graph.set(operation.outputs[0], { ...value, id: graph.add('Softmax', graph.idOf(operation), {}, [value.id]) });
}

function concat(graph: OnnxGraph, operation: OnnxNode): void {
  const { layout } = graph.solid(operation, operation.inputs[0]);
  const axis = intOf(operation, 'axis', 1);
  const channels = layout === 'channels-last' ? [3, -1] : layout === 'vector' ? [1, -1] : [1, -3];
  if (!channels.includes(axis)) throw graph.unsupported(operation, `joins along axis ${axis}, not along the channels`);
  joined(graph, operation, 'Concatenate');
}

function passed(graph: OnnxGraph, operation: OnnxNode): void {
  const [name] = operation.inputs;
  graph.set(operation.outputs[0], graph.loose(name) ?? graph.solid(operation, name));
}

type Converter = (graph: OnnxGraph, operation: OnnxNode) => void;

const converters: Readonly<Record<string, Converter>> = {
  ...Object.fromEntries(Object.entries(curves).map(([op, curve]) => [op, pointwise(curve)])),
  ...Object.fromEntries((['Add', 'Sub', 'Mul', 'Div'] as const).map((op) => [op, binary(op)])),
  Conv: convolution,
  MaxPool: maxPooling,
  AveragePool: averagePooling,
  GlobalAveragePool: globalPooling('AveragePooling2D'),
  GlobalMaxPool: globalPooling('MaxPooling2D'),
  ReduceMean: reduced('AveragePooling2D', channelMean),
  ReduceMax: reduced('MaxPooling2D'),
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  Sqrt: ofMoments,
  Reciprocal: ofMoments,
  Pow: ofMoments,
  Sum: (graph, operation) => joined(graph, operation, 'Add'),
  Concat: concat,
  Gemm: gemm,
  MatMul: (graph, operation) => linear(graph, operation, graph.floats(operation, operation.inputs[1]), undefined),
  Flatten: flatten,
  Reshape: reshape,
  Squeeze: squeeze,
  Transpose: transpose,
  Pad: pad,
  Slice: slice,
  Gather: gather,
  Split: split,
  Softmax: softmax,
  Identity: passed,
  Dropout: passed,
  Cast: passed,
};

/**
 * Adds what one operation of an ONNX graph computes.
 *
 * @throws Failure `unsupported-layer` naming the operation
 */
export function convertOnnxNode(graph: OnnxGraph, operation: OnnxNode): void {
  const { op, domain } = operation;
  if (foldConstant(graph, operation)) return;
  if ((domain !== '' && domain !== 'ai.onnx') || !Object.hasOwn(converters, op)) {
    throw graph.unsupported(operation, `is not among the operations that are read: ${Object.keys(converters).sort().join(', ')}`);
  }
  converters[op](graph, operation);
}
