import type { Configs, Kind, Network, NodeOf, Padding, Pair } from '../../core/network/types.ts';
import { inferShapes, inputShapesOf, weightsOf, type LayerWeights } from '../../core/network/index.ts';

interface NodeDef {
  readonly name: string;
  readonly op: string;
  readonly input: readonly string[];
  readonly attr: Readonly<Record<string, unknown>>;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const ints = (values: readonly number[]) => ({ list: { i: values.map(String) } });
const pads = (padding: Padding) => ({ s: base64(padding.toUpperCase()) });
const square = ([rows, columns]: Pair) => ints([1, rows, columns, 1]);

/**
 * A network as the converter of tfjs writes a frozen Keras model: fused operations, constants in the manifest, integers as text.
 * Kinds that it does not make are refused.
 */
export function graphModelOf(network: Network): { model: object; weights: Uint8Array } {
  const nodes: NodeDef[] = [];
  const manifest: object[] = [];
  const parts: Uint8Array[] = [];
  const add = (name: string, op: string, input: readonly string[], attr: NodeDef['attr'] = {}): string => {
    nodes.push({ name, op, input, attr: { T: { type: 'DT_FLOAT' }, ...attr } });
    return name;
  };
  const constant = (name: string, { shape, data }: { shape: readonly number[]; data: Float32Array | Int32Array }): string => {
    const isWhole = data instanceof Int32Array;
    const tensorShape = { dim: shape.map((size) => ({ size: String(size) })) };
    nodes.push({ name, op: 'Const', input: [], attr: { value: { tensor: { dtype: isWhole ? 'DT_INT32' : 'DT_FLOAT', tensorShape } } } });
    manifest.push({ name, shape, dtype: isWhole ? 'int32' : 'float32' });
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    return name;
  };
  const whole = (name: string, values: readonly number[], shape = [values.length]): string =>
    constant(name, { shape, data: Int32Array.from(values) });
  const scalar = (name: string, value: number): string => constant(name, { shape: [], data: Float32Array.of(value) });

  /** A kernel with its bias and an activation in one operation. */
  const fused = (op: string, id: string, x: string, { kernel, bias }: LayerWeights, attr: NodeDef['attr']): string => {
    const inputs = [x, constant(`${id}/kernel`, kernel)];
    if (bias === undefined) return add(id, op.replace(/^_?Fused/, ''), inputs, attr);
    const fusedOps = { list: { s: [base64('BiasAdd')] } };
    return add(id, op, [...inputs, constant(`${id}/bias`, bias)], { ...attr, fused_ops: fusedOps, num_args: { i: '1' } });
  };

  const gate = (id: string, x: string): string => {
    const shape = add(`${id}/Shape`, 'Shape', [x]);
    const batch = add(
      `${id}/strided_slice`,
      'StridedSlice',
      [shape, whole(`${id}/begin`, [0]), whole(`${id}/end`, [1]), whole(`${id}/step`, [1])],
      { shrink_axis_mask: { i: '1' }, begin_mask: { i: '0' }, end_mask: { i: '0' } },
    );
    const one = (name: string, value: number): string => whole(`${id}/${name}`, [value], []);
    const target = add(`${id}/Reshape/shape`, 'Pack', [batch, one('one', 1), one('two', 1), one('all', -1)], { N: { i: '4' } });
    return add(`${id}/Reshape`, 'Reshape', [x, target]);
  };

  /** Groups of channels transposed, or a run of them cut out. */
  const gathered = (id: string, x: string, indices: readonly number[], shape: readonly number[]): string => {
    const [first] = indices;
    const cut = { begin_mask: { i: '7' }, end_mask: { i: '7' } };
    const [begin, end, step] = [
      [0, 0, 0, first],
      [0, 0, 0, first + indices.length],
      [1, 1, 1, 1],
    ];
    const places = { begin, end, step } as const;
    if (indices.every((channel, i) => channel === first + i)) {
      const constants = Object.entries(places).map(([name, values]) => whole(`${id}/${name}`, values));
      return add(id, 'StridedSlice', [x, ...constants], cut);
    }
    // Channel 1 of the first group comes after one of each group.
    const each = indices.length / indices.indexOf(1);
    const groups = indices.length / each;
    const split = add(`${id}/split`, 'Reshape', [x, whole(`${id}/groups`, [-1, ...shape.slice(0, 2), groups, each])]);
    const turned = add(`${id}/turned`, 'Transpose', [split, whole(`${id}/perm`, [0, 1, 2, 4, 3])]);
    return add(id, 'Reshape', [turned, whole(`${id}/whole`, [-1, ...shape])]);
  };

  /** tf.nn.moments and tf.nn.batch_normalization, of which Keras makes it. */
  const layerNormalization = (id: string, x: string, epsilon: number, { gamma, beta }: LayerWeights): string => {
    const axes = whole(`${id}/axes`, [-1]);
    const mean = add(`${id}/mean`, 'Mean', [x, axes], { keep_dims: { b: true } });
    const squares = add(`${id}/squares`, 'SquaredDifference', [x, mean]);
    const variance = add(`${id}/variance`, 'Mean', [squares, axes], { keep_dims: { b: true } });
    const inverse = add(`${id}/Rsqrt`, 'Rsqrt', [add(`${id}/add`, 'AddV2', [variance, scalar(`${id}/epsilon`, epsilon)])]);
    const factor = add(`${id}/mul`, 'Mul', [inverse, constant(`${id}/gamma`, gamma)]);
    const shift = add(`${id}/sub`, 'Sub', [constant(`${id}/beta`, beta), add(`${id}/mul_2`, 'Mul', [mean, factor])]);
    return add(id, 'AddV2', [add(`${id}/mul_1`, 'Mul', [x, factor]), shift]);
  };

  const hardSigmoid = (id: string, x: string): string => {
    const shifted = add(`${id}/add`, 'AddV2', [x, scalar(`${id}/three`, 3)]);
    return add(`${id}/mul`, 'Mul', [add(`${id}/Relu6`, 'Relu6', [shifted]), scalar(`${id}/sixth`, 1 / 6)]);
  };

  const operations: {
    readonly [K in Kind]?: (config: Configs[K], id: string, inputs: readonly string[], weights: LayerWeights) => string;
  } = {
    Input: ({ shape }, id) =>
      add(id, 'Placeholder', [], { shape: { shape: { dim: [-1, ...shape].map((size) => ({ size: String(size) })) } } }),
    Conv2D: ({ strides, padding, dilationRate }, id, [x], weights) =>
      fused('_FusedConv2D', id, x, weights, { strides: square(strides), dilations: square(dilationRate), padding: pads(padding) }),
    DepthwiseConv2D({ strides, padding, dilationRate }, id, [x], weights) {
      const attr = { strides: square(strides), dilations: square(dilationRate), padding: pads(padding) };
      return fused('FusedDepthwiseConv2dNative', id, x, weights, attr).replace(/^$/, id);
    },
    Dense: (_config, id, [x], weights) => fused('_FusedMatMul', id, x, weights, { transpose_a: { b: false }, transpose_b: { b: false } }),
    BatchNormalization({ epsilon }, id, [x], weights) {
      const constants = ['gamma', 'beta', 'moving_mean', 'moving_variance'].map((name) => constant(`${id}/${name}`, weights[name]));
      return add(id, 'FusedBatchNormV3', [x, ...constants], { epsilon: { f: epsilon }, is_training: { b: false } });
    },
    LayerNormalization: ({ epsilon }, id, [x], weights) => layerNormalization(id, x, epsilon, weights),
    LayerScale: (_config, id, [x], { gamma }) => add(id, 'Mul', [x, constant(`${id}/gamma`, gamma)]),
    ChannelGather: ({ indices }, id, [x]) => gathered(id, x, indices, shapes.get(id) ?? []),
    ReLU: ({ maxValue }, id, [x]) =>
      maxValue === 6
        ? add(id, 'Relu6', [x])
        : maxValue === null
          ? add(id, 'Relu', [x])
          : add(id, 'Minimum', [add(`${id}/Relu`, 'Relu', [x]), scalar(`${id}/max`, maxValue)]),
    Activation({ activation }, id, [x]) {
      if (activation === 'sigmoid') return add(id, 'Sigmoid', [x]);
      if (activation === 'swish') return add(id, 'Mul', [add(`${id}/Sigmoid`, 'Sigmoid', [x]), x]);
      if (activation === 'hard_swish') return add(id, 'Mul', [x, hardSigmoid(`${id}/hard`, x)]);
      if (activation === 'hard_sigmoid') return add(id, 'Identity', [hardSigmoid(`${id}/hard`, x)]);
      const erf = add(`${id}/Erf`, 'Erf', [add(`${id}/div`, 'RealDiv', [x, scalar(`${id}/root`, Math.SQRT2)])]);
      const half = add(`${id}/half`, 'Mul', [scalar(`${id}/0.5`, 0.5), x]);
      return add(id, 'Mul', [half, add(`${id}/add`, 'AddV2', [scalar(`${id}/1`, 1), erf])]);
    },
    MaxPooling2D: ({ poolSize, strides, padding }, id, [x]) =>
      add(id, 'MaxPool', [x], { ksize: square(poolSize), strides: square(strides), padding: pads(padding) }),
    AveragePooling2D: ({ poolSize, strides, padding }, id, [x]) =>
      add(id, 'AvgPool', [x], { ksize: square(poolSize), strides: square(strides), padding: pads(padding) }),
    GlobalAveragePooling2D: (_config, id, [x]) => add(id, 'Mean', [x, whole(`${id}/axes`, [1, 2])], { keep_dims: { b: false } }),
    GlobalMaxPooling2D: (_config, id, [x]) => add(id, 'Max', [x, whole(`${id}/axes`, [1, 2])], { keep_dims: { b: false } }),
    Add: (_config, id, inputs) => (inputs.length === 2 ? add(id, 'AddV2', inputs) : add(id, 'AddN', inputs, { N: { i: '3' } })),
    Multiply: (_config, id, inputs) => add(id, 'Mul', inputs),
    Concatenate: (_config, id, inputs) =>
      add(id, 'ConcatV2', [...inputs, whole(`${id}/axis`, [-1], [])], { N: { i: String(inputs.length) } }),
    ZeroPadding2D: ({ padding: [rows, columns] }, id, [x]) =>
      add(id, 'Pad', [x, whole(`${id}/paddings`, [0, 0, ...rows, ...columns, 0, 0], [4, 2])]),
    Flatten: (_config, id, [x]) => add(id, 'Reshape', [x, whole(`${id}/shape`, [-1, Number(shapes.get(id)?.[0])])]),
    Dropout: (_config, id, [x]) => add(id, 'Identity', [x]),
    Softmax: (_config, id, [x]) => add(id, 'Softmax', [x]),
  };

  const shapes = inferShapes(network);
  const run = <K extends Kind>({ kind, config, id }: NodeOf<K>, inputs: readonly string[], weights: LayerWeights): string => {
    const operation = operations[kind];
    if (operation === undefined) throw new Error(`a GraphModel of ${kind} is not made here`);
    return operation(config, id, inputs, weights);
  };
  for (const node of network.nodes) {
    const ranks = inputShapesOf(node, shapes).map((shape) => shape.length);
    const isGated = node.kind === 'Multiply' && ranks.includes(1) && ranks.includes(3);
    const inputs = node.inputs.map((input, i) => (isGated && ranks[i] === 1 ? gate(`${node.id}/gate${i}`, input) : input));
    run(node, inputs, weightsOf(network, node, shapes));
  }
  return {
    model: {
      format: 'graph-model',
      generatedBy: '2.15.0',
      convertedBy: 'TensorFlow.js Converter v4.22.0',
      // Converters write nodes in any order.
      modelTopology: { node: nodes.toReversed(), library: {}, versions: { producer: 1087 } },
      weightsManifest: [{ paths: ['group1-shard1of1.bin'], weights: manifest }],
    },
    weights: Buffer.concat(parts),
  };
}
