import type { ActivationName, Configs, Kind, NodeOf, Pair, Shape, Tensor } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { channelsOf } from '../../core/network/index.ts';

/** One layer of a LayersModel; a node becomes a chain of them, each reading the one before unless it says otherwise. */
export interface LayerJson {
  readonly className: string;
  /** What it reads instead: inputs of the node by their place, earlier layers of the chain by their suffix. */
  readonly inputs?: readonly (number | string)[];
  /** Added to the node's name; empty for the last of the chain. */
  readonly suffix: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** A kernel that belongs to the lowering and not to the Network. */
  readonly fixedKernel?: () => Tensor;
}

/** How one weight of a node stands in the file. */
export interface StoredWeight {
  readonly name: string;
  pack(tensor: Tensor): Tensor;
  /** Undoes pack. */
  unpack(tensor: Tensor): Tensor;
}

const channelsLast = { data_format: 'channels_last' };

function layer(className: string, config: Readonly<Record<string, unknown>>, suffix = ''): LayerJson {
  return { className, config, suffix };
}

function pooling(className: string, { poolSize, strides, padding }: Configs['MaxPooling2D']): LayerJson {
  return layer(className, { pool_size: poolSize, strides, padding, ...channelsLast });
}

const chains: { readonly [K in Kind]: (config: Configs[K], inputs: readonly Shape[]) => readonly LayerJson[] } = {
  Input: ({ shape }) => [layer('InputLayer', { batch_input_shape: [null, ...shape], dtype: 'float32', sparse: false })],
  Conv2D: ({ filters, kernelSize, strides, padding, dilationRate, useBias }) => [
    layer('Conv2D', {
      filters,
      kernel_size: kernelSize,
      strides,
      padding,
      dilation_rate: dilationRate,
      activation: 'linear',
      use_bias: useBias,
      ...channelsLast,
    }),
  ],
  DepthwiseConv2D: ({ kernelSize, strides, padding, dilationRate, depthMultiplier, useBias }) => [
    layer('DepthwiseConv2D', {
      kernel_size: kernelSize,
      strides,
      padding,
      dilation_rate: dilationRate,
      depth_multiplier: depthMultiplier,
      activation: 'linear',
      use_bias: useBias,
      ...channelsLast,
    }),
  ],
  Dense: ({ units, useBias }) => [layer('Dense', { units, activation: 'linear', use_bias: useBias })],
  BatchNormalization: ({ epsilon, momentum }) => [layer('BatchNormalization', { axis: -1, epsilon, momentum, center: true, scale: true })],
  LayerNormalization: ({ epsilon, over }) => {
    if (over !== undefined) throw notExpressible('a LayerNormalization over some of its channels');
    return [layer('LayerNormalization', { axis: -1, epsilon, center: true, scale: true })];
  },
  LayerScale(_config, [input]) {
    if (input.length !== 3) throw notExpressible('a LayerScale of a vector');
    const config = { kernelSize: [1, 1], strides: [1, 1], padding: 'valid', dilationRate: [1, 1] } as const;
    return chains.DepthwiseConv2D({ ...config, depthMultiplier: 1, useBias: false }, [input]);
  },
  ReLU: ({ maxValue }) => [layer('ReLU', { max_value: maxValue })],
  Activation: ({ activation }) => activationChains[activation],
  MaxPooling2D: (config) => [pooling('MaxPooling2D', config)],
  AveragePooling2D: (config) => [pooling('AveragePooling2D', config)],
  GlobalAveragePooling2D: () => [layer('GlobalAveragePooling2D', channelsLast)],
  GlobalMaxPooling2D: () => [layer('GlobalMaxPooling2D', channelsLast)],
  Add: () => [layer('Add', {})],
  Multiply: (_config, inputs) => multiplied(inputs),
  Concatenate: () => [layer('Concatenate', { axis: -1 })],
  ZeroPadding2D: ({ padding }) => [layer('ZeroPadding2D', { padding, ...channelsLast })],
  Flatten: () => [layer('Flatten', channelsLast)],
  Dropout: ({ rate }) => [layer('Dropout', { rate })],
  Softmax: () => [layer('Softmax', { axis: -1 })],
  ChannelMap: ({ map, strides }, [input]) => [...strided(strides), channelGather(map, channelsOf(input))],
  ChannelGather({ indices }, [input]) {
    if (input.length !== 3) throw notExpressible('a ChannelGather of a vector');
    return gatherChain(indices, input);
  },
};

/** Vectors among maps become maps of one position. */
function multiplied(inputs: readonly Shape[]): readonly LayerJson[] {
  const isVector = inputs.map((shape) => shape.length === 1 && inputs.some((other) => other.length === 3));
  const gates = inputs.flatMap((shape, i) =>
    isVector[i] ? [{ ...layer('Reshape', { target_shape: [1, 1, ...shape] }, `__gate${i}`), inputs: [i] }] : [],
  );
  return [...gates, { ...layer('Multiply', {}), inputs: isVector.map((vector, i) => (vector ? `__gate${i}` : i)) }];
}

/** tfjs's hardSigmoid is Keras 2's, which is steeper. */
const hardSigmoid = (suffix = '') => [
  layer('Rescaling', { scale: 1 / 6, offset: 0.5 }, '__rescaled'),
  layer('ReLU', { max_value: 1 }, suffix),
];

const activationChains: Readonly<Record<ActivationName, readonly LayerJson[]>> = {
  sigmoid: [layer('Activation', { activation: 'sigmoid' })],
  hard_sigmoid: hardSigmoid(),
  swish: [layer('Activation', { activation: 'swish' })],
  hard_swish: [...hardSigmoid('__gate'), { ...layer('Multiply', {}), inputs: [0, '__gate'] }],
  gelu: [layer('Activation', { activation: 'gelu' })],
};

function notExpressible(what: string): Failure {
  return new Failure('unsupported-layer', `A tfjs LayersModel cannot hold ${what}.`, { hint: 'Export the model in another format.' });
}

/** A run of channels is cropped out of the last axis, a shuffle is a transposition, and the rest is a fixed convolution. */
function gatherChain(indices: readonly number[], [height, width, channels]: Shape): readonly LayerJson[] {
  const [first] = indices;
  if (indices.every((from, o) => from === first + o)) {
    const cropping = [
      [0, 0],
      [first, channels - first - indices.length],
    ];
    return [layer('Cropping2D', { cropping, data_format: 'channels_first' })];
  }
  const each = indices[1] - first;
  const groups = channels / each;
  const shuffled = indices.length === channels && indices.every((from, o) => from === (o % groups) * each + Math.floor(o / groups));
  if (!shuffled) return [channelGather(indices, channels)];
  return [
    layer('Reshape', { target_shape: [height, width, groups, each] }, '__groups'),
    layer('Permute', { dims: [1, 2, 4, 3] }, '__shuffled'),
    layer('Reshape', { target_shape: [height, width, channels] }),
  ];
}

/** Every strides-th position: a pooling over windows of one. */
function strided(strides: Pair): readonly LayerJson[] {
  if (strides[0] === 1 && strides[1] === 1) return [];
  return [layer('MaxPooling2D', { pool_size: [1, 1], strides, padding: 'valid', ...channelsLast }, '__stride')];
}

/**
 * All channels in order between zeros: padding of the last axis, which is what `channels_first` takes for the width.
 * Anything else: a 1×1 convolution of zeros and ones.
 */
function channelGather(map: readonly number[], channels: number): LayerJson {
  const before = map.indexOf(0);
  const after = map.length - channels - before;
  const inOrder = before >= 0 && after >= 0 && map.every((from, o) => from === (o >= before && o < before + channels ? o - before : -1));
  if (inOrder) {
    const padding = [
      [0, 0],
      [before, after],
    ];
    return layer('ZeroPadding2D', { padding, data_format: 'channels_first' });
  }
  const fixedKernel = (): Tensor => {
    const data = new Float32Array(channels * map.length);
    for (const [o, from] of map.entries()) if (from >= 0) data[from * map.length + o] = 1;
    return { shape: [1, 1, channels, map.length], data };
  };
  const config = { filters: map.length, kernelSize: [1, 1], strides: [1, 1], padding: 'valid', dilationRate: [1, 1], groups: 1 } as const;
  const [convolution] = chains.Conv2D({ ...config, useBias: false }, []);
  return { ...convolution, config: { ...convolution.config, trainable: false }, fixedKernel };
}

/** The layers that compute a node exactly, all of kinds that tfjs has. */
export function lower<K extends Kind>(node: NodeOf<K>, inputs: readonly Shape[]): readonly LayerJson[] {
  return chains[node.kind](node.config, inputs);
}

const same = (name: string): StoredWeight => ({ name, pack: (tensor) => tensor, unpack: (tensor) => tensor });

const storedWeights: { readonly [K in Kind]?: (node: NodeOf<K>, weight: string) => StoredWeight } = {
  Conv2D: (node, weight) => (weight === 'kernel' && node.config.groups > 1 ? blockDiagonal(node) : same(weight)),
  LayerScale: () => ({
    name: 'depthwise_kernel',
    pack: ({ data }) => ({ shape: [1, 1, data.length, 1], data }),
    unpack: ({ data }) => ({ shape: [data.length], data }),
  }),
  DepthwiseConv2D: (_node, weight) => same(weight === 'kernel' ? 'depthwise_kernel' : weight),
};

/** How a weight of the node is named and laid out in the file. */
export function storedWeight<K extends Kind>(node: NodeOf<K>, weight: string): StoredWeight {
  return storedWeights[node.kind]?.(node, weight) ?? same(weight);
}

/** A grouped kernel (h, w, in / groups, out) as a dense one (h, w, in, out) that is zero between groups; tfjs has no groups. */
function blockDiagonal({ id, config: { groups, filters } }: NodeOf<'Conv2D'>): StoredWeight {
  const filtersEach = filters / groups;
  // Index in the dense kernel of value i of the grouped one.
  const place = (i: number, width: number): number => {
    const o = i % filters;
    const channel = Math.floor(i / filters) % width;
    const position = Math.floor(i / filters / width);
    return ((position * groups + Math.floor(o / filtersEach)) * width + channel) * filters + o;
  };
  return {
    name: 'kernel',
    pack({ shape: [height, width, channels], data }) {
      const dense = new Float32Array(data.length * groups);
      for (let i = 0; i < data.length; i++) dense[place(i, channels)] = data[i];
      return { shape: [height, width, channels * groups, filters], data: dense };
    },
    unpack({ shape: [height, width, channels], data: dense }) {
      const each = channels / groups;
      const data = Float32Array.from({ length: dense.length / groups }, (_, i) => dense[place(i, each)]);
      const inside = data.reduce((count, value) => count + (value === 0 ? 0 : 1), 0);
      if (inside !== dense.reduce((count, value) => count + (value === 0 ? 0 : 1), 0)) {
        throw new Failure('malformed-file', `Layer "${id}" was a grouped convolution and no longer is.`, {
          hint: 'Upload the file as it was exported.',
          field: id,
        });
      }
      return { shape: [height, width, each, filters], data };
    },
  };
}

/** tfjs allows fewer characters in names than a Network's ids may have. */
const plainName = /^[A-Za-z0-9][-A-Za-z0-9._/]*$/;

/** Layer name of node number `index`: its id where tfjs can hold it and no lowered layer could have the same. */
export function layerName(id: string, index: number): string {
  return plainName.test(id) && !id.includes('__') && !/^layer_\d+$/.test(id) ? id : `layer_${index}`;
}
