import { createRandom } from '../random.ts';
import { sizeOf } from './layers/definition.ts';
import { layerOf } from './layers/index.ts';
import { inferShapes, inputShapesOf } from './shapes.ts';
import type { ActivationName, Configs, Network, Node, Pair, Tensor } from './types.ts';

/** Short spellings of layers for tests; every field can be given. */
export const conv = (
  id: string,
  input: string,
  filters: number,
  given: Partial<Configs['Conv2D']> & { size?: number; stride?: number } = {},
): Node => {
  const { size = 3, stride = 1, ...config } = given;
  return {
    id,
    kind: 'Conv2D',
    inputs: [input],
    config: {
      filters,
      kernelSize: [size, size],
      strides: [stride, stride],
      padding: 'same',
      dilationRate: [1, 1],
      groups: 1,
      useBias: false,
      ...config,
    },
  };
};

export const depthwise = (id: string, input: string, given: Partial<Configs['DepthwiseConv2D']> = {}): Node => ({
  id,
  kind: 'DepthwiseConv2D',
  inputs: [input],
  config: {
    kernelSize: [3, 3],
    strides: [1, 1],
    padding: 'same',
    dilationRate: [1, 1],
    depthMultiplier: 1,
    useBias: false,
    ...given,
  },
});

export const input = (shape: Configs['Input']['shape']): Node => ({ id: 'input', kind: 'Input', inputs: [], config: { shape } });
export const norm = (id: string, from: string): Node => ({
  id,
  kind: 'BatchNormalization',
  inputs: [from],
  config: { epsilon: 1e-3, momentum: 0.99 },
});
export const relu = (id: string, from: string): Node => ({ id, kind: 'ReLU', inputs: [from], config: { maxValue: null } });
export const dense = (id: string, from: string, units: number): Node => ({
  id,
  kind: 'Dense',
  inputs: [from],
  config: { units, useBias: true },
});
export const add = (id: string, ...inputs: string[]): Node => ({ id, kind: 'Add', inputs, config: {} });
export const concat = (id: string, ...inputs: string[]): Node => ({ id, kind: 'Concatenate', inputs, config: {} });
export const globalAverage = (id: string, from: string): Node => ({
  id,
  kind: 'GlobalAveragePooling2D',
  inputs: [from],
  config: {},
});
export const flatten = (id: string, from: string): Node => ({ id, kind: 'Flatten', inputs: [from], config: {} });
export const softmax = (id: string, from: string): Node => ({ id, kind: 'Softmax', inputs: [from], config: {} });
export const maxPool = (id: string, from: string, size: Pair = [2, 2]): Node => ({
  id,
  kind: 'MaxPooling2D',
  inputs: [from],
  config: { poolSize: size, strides: size, padding: 'valid' },
});
export const channelMap = (id: string, from: string, map: readonly number[], strides: Pair): Node => ({
  id,
  kind: 'ChannelMap',
  inputs: [from],
  config: { map, strides },
});

export const activation = (id: string, from: string, name: ActivationName): Node => ({
  id,
  kind: 'Activation',
  inputs: [from],
  config: { activation: name },
});
export const multiply = (id: string, ...inputs: string[]): Node => ({ id, kind: 'Multiply', inputs, config: {} });
export const layerNorm = (id: string, from: string): Node => ({
  id,
  kind: 'LayerNormalization',
  inputs: [from],
  config: { epsilon: 1e-2 },
});
export const layerScale = (id: string, from: string): Node => ({ id, kind: 'LayerScale', inputs: [from], config: {} });
export const channelGather = (id: string, from: string, indices: readonly number[]): Node => ({
  id,
  kind: 'ChannelGather',
  inputs: [from],
  config: { indices },
});
/** The average over a map of this size that stays a map of one position, as a squeeze-and-excitation begins. */
export const squeeze = (id: string, from: string, size: Pair): Node => ({
  id,
  kind: 'AveragePooling2D',
  inputs: [from],
  config: { poolSize: size, strides: size, padding: 'valid' },
});

/** A network of these nodes with seeded random weights: variances and scales near 1, the rest normal and small. */
export function withRandomWeights(nodes: readonly Node[], seed = 1): Network {
  const random = createRandom(seed);
  const shapes = inferShapes(nodes);
  const weights = new Map<string, Tensor>();
  for (const node of nodes) {
    for (const { name, shape } of layerOf(node.kind).weights(node, inputShapesOf(node, shapes))) {
      const nearOne = name === 'gamma' || name === 'moving_variance';
      const data = Float32Array.from({ length: sizeOf(shape) }, () => (nearOne ? 0.5 + random.next() : 0.4 * random.normal()));
      weights.set(`${node.id}/${name}`, { shape, data });
    }
  }
  return {
    nodes,
    weights,
    metadata: {
      name: 'test',
      preprocessing: { scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1], resize: 'shorter-side-centre-crop' },
    },
  };
}
