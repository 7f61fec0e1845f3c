import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { Failure } from '../failure.ts';
import { activationSites, classifierNode, costOf, featuresNode, inferShapes, kernelMatrix, layerOf } from './index.ts';
import { logitsNode, nodeOf, replaceHead, validateNetwork, type Network, type Node, type Tensor } from './index.ts';
import * as make from './testing.ts';

const residual = make.withRandomWeights([
  make.input([8, 8, 3]),
  make.conv('c1', 'input', 4),
  make.norm('b1', 'c1'),
  make.relu('r1', 'b1'),
  make.conv('c2', 'r1', 4, { useBias: true }),
  make.norm('b2', 'c2'),
  make.add('sum', 'r1', 'b2'),
  make.relu('r2', 'sum'),
  make.globalAverage('pool', 'r2'),
  make.dense('classes', 'pool', 5),
  make.softmax('probabilities', 'classes'),
]);

function failureOf(act: () => unknown): Failure {
  try {
    act();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('nothing failed');
}

describe('shapes', () => {
  it.each<[string, Node, readonly number[]]>([
    ['same, stride 2', make.conv('x', 'input', 6, { stride: 2 }), [4, 5, 6]],
    ['valid', make.conv('x', 'input', 6, { padding: 'valid' }), [5, 7, 6]],
    ['valid, dilated', make.conv('x', 'input', 6, { padding: 'valid', dilationRate: [2, 3] }), [3, 3, 6]],
    ['depthwise', make.depthwise('x', 'input', { depthMultiplier: 2, strides: [2, 2] }), [4, 5, 8]],
    ['pooling', make.maxPool('x', 'input'), [3, 4, 4]],
    ['flatten', make.flatten('x', 'input'), [252]],
    ['channel map', make.channelMap('x', 'input', [-1, 0, 3, -1, 2], [2, 2]), [4, 5, 5]],
    [
      'padding',
      {
        id: 'x',
        kind: 'ZeroPadding2D',
        inputs: ['input'],
        config: {
          padding: [
            [1, 2],
            [0, 3],
          ],
        },
      },
      [10, 12, 4],
    ],
    ['concat', make.concat('x', 'input', 'input'), [7, 9, 8]],
    ['a vector as gate', make.multiply('x', 'vector', 'input', 'vector'), [7, 9, 4]],
    ['gather', make.channelGather('x', 'input', [3, 0]), [7, 9, 2]],
  ])('%s', (_name, node, shape) => {
    expect(inferShapes([make.input([7, 9, 4]), make.globalAverage('vector', 'input'), node]).get('x')).toEqual(shape);
  });

  it.each<[string, Node]>([
    ['a window larger than the map', make.conv('x', 'input', 2, { size: 9, padding: 'valid' })],
    ['a stride of zero', make.conv('x', 'input', 2, { stride: 0 })],
    ['half a stride', make.channelMap('x', 'input', [0], [0.5, 1])],
    ['groups that do not divide', make.conv('x', 'input', 6, { groups: 3 })],
    ['a flat layer on a map', make.dense('x', 'input', 2)],
    ['an input that is not there', make.relu('x', 'nowhere')],
    ['too few inputs', make.add('x', 'input')],
    ['factors of other shapes', make.multiply('x', 'input', 'small')],
    ['a channel gathered that is not there', make.channelGather('x', 'input', [0, 4])],
    ['a map from a channel that is not there', make.channelMap('x', 'input', [0, 4], [1, 1])],
  ])('names the layer with %s', (_name, node) => {
    expect(failureOf(() => inferShapes([make.input([7, 9, 4]), make.conv('small', 'input', 4, { stride: 2 }), node]))).toMatchObject({
      code: 'shape-mismatch',
      field: 'x',
    });
  });

  it('refuses an unknown kind by name', () => {
    const alien = JSON.parse('{"id":"x","kind":"toString","inputs":["input"],"config":{}}') as Node;
    const failure = failureOf(() => inferShapes([make.input([7, 9, 4]), alien]));
    expect(failure).toMatchObject({ code: 'unsupported-layer', field: 'x' });
    expect(failure.message).toContain('toString');
  });
});

describe('validateNetwork', () => {
  const changed = (key: string, tensor: Tensor | undefined): Network => {
    const weights = new Map(residual.weights);
    if (tensor === undefined) weights.delete(key);
    else weights.set(key, tensor);
    return { ...residual, weights };
  };

  it('accepts a sound network', () => expect(() => validateNetwork(residual)).not.toThrow());

  it('names layer, weight and index of a value that is not finite', () => {
    const data = new Float32Array(4);
    data[2] = Number.NaN;
    const failure = failureOf(() => validateNetwork(changed('b1/gamma', { shape: [4], data })));
    expect(failure).toMatchObject({ code: 'non-finite-weights', field: 'b1' });
    expect(failure.message).toBe('Weight "gamma" of layer "b1" is NaN at index 2.');
  });

  it.each([
    ['missing', 'c2/bias', undefined, 'shape-mismatch'],
    ['of another shape', 'c2/bias', { shape: [3], data: new Float32Array(3) }, 'shape-mismatch'],
    ['surplus', 'c1/bias', { shape: [4], data: new Float32Array(4) }, 'malformed-file'],
  ])('refuses a weight that is %s', (_name, key, tensor, code) => {
    expect(failureOf(() => validateNetwork(changed(key, tensor))).code).toBe(code);
  });

  it('refuses double ids, a second Input and no Input', () => {
    const { nodes } = residual;
    for (const broken of [[...nodes, make.relu('r1', 'classes')], [...nodes, { ...nodes[0], id: 'again' }], nodes.slice(1), []]) {
      expect(failureOf(() => validateNetwork({ ...residual, nodes: broken })).code).toBe('malformed-file');
    }
  });
});

describe('cost', () => {
  it('counts convolutions and Dense layers only', () => {
    const cost = costOf(residual);
    expect(cost.byNode.get('c1')).toEqual({ macs: 64 * 4 * 27, flops: 2 * 64 * 4 * 27, params: 108, bytes: 432 });
    expect(cost.byNode.get('c2')).toMatchObject({ macs: 64 * 4 * 36, params: 148 });
    expect(cost.byNode.get('b1')).toEqual({ macs: 0, flops: 0, params: 8, bytes: 64 });
    expect(cost.byNode.get('classes')).toMatchObject({ macs: 20, params: 25 });
    expect(cost).toMatchObject({ macs: 16148, flops: 32296, params: 297, bytes: 4 * (297 + 16) });
  });

  it('honours groups and depthwise kernels', () => {
    const nodes = [
      make.input([4, 4, 8]),
      make.conv('g', 'input', 12, { groups: 4, useBias: true }),
      make.depthwise('d', 'g', { depthMultiplier: 2, useBias: true }),
    ];
    const { byNode } = costOf(nodes);
    expect(byNode.get('g')).toMatchObject({ macs: 16 * 12 * 2 * 9, params: 9 * 2 * 12 + 12 });
    expect(byNode.get('d')).toMatchObject({ macs: 16 * 24 * 9, params: 9 * 24 + 24 });
  });
});

describe('structure', () => {
  it('finds logits, classifier and features', () => {
    expect(logitsNode(residual).id).toBe('classes');
    expect(classifierNode(residual).id).toBe('classes');
    expect(featuresNode(residual).id).toBe('pool');
  });

  it('reads activations after the ReLU, or signed after the BatchNormalization before an Add', () => {
    expect(activationSites(residual)).toEqual([
      { conv: 'c1', read: 'r1', nonNegative: true },
      { conv: 'c2', read: 'b2', nonNegative: false },
    ]);
  });

  it('lays kernels out as one row per output channel', () => {
    const count = (shape: number[]): Tensor => ({
      shape,
      data: Float32Array.from({ length: shape.reduce((a, b) => a * b) }, (_, i) => i),
    });
    const conv = kernelMatrix(make.conv('c', 'input', 3), { kernel: count([1, 2, 2, 3]) });
    expect(conv).toEqual({ count: 3, size: 4, values: Float32Array.of(0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11) });
    const depth = kernelMatrix(make.depthwise('d', 'input', { depthMultiplier: 2 }), { kernel: count([1, 2, 3, 2]) });
    expect(depth).toEqual({ count: 6, size: 2, values: Float32Array.of(0, 6, 1, 7, 2, 8, 3, 9, 4, 10, 5, 11) });
    expect(failureOf(() => kernelMatrix(make.relu('r', 'input'), {})).code).toBe('unsupported-layer');
  });

  it('declares decay for kernels alone and moving statistics as no parameters', () => {
    const specs = layerOf('BatchNormalization').weights(
      { id: 'b', kind: 'BatchNormalization', inputs: ['x'], config: { epsilon: 1, momentum: 1 } },
      [[4]],
    );
    expect(specs.map(({ name, trainable, decay }) => [name, trainable, decay])).toEqual([
      ['gamma', true, false],
      ['beta', true, false],
      ['moving_mean', false, false],
      ['moving_variance', false, false],
    ]);
  });
});

describe('replaceHead', () => {
  it('makes a new Dense and keeps the rest, the Softmax too', () => {
    const replaced = replaceHead(residual, ['a', 'b', 'c'], createRandom(3));
    validateNetwork(replaced);
    expect(inferShapes(replaced).get('probabilities')).toEqual([3]);
    expect(replaced.metadata.classNames).toEqual(['a', 'b', 'c']);
    expect(replaced.weights.get('c2/kernel')).toBe(residual.weights.get('c2/kernel'));
    expect(replaced.weights.get('classes/bias')?.data).toEqual(new Float32Array(3));
    const kernel = replaced.weights.get('classes/kernel')?.data ?? [];
    expect(Math.max(...kernel.map(Math.abs))).toBeLessThan(0.06);
    expect(new Set(kernel).size).toBe(12);
    expect(replaceHead(residual, ['a', 'b', 'c'], createRandom(3)).weights.get('classes/kernel')?.data).toEqual(kernel);
  });

  it('replaces the convolution before a global pooling', () => {
    const squeeze = make.withRandomWeights([
      make.input([4, 4, 3]),
      make.conv('body', 'input', 6),
      make.conv('classes', 'body', 10, { size: 1, useBias: true }),
      make.relu('r', 'classes'),
      make.globalAverage('pool', 'r'),
    ]);
    const replaced = replaceHead(squeeze, ['a', 'b'], createRandom(1));
    validateNetwork(replaced);
    expect(inferShapes(replaced).get('pool')).toEqual([2]);
    expect(nodeOf(replaced, 'classes')).toMatchObject({ kind: 'Conv2D', config: { filters: 2 } });
    expect(featuresNode(replaced).id).toBe('body');
  });

  it('refuses one class', () => {
    expect(failureOf(() => replaceHead(residual, ['a'], createRandom(1))).code).toBe('invalid-request');
  });
});
