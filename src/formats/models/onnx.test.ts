import { InferenceSession, Tensor as OrtTensor } from 'onnxruntime-node';
import { describe, expect, it } from 'vitest';
import type { Network } from '../../core/network/types.ts';
import { logitsNode } from '../../core/network/index.ts';
import { referenceForward } from '../../core/network/reference.ts';
import { createRandom } from '../../core/random.ts';
import { networkHash } from '../network.ts';
import { networks } from './networks.fixture.ts';
import { readModel, writeOnnx } from './index.ts';
import { transposed } from './onnx-layout.ts';
import { decodeOnnx, encodeOnnx, type OnnxNode, type OnnxTensor } from './onnx-proto.ts';
import { readOnnx } from './onnx-read.ts';
import { file, read, zip } from './testing.ts';

function randomInput({ nodes: [input] }: Network): { shape: readonly number[]; data: Float32Array } {
  const shape = input.kind === 'Input' ? input.config.shape : [];
  const random = createRandom(11);
  return { shape, data: Float32Array.from({ length: shape.reduce((product, side) => product * side, 1) }, () => random.normal()) };
}

const expectedOf = (network: Network, data: Float32Array): Float32Array =>
  referenceForward(network, data).get(network.nodes[network.nodes.length - 1].id) ?? new Float32Array();

function expectClose(found: Float32Array, expected: Float32Array): void {
  expect(found.length).toBe(expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  expect(Math.max(...expected.map((value, i) => Math.abs(value - found[i]))) / scale).toBeLessThan(1e-4);
}

/** The file as another exporter would have written it: without what this service adds. */
function foreign(bytes: Uint8Array): Uint8Array {
  return encodeOnnx({ ...decodeOnnx(bytes), metadata: new Map() });
}

describe.each(Object.keys(networks))('%s', (name) => {
  const network = networks[name];
  const bytes = writeOnnx(network);
  const { shape, data } = randomInput(network);
  const expected = expectedOf(network, data);

  it('computes in ONNX Runtime what the reference computes', async () => {
    const session = await InferenceSession.create(bytes, { intraOpNumThreads: 1 });
    const { data: channelsFirst } = transposed({ shape, data }, [2, 0, 1]);
    const { output } = await session.run({ input: new OrtTensor('float32', channelsFirst, [1, shape[2], shape[0], shape[1]]) });
    expectClose(output.data as Float32Array, expected);
  });

  it('comes back as the same network', async () => {
    const { network: back, format } = await readModel(file(bytes), { fileName: 'other.onnx' });
    expect(format).toBe('onnx');
    expect(networkHash(back)).toBe(networkHash(network));
    expect(back.metadata).toEqual(network.metadata);
    expect(logitsNode(back).id).toBe(logitsNode(network).id);
  });

  it('is read from its operations alone as a network of the same outputs', () => {
    const back = readOnnx(foreign(bytes), 'it.onnx');
    expectClose(expectedOf(back, data), expected);
    expect(back.metadata.assumptions).toEqual([expect.stringContaining('ImageNet')]);
  });
});

const attributes = (of: Record<string, number[] | number>): OnnxNode['attributes'] =>
  new Map(Object.entries(of).map(([name, value]) => [name, typeof value === 'number' ? { name, int: value } : { name, ints: value }]));
const node = (op: string, inputs: string[], output: string, of: Record<string, number[] | number> = {}): OnnxNode => ({
  name: `/${output}`,
  op,
  domain: '',
  inputs,
  outputs: [output],
  attributes: attributes(of),
});
const floats = (name: string, dims: number[], ...values: number[]): OnnxTensor => ({
  name,
  dims,
  type: 1,
  raw: new Uint8Array(Float32Array.from(values).buffer),
});
const ints = (name: string, ...values: number[]): OnnxTensor => ({
  name,
  dims: [values.length],
  type: 7,
  raw: new Uint8Array(BigInt64Array.from(values, BigInt).buffer),
});

/** A model of a 2 × 2 RGB input and an output y. */
function model(nodes: OnnxNode[], initializers: OnnxTensor[] = [], more: { opset?: number; shape?: (number | string)[] } = {}): Uint8Array {
  const { opset = 13, shape = ['N', 3, 2, 2] } = more;
  const outputs = [{ name: 'y', shape: ['N', 2] }];
  return encodeOnnx({ opset, nodes, initializers, inputs: [{ name: 'x', shape }], outputs, metadata: new Map() });
}

const dense12 = floats('fc.weight', [12, 2], ...Array.from({ length: 24 }, (_, i) => i / 7 - 1));
const pixels = Float32Array.from({ length: 12 }, (_, i) => i - 5);
/** The outputs of a Dense on the values of `pixels` in an order. */
const denseOf = (values: number[]): Float32Array =>
  Float32Array.of(...[0, 1].map((o) => values.reduce((sum, value, i) => sum + value * ((i * 2 + o) / 7 - 1), 0)));
const channelsFirst = [0, 1, 2].flatMap((c) => [0, 1, 2, 3].map((p) => pixels[p * 3 + c]));

describe('what exporters write', () => {
  it('flattens channels first, by Flatten or by shape arithmetic', () => {
    const byArithmetic = [
      node('Shape', ['x'], 's'),
      node('Gather', ['s', 'zero'], 'n', { axis: 0 }),
      node('Unsqueeze', ['n', 'axis'], 'n1'),
      node('Concat', ['n1', 'minus'], 'target', { axis: 0 }),
      node('Reshape', ['x', 'target'], 'f'),
      node('MatMul', ['f', 'fc.weight'], 'y'),
    ];
    const constants = [dense12, { ...ints('zero', 0), dims: [] }, ints('axis', 0), ints('minus', -1)];
    const byFlatten = [node('Flatten', ['x'], 'f'), node('Gemm', ['f', 'fc.weight'], 'y')];
    for (const bytes of [model(byArithmetic, constants), model(byFlatten, [dense12])]) {
      const network = readOnnx(bytes, 'it');
      expectClose(expectedOf(network, pixels), denseOf(channelsFirst));
      expect(network.nodes.at(-1)).toMatchObject({ id: 'fc', kind: 'Dense' });
    }
  });

  it('views the average of a map by strides, as the exporter of PyTorch 2.13 does', () => {
    const nodes = [
      node('ReduceMean', ['x'], 'm', { axes: [2, 3] }),
      node('Reshape', ['m', 'all'], 'r'),
      node('Gather', ['r', 'places'], 'g', { axis: 0 }),
      node('Flatten', ['g'], 'f'),
      node('MatMul', ['f', 'fc.weight'], 'y'),
    ];
    const modelOf = (...places: number[]): Uint8Array => {
      const constants = [
        floats('fc.weight', [3, 2], 1, 2, 3, 4, 5, 6),
        ints('all', -1),
        { ...ints('places', ...places), dims: [1, 3, 1, 1] },
      ];
      return model(nodes, constants, { shape: [1, 3, 2, 2] });
    };
    const means = [0, 1, 2].map((c) => [0, 1, 2, 3].reduce((sum, p) => sum + pixels[p * 3 + c], 0) / 4);
    const expected = [0, 1].map((o) => means.reduce((sum, mean, c) => sum + mean * (2 * c + o + 1), 0));
    expectClose(expectedOf(readOnnx(modelOf(0, 1, 2), 'it'), pixels), Float32Array.from(expected));
    expect(() => readOnnx(modelOf(2, 1, 0), 'it')).toThrow('"/g" (Gather)');
  });

  it('transposes at the entrance, adds biases, and composes activations of parts', () => {
    const nodes = [
      node('Transpose', ['x'], 't', { perm: [0, 3, 1, 2] }),
      // x · relu6(x + 3) / 6
      node('Add', ['t', 'three'], 'a'),
      node('Clip', ['a', 'nought', 'six'], 'c'),
      node('Mul', ['t', 'c'], 'm'),
      node('Div', ['m', 'six'], 'h'),
      node('Flatten', ['h'], 'f'),
      node('MatMul', ['f', 'fc.weight'], 'd'),
      node('Add', ['d', 'bias'], 'y'),
    ];
    const constants = [dense12, floats('three', [], 3), floats('nought', [], 0), floats('six', [], 6), floats('bias', [2], 10, 20)];
    const network = readOnnx(model(nodes, constants, { shape: ['N', 2, 2, 3] }), 'it');
    expect(network.nodes.map(({ kind }) => kind)).toEqual(['Input', 'Activation', 'Flatten', 'Dense']);
    expect(network.nodes[1].config).toEqual({ activation: 'hard_swish' });
    const swished = channelsFirst.map((x) => (x * Math.min(6, Math.max(0, x + 3))) / 6);
    expectClose(
      expectedOf(network, pixels),
      denseOf(swished).map((value, i) => value + [10, 20][i]),
    );
  });

  it('takes what is done to the pixels first as the preparation of images', () => {
    const byChannel = [node('Sub', ['x', 'mean'], 'a'), node('Div', ['a', 'deviation'], 'b'), node('Flatten', ['b'], 'f')];
    const constants = [dense12, floats('mean', [1, 3, 1, 1], 100, 110, 120), floats('deviation', [1, 3, 1, 1], 50, 60, 70)];
    const last = node('Gemm', ['f', 'fc.weight'], 'y');
    const network = readOnnx(model([...byChannel, last], constants), 'it');
    expect(network.nodes.map(({ kind }) => kind)).toEqual(['Input', 'Flatten', 'Dense']);
    const { scale, mean, std } = network.metadata.preprocessing;
    for (const [c, [centre, deviation]] of [
      [100, 50],
      [110, 60],
      [120, 70],
    ].entries()) {
      expect((200 * scale - mean[c]) / std[c]).toBeCloseTo((200 - centre) / deviation, 6);
    }
    expect(network.metadata.assumptions).toEqual([expect.stringContaining('0…255')]);

    const byNumbers = [node('Mul', ['x', 'c'], 'a'), node('Sub', ['a', 'one'], 'b'), node('Flatten', ['b'], 'f'), last];
    const scaled = readOnnx(model(byNumbers, [dense12, floats('c', [], 1 / 127.5), floats('one', [], 1)]), 'it');
    expect(scaled.metadata.preprocessing).toMatchObject({ mean: [1, 1, 1], std: [1, 1, 1] });
    expect(scaled.metadata.preprocessing.scale).toBeCloseTo(1 / 127.5, 9);
  });

  it('keeps other factors and addends as a BatchNormalization', () => {
    const nodes = [
      node('Relu', ['x'], 'r'),
      node('Mul', ['r', 'half'], 'm'),
      node('Sub', ['m', 'shift'], 's'),
      node('Flatten', ['s'], 'f'),
      node('Gemm', ['f', 'fc.weight'], 'y'),
    ];
    const network = readOnnx(model(nodes, [dense12, floats('half', [], 0.5), floats('shift', [3, 1, 1], 1, 2, 3)]), 'it');
    const values = channelsFirst.map((x, i) => Math.max(0, x) / 2 - (1 + Math.floor(i / 4)));
    expectClose(expectedOf(network, pixels), denseOf(values));
  });

  it('reads grey images as the luma of coloured ones', () => {
    const conv = [
      node('Conv', ['x', 'c.weight'], 'c', { kernel_shape: [2, 2] }),
      node('Flatten', ['c'], 'f'),
      node('Gemm', ['f', 'd.weight'], 'y'),
    ];
    const constants = [floats('c.weight', [1, 1, 2, 2], 1, 2, 3, 4), floats('d.weight', [1, 2], 1, -1)];
    const flat = [node('Flatten', ['x'], 'f'), node('Gemm', ['f', 'e.weight'], 'y')];
    const grey = [5, 6, 7, 9];
    const repeated = Float32Array.from(grey.flatMap((value) => [value, value, value]));
    const direct = 5 + 2 * 6 + 3 * 7 + 4 * 9;
    const shape = ['N', 1, 2, 2];
    const ofConv = readOnnx(model(conv, constants, { shape }), 'it');
    expectClose(expectedOf(ofConv, repeated), Float32Array.of(direct, -direct));
    expect(ofConv.nodes[0].config).toEqual({ shape: [2, 2, 3] });
    const ofFlat = readOnnx(model(flat, [floats('e.weight', [4, 2], 1, -1, 2, -2, 3, -3, 4, -4)], { shape }), 'it');
    expectClose(expectedOf(ofFlat, repeated), Float32Array.of(direct, -direct));
    expect(ofConv.metadata.assumptions).toContainEqual(expect.stringContaining('grey'));
  });

  it('reads weights in a file beside it, and none outside of its folder', async () => {
    const outside = (location: string): Uint8Array => {
      const nodes = [node('Flatten', ['x'], 'f'), node('Gemm', ['f', 'fc.weight'], 'y')];
      return model(nodes, [{ ...dense12, raw: undefined, external: new Map([['location', location]]) }]);
    };
    const beside = await zip({ 'm/model.onnx': outside('weights.bin'), 'm/weights.bin': dense12.raw ?? '' });
    expectClose(expectedOf(await read(beside), pixels), denseOf(channelsFirst));
    for (const location of ['../weights.bin', '/etc/passwd', 'C:\\w', 'a/../../b', '']) {
      await expect(read(outside(location))).rejects.toMatchObject({ code: 'forbidden', message: expect.stringContaining('fc.weight') });
    }
    await expect(read(outside('weights.bin'))).rejects.toMatchObject({ code: 'malformed-file' });
  });
});

describe('what is refused', () => {
  const refusals: [string, Uint8Array, string, RegExp][] = [
    ['Resize', model([node('Resize', ['x'], 'y')]), 'unsupported-layer', /Operation "\/y" \(Resize\)/],
    ['a map as output', model([node('Relu', ['x'], 'y')]), 'unsupported-layer', /ends in a map of \[2, 2, 3\]/],
    ['an old operator set', model([node('Relu', ['x'], 'y')], [], { opset: 8 }), 'unsupported-format', /operator set 8/],
    [
      'images of two channels',
      model([node('Flatten', ['x'], 'y')], [], { shape: ['N', 2, 2, 2] }),
      'unsupported-layer',
      /not that of images/,
    ],
    ['an activation that is not known', model([node('Erf', ['x'], 'a'), node('Flatten', ['a'], 'y')]), 'unsupported-layer', /activation/],
    [
      'pixels read both before and after they are scaled',
      model([node('Div', ['x', 'c'], 'a'), node('Flatten', ['a'], 'f'), node('Flatten', ['x'], 'y')], [floats('c', [], 3)]),
      'unsupported-layer',
      /both before and after/,
    ],
    ['a name that nothing makes', model([node('Relu', ['z'], 'y')]), 'unsupported-layer', /reads "z"/],
    [
      'values that do not fill the shape',
      model([node('Gemm', ['x', 'w'], 'y')], [floats('w', [12, 2], 1)]),
      'malformed-file',
      /"w".*but 1 values/,
    ],
    ['a huge shape', model([node('Gemm', ['x', 'w'], 'y')], [floats('w', [2 ** 40, 2 ** 40])]), 'malformed-file', /"w"/],
  ];
  it.each(refusals)('%s', async (_what, bytes, code, message) => {
    await expect(read(bytes)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it('survives damage anywhere', () => {
    const sound = model([node('Flatten', ['x'], 'f'), node('Gemm', ['f', 'fc.weight'], 'y')], [dense12]);
    const attempt = (bytes: Uint8Array): void => {
      try {
        readOnnx(bytes, 'it');
      } catch (error) {
        expect(error).toMatchObject({ name: 'Failure' });
      }
    };
    for (let end = 0; end < sound.length; end++) attempt(sound.subarray(0, end));
    for (let at = 0; at < sound.length; at++) {
      for (const flip of [1, 0x08, 0x80, 0xff]) {
        const damaged = new Uint8Array(sound);
        damaged[at] ^= flip;
        attempt(damaged);
      }
    }
  });
});
