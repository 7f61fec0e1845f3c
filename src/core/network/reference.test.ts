import { describe, expect, it } from 'vitest';
import { referenceForward } from './reference.ts';
import * as make from './testing.ts';
import type { Network, Node, Tensor } from './types.ts';

const ramp = (count: number): Float32Array => Float32Array.from({ length: count }, (_, i) => i + 1);

function run(node: Node, weights: Record<string, Tensor>, shape: [number, number, number], x: Float32Array): number[] {
  const { metadata } = make.withRandomWeights([make.input(shape)]);
  const named = new Map(Object.entries(weights).map(([name, tensor]) => [`x/${name}`, tensor]));
  const network: Network = { nodes: [make.input(shape), node], weights: named, metadata };
  return Array.from(referenceForward(network, x).get('x') ?? []);
}

// Worked by hand on maps of a few values.
describe('referenceForward', () => {
  it('pads "same" at stride 2 at the bottom and right first', () => {
    const node = make.conv('x', 'input', 1, { stride: 2 });
    const ones: Tensor = { shape: [3, 3, 1, 1], data: new Float32Array(9).fill(1) };
    expect(run(node, { kernel: ones }, [4, 4, 1], ramp(16))).toEqual([54, 45, 72, 54]);
  });

  it('keeps convolution groups apart', () => {
    const node = make.conv('x', 'input', 2, { size: 1, groups: 2, useBias: true });
    const kernel: Tensor = { shape: [1, 1, 1, 2], data: Float32Array.of(10, 100) };
    const bias: Tensor = { shape: [2], data: Float32Array.of(1, 2) };
    expect(run(node, { kernel, bias }, [1, 1, 2], Float32Array.of(3, 4))).toEqual([31, 402]);
  });

  it('gives depthwise output channel c · multiplier + k', () => {
    const node = make.depthwise('x', 'input', { kernelSize: [1, 1], depthMultiplier: 2 });
    const kernel: Tensor = { shape: [1, 1, 2, 2], data: Float32Array.of(1, 2, 3, 4) };
    expect(run(node, { kernel }, [1, 1, 2], Float32Array.of(10, 100))).toEqual([10, 20, 300, 400]);
  });

  it('leaves padding out of an average', () => {
    const config = { poolSize: [2, 2], strides: [2, 2], padding: 'same' } as const;
    expect(run({ id: 'x', kind: 'AveragePooling2D', inputs: ['input'], config }, {}, [3, 3, 1], ramp(9))).toEqual([3, 4.5, 7.5, 9]);
  });

  it('normalises by moving statistics', () => {
    const of = (...values: number[]): Tensor => ({ shape: [2], data: Float32Array.from(values) });
    const node: Node = { id: 'x', kind: 'BatchNormalization', inputs: ['input'], config: { epsilon: 0, momentum: 0.9 } };
    const weights = { gamma: of(2, 1), beta: of(1, 0), moving_mean: of(1, 2), moving_variance: of(4, 1) };
    expect(run(node, weights, [1, 1, 2], Float32Array.of(5, 5))).toEqual([5, 3]);
  });

  it('maps channels and takes every second position', () => {
    const node = make.channelMap('x', 'input', [1, -1, 0], [2, 2]);
    expect(run(node, {}, [3, 3, 2], ramp(18))).toEqual([2, 0, 1, 6, 0, 5, 14, 0, 13, 18, 0, 17]);
  });

  it('pads with zeros on the sides asked for', () => {
    const node: Node = {
      id: 'x',
      kind: 'ZeroPadding2D',
      inputs: ['input'],
      config: {
        padding: [
          [1, 0],
          [0, 1],
        ],
      },
    };
    expect(run(node, {}, [1, 2, 1], ramp(2))).toEqual([0, 0, 0, 1, 2, 0]);
  });

  it.each([
    ['sigmoid', [0.119203, 0.5, 0.880797]],
    ['hard_sigmoid', [1 / 6, 0.5, 5 / 6]],
    ['swish', [-0.238406, 0, 1.761594]],
    ['hard_swish', [-1 / 3, 0, 5 / 3]],
    ['gelu', [-0.0455, 0, 1.9545]],
  ] as const)('knows %s', (name, expected) => {
    const values = run(make.activation('x', 'input', name), {}, [1, 1, 3], Float32Array.of(-2, 0, 2));
    for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i], 6);
  });

  it('multiplies every position by a gate', () => {
    const nodes = [make.input([1, 2, 2]), make.squeeze('gate', 'input', [1, 2]), make.multiply('x', 'gate', 'input')];
    const values = referenceForward(make.withRandomWeights(nodes), Float32Array.of(1, 2, 3, 6)).get('x');
    expect(Array.from(values ?? [])).toEqual([2, 8, 6, 24]);
  });

  it('normalises each position over its channels, or over some of them', () => {
    const of = (...values: number[]): Tensor => ({ shape: [3], data: Float32Array.from(values) });
    const weights = { gamma: of(1, 1, 2), beta: of(0, 1, 0) };
    const node = (over?: number[]): Node => ({ id: 'x', kind: 'LayerNormalization', inputs: ['input'], config: { epsilon: 0.75, over } });
    expect(run(node([0, 1]), weights, [1, 1, 3], Float32Array.of(1, 2, 9))).toEqual([-0.5, 1.5, 15]);
    expect(run(node(), weights, [1, 1, 3], Float32Array.of(1, 1, 1))).toEqual([0, 1, 0]);
  });

  it('scales and gathers channels', () => {
    const gamma: Tensor = { shape: [2], data: Float32Array.of(2, -1) };
    expect(run(make.layerScale('x', 'input'), { gamma }, [1, 2, 2], ramp(4))).toEqual([2, -2, 6, -4]);
    expect(run(make.channelGather('x', 'input', [2, 0]), {}, [1, 2, 3], ramp(6))).toEqual([3, 1, 6, 4]);
  });
});
