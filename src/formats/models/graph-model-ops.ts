import type { Padding, Pair } from '../../core/network/types.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import { transposed } from './onnx-layout.ts';
import { convertOnnxNode, linear, withWeights } from './onnx-ops.ts';
import { joinedMoments, ofMoments } from './onnx-moments.ts';
import type { OnnxAttribute, OnnxNode } from './onnx-proto.ts';
import { floatOf, intOf, intsOf } from './onnx-windows.ts';

type Converter = (graph: OnnxGraph, operation: OnnxNode) => void;

const textOf = ({ attributes }: OnnxNode, name: string, otherwise: string): string => attributes.get(name)?.text ?? otherwise;

/** Height and width of an attribute that has four numbers. */
function sidesOf(graph: OnnxGraph, operation: OnnxNode, name: string): Pair {
  const [batch, height, width, channels] = intsOf(operation, name, [1, 1, 1, 1]);
  if (batch !== 1 || channels !== 1) throw graph.unsupported(operation, `has ${name} over the batch or the channels`);
  return [height, width];
}

/** The map that a window slides over, after explicit zeros where there are any. */
function entrance(graph: OnnxGraph, operation: OnnxNode): { from: string; padding: Padding } {
  const value = graph.solid(operation, operation.inputs[0]);
  if (value.layout !== 'channels-last' || textOf(operation, 'data_format', 'NHWC') !== 'NHWC') {
    throw graph.unsupported(operation, 'does not get a map of (N, height, width, channels)');
  }
  const given = textOf(operation, 'padding', 'VALID');
  if (given !== 'EXPLICIT') return { from: value.id, padding: given === 'SAME' ? 'same' : 'valid' };
  const [, , top, bottom, left, right] = intsOf(operation, 'explicit_paddings', []);
  const padding = [
    [top, bottom],
    [left, right],
  ] as const;
  return { from: graph.add('ZeroPadding2D', `${operation.name}.pad`, { padding }, [value.id]), padding: 'valid' };
}

function convolution(depthwise: boolean): Converter {
  return (graph, operation) => {
    const kernel = graph.floats(operation, operation.inputs[1]);
    const [height, width, depth, last] = kernel.shape;
    if (kernel.shape.length !== 4) throw graph.unsupported(operation, `has a kernel of ${kernel.shape.length} axes`);
    const { from, padding } = entrance(graph, operation);
    const id = graph.idOf(operation);
    const shape = graph.shapeOf(from);
    const channels = shape.at(-1) ?? 0;
    const isPoint = height === 1 && width === 1;
    const [strides, dilationRate] = [sidesOf(graph, operation, 'strides'), sidesOf(graph, operation, 'dilations')];
    const place = { kernelSize: [height, width], strides, padding, dilationRate, useBias: false } as const;
    if (depthwise) graph.add('DepthwiseConv2D', id, { ...place, depthMultiplier: last }, [from]);
    // A vector in the place of a map of one position: the gate of a squeeze-and-excitation, MobileNet's classifier.
    else if (shape.length === 1 && isPoint) graph.add('Dense', id, { units: last, useBias: false }, [from]);
    else graph.add('Conv2D', id, { ...place, filters: last, groups: channels / depth }, [from]);
    graph.weight(id, 'kernel', shape.length === 1 ? { shape: [depth, last], data: kernel.data } : kernel);
    graph.set(operation.outputs[0], { id, layout: 'channels-last' });
  };
}

function pooling(kind: 'MaxPooling2D' | 'AveragePooling2D'): Converter {
  return (graph, operation) => {
    const { from, padding } = entrance(graph, operation);
    if (textOf(operation, 'padding', '') === 'EXPLICIT') throw graph.unsupported(operation, 'has explicit padding');
    const [poolSize, strides] = [sidesOf(graph, operation, 'ksize'), sidesOf(graph, operation, 'strides')];
    const id = graph.add(kind, graph.idOf(operation), { poolSize, strides, padding }, [from]);
    graph.set(operation.outputs[0], { id, layout: 'channels-last' });
  };
}

const normalise: Converter = (graph, operation) => {
  const [name, ...weights] = operation.inputs;
  const value = graph.solid(operation, name);
  if (value.layout !== 'channels-last' || intOf(operation, 'is_training', 0) === 1) {
    throw graph.unsupported(operation, 'does not normalise channels by moving statistics');
  }
  const id = graph.idOf(operation);
  // The moving average's momentum is part of training and not in the graph; Keras's is taken.
  graph.add('BatchNormalization', id, { epsilon: floatOf(operation, 'epsilon', 1e-4), momentum: 0.99 }, [value.id]);
  for (const [i, own] of ['gamma', 'beta', 'moving_mean', 'moving_variance'].entries()) {
    graph.weight(id, own, graph.floats(operation, weights[i]));
  }
  graph.set(operation.outputs[0], { ...value, id });
};

const multiplied: Converter = (graph, operation) => {
  if (intOf(operation, 'transpose_a', 0) === 1) throw graph.unsupported(operation, 'transposes what it reads');
  const weight = graph.floats(operation, operation.inputs[1]);
  linear(graph, operation, intOf(operation, 'transpose_b', 0) === 1 ? transposed(weight, [1, 0]) : weight, undefined);
};

/** Zeros around a map; the paddings are [before, after] of each of the four axes. */
const padded: Converter = (graph, operation) => {
  const [name, padsName, fillerName] = operation.inputs;
  const value = graph.solid(operation, name);
  const pads = graph.ints(padsName) ?? [];
  const filler = graph.ints(fillerName)?.[0] ?? 0;
  const [first, second, top, bottom, left, right, before, after] = pads;
  const plain = value.layout === 'channels-last' && pads.length === 8 && first + second + before + after === 0 && Math.min(...pads) >= 0;
  if (!plain || filler !== 0) throw graph.unsupported(operation, 'pads otherwise than by zeros around a map');
  const padding = [
    [top, bottom],
    [left, right],
  ] as const;
  graph.set(operation.outputs[0], { ...value, id: graph.add('ZeroPadding2D', graph.idOf(operation), { padding }, [value.id]) });
};

/** Computes with operations of ONNX that mean the same. */
function as(op: string, attributes: Readonly<Record<string, Omit<OnnxAttribute, 'name'>>> = {}): Converter {
  const given = new Map(Object.entries(attributes).map(([name, value]) => [name, { name, ...value }]));
  return (graph, operation) => convertOnnxNode(graph, { ...operation, op, attributes: given });
}

const reducing =
  (op: string): Converter =>
  (graph, operation) =>
    as(op, { keepdims: { int: intOf(operation, 'keep_dims', 0) } })(graph, operation);

/** Joins along the axis that the last input says. */
const concatenated: Converter = (graph, operation) => {
  const [axis] = graph.ints(operation.inputs.at(-1)) ?? [];
  if (axis === undefined) throw graph.unsupported(operation, 'joins along an axis that is no constant');
  const attributes = new Map([['axis', { name: 'axis', int: axis }]]);
  convertOnnxNode(graph, { ...operation, op: 'Concat', inputs: operation.inputs.slice(0, -1), attributes });
};

/** Split has its axis first, SplitV last. */
const split: Converter = (graph, operation) => {
  const [axis] = graph.ints(operation.inputs[operation.op === 'Split' ? 0 : 2]) ?? [];
  if (axis === undefined) throw graph.unsupported(operation, 'splits along an axis that is no constant');
  const inputs = operation.op === 'Split' ? [operation.inputs[1]] : operation.inputs.slice(0, 2);
  convertOnnxNode(graph, { ...operation, op: 'Split', inputs, attributes: new Map([['axis', { name: 'axis', int: axis }]]) });
};

/** One number, or a run of them, out of a shape; a run of channels, or every other position, out of a map. */
const sliced: Converter = (graph, operation) => {
  const [name, beginName, endName, stepName] = operation.inputs;
  const [values, begins = [], ends = [], steps = []] = [name, beginName, endName, stepName].map((one) => graph.ints(one));
  const isMasked = (mask: string, axis: number): boolean => ((intOf(operation, mask, 0) >> axis) & 1) === 1;
  const starts = begins.map((at, axis) => (isMasked('begin_mask', axis) ? 0 : at));
  const [isOne, hasOther] = [intOf(operation, 'shrink_axis_mask', 0), intOf(operation, 'new_axis_mask', 0)];
  if (values !== undefined) {
    if (steps.join() !== '1') throw graph.unsupported(operation, 'takes every other side of a shape');
    const end = isOne === 1 ? starts[0] + 1 || undefined : isMasked('end_mask', 0) ? undefined : ends[0];
    const numbers = values.slice(starts[0], end);
    return graph.setConstant(operation.outputs[0], {
      name: operation.outputs[0],
      dims: isOne === 1 ? [] : [numbers.length],
      type: 7,
      numbers,
    });
  }
  if (isOne !== 0 || hasOther !== 0 || beginName === undefined) throw graph.unsupported(operation, 'takes an axis out of a map');
  const ellipsis = begins.findIndex((_, axis) => isMasked('ellipsis_mask', axis));
  const places = begins.flatMap((_, at) => (at === ellipsis ? [] : [at]));
  const ofPlaces = (of: (at: number) => number) => ({ ints: places.map(of) });
  const attributes = {
    starts: ofPlaces((at) => starts[at]),
    ends: ofPlaces((at) => (isMasked('end_mask', at) ? Number.MAX_SAFE_INTEGER : ends[at])),
    axes: ofPlaces((at) => (ellipsis >= 0 && at > ellipsis ? at - begins.length : at)),
    steps: ofPlaces((at) => steps[at]),
  };
  as('Slice', attributes)(graph, { ...operation, inputs: [name] });
};

/** A limit on each value: the constant that the other input is. */
function limited(by: 'min' | 'max'): Converter {
  return (graph, operation) => {
    const [a, b] = operation.inputs;
    const [name, limitName] = graph.constant(a) === undefined ? [a, b] : [b, a];
    const { data, shape } = graph.floats(operation, limitName);
    if (shape.some((side) => side !== 1)) throw graph.unsupported(operation, 'limits by more than one number');
    convertOnnxNode(graph, { ...operation, op: 'Clip', inputs: [name], attributes: new Map([[by, { name: by, float: data[0] }]]) });
  };
}

const relu6 = as('Clip', { min: { float: 0 }, max: { float: 6 } });

const converters: Readonly<Record<string, Converter>> = {
  Conv2D: convolution(false),
  DepthwiseConv2dNative: convolution(true),
  MatMul: multiplied,
  BiasAdd: (graph, operation) => withWeights(graph, operation, 'Add', operation.inputs),
  FusedBatchNorm: normalise,
  FusedBatchNormV2: normalise,
  FusedBatchNormV3: normalise,
  MaxPool: pooling('MaxPooling2D'),
  AvgPool: pooling('AveragePooling2D'),
  Mean: reducing('ReduceMean'),
  Max: reducing('ReduceMax'),
  Square: ofMoments,
  Sqrt: ofMoments,
  Rsqrt: ofMoments,
  SquaredDifference(graph, operation) {
    if (!joinedMoments(graph, operation)) throw graph.unsupported(operation, 'is read in a normalisation over the channels alone');
  },
  Pad: padded,
  PadV2: padded,
  Relu: as('Relu'),
  Relu6: relu6,
  Sigmoid: as('Sigmoid'),
  Erf: as('Erf'),
  Maximum: limited('min'),
  Minimum: limited('max'),
  Add: as('Add'),
  AddV2: as('Add'),
  AddN: as('Sum'),
  Sub: as('Sub'),
  Mul: as('Mul'),
  RealDiv: as('Div'),
  ConcatV2: concatenated,
  Split: split,
  SplitV: split,
  Reshape: as('Reshape'),
  Squeeze: (graph, operation) => as('Squeeze', { axes: { ints: intsOf(operation, 'squeeze_dims', []) } })(graph, operation),
  Transpose(graph, operation) {
    const perm = graph.ints(operation.inputs[1]);
    convertOnnxNode(graph, {
      ...operation,
      inputs: operation.inputs.slice(0, 1),
      attributes: new Map([['perm', { name: 'perm', ints: perm }]]),
    });
  },
  Softmax: as('Softmax', { axis: { int: -1 } }),
  Identity: as('Identity'),
  Cast: as('Cast'),
  Shape: as('Shape'),
  StridedSlice: sliced,
  Pack: as('Concat'),
};

/**
 * Adds what one node of a TensorFlow graph computes.
 *
 * @throws Failure `unsupported-layer` naming the operation
 */
export function convertGraphNode(graph: OnnxGraph, operation: OnnxNode): void {
  if (!Object.hasOwn(converters, operation.op)) {
    throw graph.unsupported(operation, `is not among the operations that are read: ${Object.keys(converters).sort().join(', ')}`);
  }
  converters[operation.op](graph, operation);
}
