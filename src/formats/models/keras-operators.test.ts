import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../core/network/types.ts';
import { referenceForward } from '../../core/network/index.ts';
import { networkOfKeras } from './keras.ts';
import { ofKeras2 } from './keras3-topology.ts';

const weights: Readonly<Record<string, Tensor>> = {
  'conv/kernel': { shape: [1, 1, 3, 2], data: Float32Array.of(2, -1, 0.5, 3, -4, 1) },
  'head/kernel': { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) },
};

const conv = { filters: 2, kernel_size: [1, 1], use_bias: false };

type Entry = readonly [className: string, name: string, config: object, inbound: unknown];

const model = (entries: readonly Entry[]) => ({
  class_name: 'Functional',
  config: {
    layers: entries.map(([className, name, config, inbound]) => ({ class_name: className, name, config, inbound_nodes: inbound })),
    input_layers: [['image', 0, 0]],
    output_layers: [['head', 0, 0]],
  },
});

/** As Keras 2.15 saves it: a function's one tensor stands bare, other arguments by name. */
function ofKeras215(operation: string, from: string, y: unknown): unknown {
  const calls = [[from, 0, 0, { y, name: null }]];
  return ['TFOpLambda', operation, { name: operation, function: operation.replace(/^tf\.|_\d$/g, '') }, calls];
}

const keras2 = model([
  ['InputLayer', 'image', { batch_input_shape: [null, 1, 1, 3] }, []],
  ofKeras215('tf.math.truediv', 'image', 127.5) as Entry,
  ofKeras215('tf.math.subtract', 'tf.math.truediv', 1) as Entry,
  ['Conv2D', 'conv', conv, [[['tf.math.subtract', 0, 0, {}]]]],
  ofKeras215('tf.__operators__.add', 'conv', 3) as Entry,
  ['ReLU', 'relu', { max_value: 6, negative_slope: 0, threshold: 0 }, [[['tf.__operators__.add', 0, 0, {}]]]],
  ofKeras215('tf.math.multiply', 'relu', 1 / 6) as Entry,
  ofKeras215('tf.math.multiply_1', 'tf.math.multiply', ['conv', 0, 0]) as Entry,
  ofKeras215('tf.__operators__.add_1', 'conv', ['tf.math.multiply_1', 0, 0]) as Entry,
  ['GlobalAveragePooling2D', 'pool', {}, [[['tf.__operators__.add_1', 0, 0, {}]]]],
  ['Dense', 'head', { units: 2, use_bias: false }, [[['pool', 0, 0, {}]]]],
]);

const tensor = (name: string) => ({ class_name: '__keras_tensor__', config: { shape: [], keras_history: [name, 0, 0] } });
const of = (...args: unknown[]) => [{ args: args.map((arg) => (typeof arg === 'string' ? tensor(arg) : arg)), kwargs: {} }];

/** As Keras 3 saves it: an operation is a layer of its own class. */
const keras3 = model([
  ['InputLayer', 'image', { batch_shape: [null, 1, 1, 3] }, []],
  ['TrueDivide', 'divide', {}, of('image', 127.5)],
  ['Subtract', 'subtract', {}, of('divide', 1)],
  ['Conv2D', 'conv', conv, of('subtract')],
  ['Add', 'three', {}, of('conv', 3)],
  ['ReLU', 'relu', { max_value: 6 }, of('three')],
  ['Multiply', 'sixth', {}, of('relu', 1 / 6)],
  ['Multiply', 'gated', {}, of('sixth', 'conv')],
  ['Add', 'sum', {}, of('conv', 'gated')],
  ['GlobalAveragePooling2D', 'pool', {}, of('sum')],
  ['Dense', 'head', { units: 2, use_bias: false }, of('pool')],
]);

const read = (json: unknown, version: string) =>
  networkOfKeras(ofKeras2(json, version, 'it'), (layer, weight) => weights[`${layer}/${weight}`], 'it');

describe.each([
  ['2.15.0', keras2],
  ['3.9.0', keras3],
] as const)('arithmetic in a model of Keras %s', (version, json) => {
  it('becomes preparation, activation and sums', () => {
    const network = read(json, version);
    expect(network.metadata.preprocessing).toMatchObject({ mean: [1, 1, 1], std: [1, 1, 1] });
    expect(network.metadata.preprocessing.scale).toBeCloseTo(1 / 127.5, 9);
    expect(network.nodes.map(({ kind }) => kind)).toEqual([
      'Input',
      'Conv2D',
      'Activation',
      'Multiply',
      'Add',
      'GlobalAveragePooling2D',
      'Dense',
    ]);
    const outputs = referenceForward(network, Float32Array.of(0.5, -1, 0.25)).get('head');
    // The convolution gives −0.5 and −3.25; x + x · hard_sigmoid(x) of them −0.708333… and −3.25.
    const [a, b] = [-0.5 - 0.5 * (2.5 / 6), -3.25];
    expect(outputs?.[0]).toBeCloseTo(a + 3 * b, 5);
    expect(outputs?.[1]).toBeCloseTo(2 * a + 4 * b, 5);
  });
});

describe('arithmetic that is no line', () => {
  it.each([
    ['Subtract', of(1, 'image')],
    ['TrueDivide', of(1, 'image')],
  ])('%s from a constant is refused by name', (className, calls) => {
    const json = structuredClone(keras3);
    const [, divide] = json.config.layers;
    Object.assign(divide, { class_name: className, inbound_nodes: calls });
    expect(() => read(json, '3.9.0')).toThrow(`"divide" (${className}) is of a class that is not supported`);
  });

  it('is refused behind a layer', () => {
    const json = structuredClone(keras3);
    Object.assign(json.config.layers[6], { inbound_nodes: of('relu', 0.25) });
    expect(() => read(json, '3.9.0')).toThrow('"three" (Rescaling) does not prepare images right after the input');
  });
});
