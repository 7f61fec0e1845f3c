import { InferenceSession, Tensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import { referenceForward } from '../../core/network/reference.ts';
import { encodeOnnx, type OnnxNode, type OnnxTensor } from './onnx-proto.ts';
import { readOnnx } from './onnx-read.ts';

const CHANNELS = 4;

const waves = (count: number, from: number): Float32Array => Float32Array.from({ length: count }, (_, i) => Math.sin(from + 0.7 * i));
const constant = (name: string, dims: readonly number[], data: Float32Array): OnnxTensor => ({
  name,
  dims,
  type: 1,
  raw: new Uint8Array(data.buffer),
});

const constants: readonly OnnxTensor[] = [
  constant('kernel', [CHANNELS, 3, 1, 1], waves(12, 1)),
  constant('gamma', [CHANNELS, 1, 1], waves(CHANNELS, 2)),
  constant('beta', [CHANNELS, 1, 1], waves(CHANNELS, 3)),
  constant('head', [CHANNELS, 2], waves(2 * CHANNELS, 4)),
  constant('two', [], Float32Array.of(2)),
  constant('minus half', [], Float32Array.of(-0.5)),
  constant('epsilon', [], Float32Array.of(0.01)),
];

/** An operation, what it makes, and what it reads. */
type Step = readonly [op: string, output: string, ...inputs: string[]];

/** Those steps from x, the map that a convolution makes of a 2 × 1 image, to y, before a classifier. */
function modelOf(steps: readonly Step[]): Uint8Array {
  const all: readonly Step[] = [
    ['Conv', 'x', 'image', 'kernel'],
    ...steps,
    ['GlobalAveragePool', 'pooled', 'y'],
    ['Flatten', 'vector', 'pooled'],
    ['MatMul', 'classes', 'vector', 'head'],
  ];
  const overChannels: OnnxNode['attributes'] = new Map([['axes', { name: 'axes', ints: [1] }]]);
  const nodes = all.map(([op, output, ...inputs]): OnnxNode => {
    return { name: output, op, domain: '', inputs, outputs: [output], attributes: op === 'ReduceMean' ? overChannels : new Map() };
  });
  const initializers = constants.filter(({ name }) => nodes.some((node) => node.inputs.includes(name)));
  const [inputs, outputs] = [[{ name: 'image', shape: [1, 3, 2, 1] }], [{ name: 'classes', shape: [1, 2] }]];
  return encodeOnnx({ opset: 13, nodes, initializers, inputs, outputs, metadata: new Map() });
}

const mean: Step = ['ReduceMean', 'm', 'x'];
const variance: readonly Step[] = [
  ['ReduceMean', 'v', 's'],
  ['Add', 'e', 'v', 'epsilon'],
];
const affine: readonly Step[] = [
  ['Mul', 'g', 'n', 'gamma'],
  ['Add', 'y', 'g', 'beta'],
];
const pytorch: readonly Step[] = [
  mean,
  ['Sub', 'c', 'x', 'm'],
  ['Pow', 's', 'c', 'two'],
  ...variance,
  ['Sqrt', 'd', 'e'],
  ['Div', 'n', 'c', 'd'],
];

const forms: Readonly<Record<string, readonly Step[]>> = {
  'as PyTorch composes it': [...pytorch, ...affine],
  'by an inverse root, without an addend': [
    mean,
    ['Sub', 'c', 'x', 'm'],
    ['Mul', 's', 'c', 'c'],
    ...variance,
    ['Pow', 'r', 'e', 'minus half'],
    ['Mul', 'f', 'r', 'gamma'],
    ['Mul', 'y', 'c', 'f'],
  ],
  'as TensorFlow composes it': [
    mean,
    ['Sub', 'c', 'm', 'x'],
    ['Pow', 's', 'c', 'two'],
    ...variance,
    ['Sqrt', 'd', 'e'],
    ['Reciprocal', 'r', 'd'],
    ['Mul', 'f', 'r', 'gamma'],
    ['Mul', 'xf', 'x', 'f'],
    ['Mul', 'mf', 'm', 'f'],
    ['Sub', 'b', 'beta', 'mf'],
    ['Add', 'y', 'xf', 'b'],
  ],
  'with the map itself added behind it': [...pytorch, ...affine.slice(0, 1), ['Add', 'z', 'g', 'beta'], ['Add', 'y', 'z', 'x']],
};

describe('a normalisation over the channels that is composed of operations', () => {
  it.each(Object.entries(forms))('%s', async (_name, steps) => {
    const bytes = modelOf(steps);
    const network = readOnnx(bytes, 'it.onnx');
    expect(network.nodes.filter(({ kind }) => kind === 'LayerNormalization')).toHaveLength(1);
    const image = waves(6, 5);
    const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 });
    const channelsFirst = Float32Array.from(image, (_, i) => image[(i % 2) * 3 + Math.floor(i / 2)]);
    const { classes } = await session.run({ image: new Tensor('float32', channelsFirst, [1, 3, 2, 1]) });
    const expected = classes.data as Float32Array;
    const found = referenceForward(network, image).get(network.nodes[network.nodes.length - 1].id) ?? [];
    expect(found).toHaveLength(expected.length);
    for (const [i, value] of expected.entries()) expect(found[i]).toBeCloseTo(value, 5);
  });

  const refused: Readonly<Record<string, readonly Step[]>> = {
    'only centred': [mean, ['Sub', 'y', 'x', 'm']],
    'divided by the variance': [...pytorch.slice(0, 5), ['Div', 'y', 'c', 'e']],
    'scaled in one half': [...pytorch.slice(0, 1), ['Mul', 'mg', 'm', 'gamma'], ['Sub', 'y', 'x', 'mg']],
  };
  it.each(Object.entries(refused))('is refused by name where the map is %s', (_name, steps) => {
    expect(() => readOnnx(modelOf(steps), 'it.onnx')).toThrow(/mean over the channels|takes two maps|in a way that is not supported/);
  });
});
