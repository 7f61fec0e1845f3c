import type { ActivationName, Configs, Kind, Network, NodeOf, Pair, Padding, Shape, Tensor } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { channelsOf, inferShapes, inputShapesOf, weightsOf } from '../../core/network/index.ts';
import { canonicalJson } from '../topology.ts';
import { encodeOnnx, FLOAT, INT64, type OnnxAttribute, type OnnxNode, type OnnxTensor } from './onnx-proto.ts';
import { samePads, storedInOnnx } from './onnx-layout.ts';

/** The operator set that is written; LayerNormalization came with it. */
const OPSET = 17;

/** Key of the metadata under which the Network itself travels. */
export const ONNX_NETWORK = 'espalier.network';

type Attributes = Readonly<Record<string, number | readonly number[] | { readonly float: number }>>;

/** What a lowering may do; names of values are returned. */
interface Emitter {
  /** Adds one operation and gives its output a name of the node's. */
  op(name: string, inputs: readonly string[], attributes?: Attributes): string;
  /** A weight of the node. */
  weight(name: string): string;
  ints(values: readonly number[]): string;
  scalar(value: number): string;
  readonly inputs: readonly string[];
  readonly shapes: readonly Shape[];
  readonly output: Shape;
}

const CHANNELS_LAST = [0, 2, 3, 1];
const CHANNELS_FIRST = [0, 3, 1, 2];

/** Pads as [top, left, bottom, right]. */
function pads(input: Shape, kernel: Pair, strides: Pair, padding: Padding, dilation: Pair = [1, 1]): readonly number[] {
  return padding === 'valid' ? [0, 0, 0, 0] : samePads(input, { kernel, strides, dilation });
}

function convolution(e: Emitter, config: Configs['Conv2D'] | Configs['DepthwiseConv2D'], group: number): string {
  const { kernelSize: kernel, strides, padding, dilationRate: dilations, useBias } = config;
  const inputs = [e.inputs[0], e.weight('kernel'), ...(useBias ? [e.weight('bias')] : [])];
  const place = pads(e.shapes[0], kernel, strides, padding, dilations);
  return e.op('Conv', inputs, { kernel_shape: kernel, strides, dilations, group, pads: place });
}

function pooling(op: 'MaxPool' | 'AveragePool') {
  return ({ poolSize: kernel, strides, padding }: Configs['MaxPooling2D'], e: Emitter): string =>
    e.op(op, e.inputs, { kernel_shape: kernel, strides, pads: pads(e.shapes[0], kernel, strides, padding) });
}

const pooled = (op: string) => (_config: unknown, e: Emitter) => e.op('Flatten', [e.op(op, e.inputs)], { axis: 1 });

/** The operation over all inputs, two at a time. */
const folded = (op: string) => (_config: unknown, e: Emitter) => {
  const [first, ...others] = e.inputs;
  return others.reduce((sum, other) => e.op(op, [sum, other]), first);
};

const activations: Readonly<Record<ActivationName, (e: Emitter, x: string) => string>> = {
  sigmoid: (e, x) => e.op('Sigmoid', [x]),
  hard_sigmoid: (e, x) => e.op('HardSigmoid', [x], { alpha: { float: 1 / 6 }, beta: { float: 0.5 } }),
  swish: (e, x) => e.op('Mul', [x, e.op('Sigmoid', [x])]),
  hard_swish: (e, x) => e.op('HardSwish', [x]),
  // The operation Gelu came three operator sets later.
  gelu(e, x) {
    const erf = e.op('Erf', [e.op('Div', [x, e.scalar(Math.SQRT2)])]);
    return e.op('Mul', [e.op('Mul', [x, e.op('Add', [erf, e.scalar(1)])]), e.scalar(0.5)]);
  },
};

const lowerings: { readonly [K in Kind]: (config: Configs[K], e: Emitter) => string } = {
  Input: (_config, e) => e.inputs[0],
  Conv2D: (config, e) => convolution(e, config, config.groups),
  DepthwiseConv2D: (config, e) => convolution(e, config, channelsOf(e.shapes[0])),
  Dense: ({ useBias }, e) => e.op('Gemm', [e.inputs[0], e.weight('kernel'), ...(useBias ? [e.weight('bias')] : [])]),
  BatchNormalization({ epsilon, momentum }, e) {
    const weights = ['gamma', 'beta', 'moving_mean', 'moving_variance'].map(e.weight);
    return e.op('BatchNormalization', [e.inputs[0], ...weights], { epsilon: { float: epsilon }, momentum: { float: momentum } });
  },
  LayerNormalization({ epsilon, over }, e) {
    if (over !== undefined) throw notExpressible('a LayerNormalization over some of its channels');
    const isMap = e.output.length === 3;
    const last = isMap ? e.op('Transpose', e.inputs, { perm: CHANNELS_LAST }) : e.inputs[0];
    const normed = e.op('LayerNormalization', [last, e.weight('gamma'), e.weight('beta')], { axis: -1, epsilon: { float: epsilon } });
    return isMap ? e.op('Transpose', [normed], { perm: CHANNELS_FIRST }) : normed;
  },
  LayerScale(_config, e) {
    if (e.output.length !== 3) throw notExpressible('a LayerScale of a vector');
    return e.op('Mul', [e.inputs[0], e.weight('gamma')]);
  },
  ReLU: ({ maxValue }, e) => (maxValue === null ? e.op('Relu', e.inputs) : e.op('Clip', [e.inputs[0], e.scalar(0), e.scalar(maxValue)])),
  Activation: ({ activation }, e) => activations[activation](e, e.inputs[0]),
  MaxPooling2D: pooling('MaxPool'),
  AveragePooling2D: pooling('AveragePool'),
  GlobalAveragePooling2D: pooled('GlobalAveragePool'),
  GlobalMaxPooling2D: pooled('GlobalMaxPool'),
  Add: folded('Add'),
  Multiply(config, e) {
    const inputs = e.inputs.map((x, i) => (e.shapes[i].length < e.output.length ? e.op('Reshape', [x, e.ints([0, -1, 1, 1])]) : x));
    return folded('Mul')(config, { ...e, inputs });
  },
  Concatenate: (_config, e) => e.op('Concat', e.inputs, { axis: 1 }),
  ZeroPadding2D({ padding: [[top, bottom], [left, right]] }, e) {
    return e.op('Pad', [e.inputs[0], e.ints([0, 0, top, left, 0, 0, bottom, right])]);
  },
  Flatten(_config, e) {
    if (e.shapes[0].length === 1) return e.op('Identity', e.inputs);
    return e.op('Flatten', [e.op('Transpose', e.inputs, { perm: CHANNELS_LAST })], { axis: 1 });
  },
  Dropout: (_config, e) => e.op('Identity', e.inputs),
  Softmax: (_config, e) => e.op('Softmax', e.inputs, { axis: 1 }),
  ChannelMap({ map, strides }, e) {
    const [height, width, channels] = e.shapes[0];
    const each = strides.every((stride) => stride === 1)
      ? e.inputs[0]
      : e.op('Slice', [e.inputs[0], e.ints([0, 0]), e.ints([height, width]), e.ints([2, 3]), e.ints(strides)]);
    // One channel of zeros after the others, where any is asked for.
    const source = map.includes(-1) ? e.op('Pad', [each, e.ints([0, 0, 0, 0, 0, 1, 0, 0])]) : each;
    return e.op('Gather', [source, e.ints(map.map((from) => (from === -1 ? channels : from)))], { axis: 1 });
  },
  ChannelGather: ({ indices }, e) => e.op('Gather', [e.inputs[0], e.ints(indices)], { axis: 1 }),
};

/**
 * The network as an ONNX model: input (N, 3, height, width) of preprocessed values, one output. How images are prepared, the class
 * names and the Network's own layers are in its metadata.
 *
 * @throws Failure `unsupported-layer` for what ONNX has no operation for
 */
export function writeOnnx(network: Network): Uint8Array {
  const { nodes, metadata } = network;
  const shapes = inferShapes(network);
  const operations: OnnxNode[] = [];
  const initializers: OnnxTensor[] = [];
  const values = new Map<string, string>();
  const constant = (name: string, dims: readonly number[], type: number, data: Float32Array | BigInt64Array): string => {
    initializers.push({ name, dims, type, raw: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) });
    return name;
  };

  for (const node of nodes) {
    const shapesIn = inputShapesOf(node, shapes);
    const weights = weightsOf(network, node, shapes);
    let made = 0;
    const own = (): string => `${node.id}:${made++}`;
    const emitter: Emitter = {
      inputs: node.kind === 'Input' ? ['input'] : node.inputs.map((id) => values.get(id) ?? ''),
      shapes: shapesIn,
      output: shapes.get(node.id) ?? [],
      op(op, inputs, attributes = {}) {
        const name = own();
        operations.push({ name, op, domain: '', inputs, outputs: [name], attributes: attributesOf(attributes) });
        return name;
      },
      weight(name) {
        const { shape, data } = packed(node, name, weights[name]);
        return constant(`${node.id}/${name}`, shape, FLOAT, data);
      },
      ints: (list) => constant(own(), [list.length], INT64, BigInt64Array.from(list, BigInt)),
      scalar: (value) => constant(own(), [], FLOAT, Float32Array.of(value)),
    };
    values.set(node.id, lower(node, emitter));
  }

  const [input] = nodes;
  const last = nodes[nodes.length - 1].id;
  const [height, width, channels] = shapes.get(input.id) ?? [];
  operations.push({
    name: 'output',
    op: 'Identity',
    domain: '',
    inputs: [values.get(last) ?? ''],
    outputs: ['output'],
    attributes: new Map(),
  });
  return encodeOnnx({
    opset: OPSET,
    nodes: operations,
    initializers,
    inputs: [{ name: 'input', shape: ['N', channels, height, width] }],
    outputs: [{ name: 'output', shape: ['N', ...(shapes.get(last) ?? [])] }],
    metadata: new Map([
      ['preprocessing', canonicalJson(metadata.preprocessing)],
      ['classNames', canonicalJson(metadata.classNames ?? null)],
      [ONNX_NETWORK, canonicalJson({ nodes, metadata })],
    ]),
  });
}

function lower<K extends Kind>(node: NodeOf<K>, emitter: Emitter): string {
  return lowerings[node.kind](node.config, emitter);
}

function packed(node: NodeOf<Kind>, name: string, tensor: Tensor): Tensor {
  return storedInOnnx(node.kind, name, tensor);
}

function attributesOf(attributes: Attributes): Map<string, OnnxAttribute> {
  const attributeOf = (name: string, value: Attributes[string]): OnnxAttribute => {
    if (typeof value === 'number') return { name, int: value };
    return 'float' in value ? { name, float: value.float } : { name, ints: value };
  };
  return new Map(Object.entries(attributes).map(([name, value]) => [name, attributeOf(name, value)]));
}

function notExpressible(what: string): Failure {
  return new Failure('unsupported-layer', `ONNX cannot hold ${what}.`, { hint: 'Export the model in another format.' });
}
