import { expect } from 'vitest';
import type { ImageSet } from '../../core/images.ts';
import {
  add,
  channelMap,
  concat,
  conv,
  dense,
  depthwise,
  flatten,
  globalAverage,
  input,
  maxPool,
  norm,
  relu,
  softmax,
} from '../../core/network/testing.ts';
import type { Node } from '../../core/network/types.ts';
import { createRandom } from '../../core/random.ts';
import type { Recipe } from '../types.ts';

/** Side of the images that {@link cases} take. */
export const SIDE = 7;

/** Small networks that together hold every kind, odd sizes, strides, dilation, groups and both paddings. */
export const cases: Record<string, Node[]> = {
  'conv 3×3, same, stride 2, bias': [input([SIDE, SIDE, 3]), conv('c', 'input', 5, { stride: 2, useBias: true }), flatten('f', 'c')],
  'conv 4×2, valid, dilated': [
    input([SIDE, SIDE, 3]),
    conv('c', 'input', 4, { kernelSize: [4, 2], padding: 'valid', dilationRate: [2, 3] }),
    flatten('f', 'c'),
  ],
  'conv 1×1, stride 3': [input([SIDE, SIDE, 3]), conv('c', 'input', 4, { size: 1, stride: 3 }), flatten('f', 'c')],
  'conv in groups, stride 2': [
    input([SIDE, SIDE, 3]),
    conv('c0', 'input', 6),
    conv('c', 'c0', 8, { groups: 2, stride: 2 }),
    flatten('f', 'c'),
  ],
  'zero padding before a valid conv': [
    input([SIDE, SIDE, 3]),
    { id: 'p', kind: 'ZeroPadding2D', inputs: ['input'], config: { padding: [[1, 2], [0, 3]] } }, // prettier-ignore
    conv('c', 'p', 4, { padding: 'valid', stride: 2 }),
    flatten('f', 'c'),
  ],
  'zero padding before a grouped conv': [
    input([SIDE, SIDE, 3]),
    conv('c0', 'input', 6),
    { id: 'p', kind: 'ZeroPadding2D', inputs: ['c0'], config: { padding: [[1, 1], [1, 2]] } }, // prettier-ignore
    conv('c', 'p', 9, { groups: 3, padding: 'valid', stride: 2 }),
    flatten('f', 'c'),
  ],
  'zero padding before a pooling': [
    input([SIDE, SIDE, 3]),
    { id: 'p', kind: 'ZeroPadding2D', inputs: ['input'], config: { padding: [[1, 0], [2, 1]] } }, // prettier-ignore
    maxPool('m', 'p'),
    conv('c', 'm', 4),
    flatten('f', 'c'),
  ],
  'depthwise, stride 2': [
    input([SIDE, SIDE, 3]),
    conv('c', 'input', 4),
    depthwise('d', 'c', { strides: [2, 2], useBias: true }),
    flatten('f', 'd'),
  ],
  'depthwise, multiplier 2, dilated': [
    input([SIDE, SIDE, 3]),
    conv('c', 'input', 4),
    depthwise('d', 'c', { depthMultiplier: 2, dilationRate: [2, 2], padding: 'valid' }),
    flatten('f', 'd'),
  ],
  'depthwise after zero padding': [
    input([SIDE, SIDE, 3]),
    conv('c', 'input', 4),
    { id: 'p', kind: 'ZeroPadding2D', inputs: ['c'], config: { padding: [[0, 1], [0, 1]] } }, // prettier-ignore
    depthwise('d', 'p', { strides: [2, 2], padding: 'valid' }),
    flatten('f', 'd'),
  ],
  'BatchNormalization, ReLU, ReLU6': [
    input([SIDE, SIDE, 3]),
    conv('c', 'input', 5, { useBias: true }),
    norm('n', 'c'),
    relu('r', 'n'),
    depthwise('d', 'r'),
    norm('n2', 'd'),
    { id: 'r6', kind: 'ReLU', inputs: ['n2'], config: { maxValue: 6 } },
    conv('c2', 'r6', 3),
    { id: 'r1', kind: 'ReLU', inputs: ['c2'], config: { maxValue: 1.5 } },
    flatten('f', 'r1'),
  ],
  'BatchNormalization first and after Dense': [
    input([SIDE, SIDE, 3]),
    norm('n', 'input'),
    conv('c', 'n', 4),
    globalAverage('g', 'c'),
    dense('d', 'g', 6),
    norm('n2', 'd'),
    relu('r', 'n2'),
    dense('d2', 'r', 4),
    softmax('s', 'd2'),
  ],
  'residual with ChannelMap': [
    input([SIDE, SIDE, 3]),
    conv('c', 'input', 4),
    conv('c2', 'c', 6, { stride: 2 }),
    norm('n', 'c2'),
    channelMap('m', 'c', [-1, 0, 1, 2, 3, -1], [2, 2]),
    add('a', 'n', 'm'),
    relu('r', 'a'),
    flatten('f', 'r'),
  ],
  'irregular ChannelMap': [
    input([SIDE, SIDE, 3]),
    conv('c', 'input', 4),
    channelMap('m', 'c', [3, -1, 0, 3, 1], [1, 1]),
    flatten('f', 'm'),
  ],
  'ChannelMap of a slice, strides 2×3': [
    input([SIDE, SIDE, 3]),
    conv('c', 'input', 4),
    channelMap('m', 'c', [1, 2], [2, 3]),
    flatten('f', 'm'),
  ],
  'Concatenate, one input read twice': [
    input([SIDE, SIDE, 3]),
    conv('c', 'input', 4),
    relu('r', 'c'),
    concat('j', 'c', 'r', 'r'),
    add('a', 'j', 'j', 'j'),
    flatten('f', 'a'),
  ],
  'average pooling 3×3 stride 2, same': [
    input([SIDE, SIDE, 3]),
    conv('c', 'input', 4),
    { id: 'a', kind: 'AveragePooling2D', inputs: ['c'], config: { poolSize: [3, 3], strides: [2, 2], padding: 'same' } },
    flatten('f', 'a'),
  ],
  'average pooling 2×3 stride 2×1, valid': [
    input([SIDE, SIDE, 3]),
    conv('c', 'input', 4),
    { id: 'a', kind: 'AveragePooling2D', inputs: ['c'], config: { poolSize: [2, 3], strides: [2, 1], padding: 'valid' } },
    flatten('f', 'a'),
  ],
  'max pooling 3×3 stride 2, same': [
    input([SIDE, SIDE, 3]),
    conv('c', 'input', 4),
    { id: 'm', kind: 'MaxPooling2D', inputs: ['c'], config: { poolSize: [3, 3], strides: [2, 2], padding: 'same' } },
    flatten('f', 'm'),
  ],
  ...Object.fromEntries(
    (['sigmoid', 'hard_sigmoid', 'swish', 'hard_swish', 'gelu'] as const).map((activation): [string, Node[]] => [
      activation,
      [
        input([SIDE, SIDE, 3]),
        conv('c', 'input', 5, { useBias: true }),
        { id: 'a', kind: 'Activation', inputs: ['c'], config: { activation } },
        flatten('f', 'a'),
      ],
    ]),
  ),
  'squeeze and excitation': [
    input([SIDE, SIDE, 3]),
    conv('c', 'input', 4),
    { id: 'squeeze', kind: 'AveragePooling2D', inputs: ['c'], config: { poolSize: [7, 7], strides: [7, 7], padding: 'valid' } },
    conv('gate', 'squeeze', 4, { size: 1, useBias: true }),
    { id: 's', kind: 'Activation', inputs: ['gate'], config: { activation: 'sigmoid' } },
    { id: 'm', kind: 'Multiply', inputs: ['s', 'c', 'c'], config: {} },
    flatten('f', 'm'),
  ],
  'a gate that is a vector': [
    input([SIDE, SIDE, 3]),
    conv('c', 'input', 4),
    globalAverage('squeeze', 'c'),
    dense('gate', 'squeeze', 4),
    { id: 'm', kind: 'Multiply', inputs: ['c', 'gate'], config: {} },
    flatten('f', 'm'),
  ],
  'LayerNormalization of maps and vectors, LayerScale': [
    input([SIDE, SIDE, 3]),
    conv('c', 'input', 6),
    { id: 'n', kind: 'LayerNormalization', inputs: ['c'], config: { epsilon: 1e-2 } },
    conv('c2', 'n', 6, { size: 1, useBias: true }),
    { id: 's', kind: 'LayerScale', inputs: ['c2'], config: {} },
    { id: 's2', kind: 'LayerScale', inputs: ['n'], config: {} },
    add('a', 's', 's2'),
    globalAverage('g', 'a'),
    { id: 'n2', kind: 'LayerNormalization', inputs: ['g'], config: { epsilon: 1e-2 } },
    dense('d', 'n2', 4),
  ],
  'LayerNormalization over some channels': [
    input([SIDE, SIDE, 3]),
    conv('c', 'input', 6),
    { id: 'n', kind: 'LayerNormalization', inputs: ['c'], config: { epsilon: 1e-2, over: [0, 2, 5] } },
    flatten('f', 'n'),
  ],
  'channels gathered: a slice and a shuffle': [
    input([SIDE, SIDE, 3]),
    conv('c', 'input', 6),
    { id: 'shuffle', kind: 'ChannelGather', inputs: ['c'], config: { indices: [0, 3, 1, 4, 2, 5] } },
    { id: 'slice', kind: 'ChannelGather', inputs: ['shuffle'], config: { indices: [2, 3, 4] } },
    { id: 'twice', kind: 'ChannelGather', inputs: ['c'], config: { indices: [5, 1, 1] } },
    add('a', 'slice', 'twice'),
    flatten('f', 'a'),
  ],
  'global pooling, Dropout, Softmax inside': [
    input([SIDE, SIDE, 3]),
    conv('c', 'input', 4),
    { id: 'gm', kind: 'GlobalMaxPooling2D', inputs: ['c'], config: {} },
    globalAverage('ga', 'c'),
    add('a', 'gm', 'ga'),
    softmax('s', 'a'),
    { id: 'drop', kind: 'Dropout', inputs: ['s'], config: { rate: 0.25 } },
    dense('d', 'drop', 3),
  ],
};

type InMemory = ImageSet & { readonly pixels: Uint8Array };

export function randomImages(count: number, classes: number, seed = 3, side = SIDE): InMemory {
  const random = createRandom(seed);
  return {
    count,
    height: side,
    width: side,
    pixels: Uint8Array.from({ length: count * side * side * 3 }, () => random.integer(256)),
    labels: Int32Array.from({ length: count }, () => random.integer(classes)),
  };
}

/** Classes that differ in one colour's brightness, with noise: learnable in a few steps. */
export function learnableImages(count: number, classes: number, seed: number, side = 8): InMemory {
  const images = randomImages(count, classes, seed, side);
  const size = side * side * 3;
  const pixels = images.pixels.map((value, at) => value / 4 + ((images.labels[Math.floor(at / size)] * 3 + (at % 3)) % classes) * 40);
  return { ...images, pixels };
}

export const recipe: Recipe = {
  epochs: 3,
  batchSize: 16,
  learningRate: 0.01,
  schedule: { kind: 'cosine', warmupEpochs: 0 },
  weightDecay: 1e-4,
  augmentation: { horizontalFlip: false, rotationDegrees: 0, shift: 0 },
  tune: 'all',
  seed: 5,
};

export const tiny: Node[] = [
  input([8, 8, 3]),
  conv('c1', 'input', 8),
  norm('n1', 'c1'),
  relu('r1', 'n1'),
  conv('c2', 'r1', 8, { stride: 2 }),
  norm('n2', 'c2'),
  add('a', 'n2', 'n2'),
  relu('r2', 'a'),
  globalAverage('g', 'r2'),
  { id: 'drop', kind: 'Dropout', inputs: ['g'], config: { rate: 0.1 } },
  dense('d', 'drop', 4),
];

/** Largest difference as a share of the largest expected value. */
export function distance(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  let difference = 0;
  let scale = 1e-6;
  for (let i = 0; i < expected.length; i++) {
    difference = Math.max(difference, Math.abs(actual[i] - expected[i]));
    scale = Math.max(scale, Math.abs(expected[i]));
  }
  // NaN compares false and would pass otherwise.
  return Number.isNaN(difference) || Array.prototype.some.call(actual, Number.isNaN) ? Number.POSITIVE_INFINITY : difference / scale;
}
