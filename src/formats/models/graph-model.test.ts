import { describe, expect, it } from 'vitest';
import type { Network } from '../../core/network/types.ts';
import { costOf, referenceForward, sizeOf } from '../../core/network/index.ts';
import * as make from '../../core/network/testing.ts';
import { createRandom } from '../../core/random.ts';
import { graphModelOf } from './graph-model.fixture.ts';
import { networks } from './networks.fixture.ts';
import { read, zip } from './testing.ts';

const packed = ({ model, weights }: { model: object; weights: Uint8Array }): Promise<Buffer> =>
  zip({ 'model.json': JSON.stringify(model), 'group1-shard1of1.bin': weights });

function outputs(network: Network): Float32Array {
  const [{ config }] = network.nodes;
  const random = createRandom(3);
  const size = 'shape' in config ? sizeOf(config.shape) : 0;
  const values = referenceForward(
    network,
    Float32Array.from({ length: size }, () => random.normal()),
  );
  return values.get(network.nodes[network.nodes.length - 1].id) ?? new Float32Array();
}

function expectSame(back: Network, network: Network): void {
  const [found, expected] = [outputs(back), outputs(network)];
  const scale = Math.max(...expected.map(Math.abs));
  expect(found.length).toBe(expected.length);
  expect(Math.max(...expected.map((value, i) => Math.abs(value - found[i]))) / scale).toBeLessThan(1e-5);
}

/** Channel o of g groups transposed. */
const shuffle = (channels: number, groups: number): number[] =>
  Array.from({ length: channels }, (_, o) => (o % groups) * (channels / groups) + Math.floor(o / groups));

const everyKind = make.withRandomWeights(
  [
    make.input([9, 8, 3]),
    make.conv('c', 'input', 8, { useBias: true, stride: 2 }),
    make.norm('n', 'c'),
    ...(['sigmoid', 'hard_sigmoid', 'swish', 'hard_swish', 'gelu'] as const).map((name, i, all) =>
      make.activation(name, i === 0 ? 'n' : all[i - 1], name),
    ),
    make.depthwise('d', 'gelu', { depthMultiplier: 2, useBias: true }),
    { id: 'r', kind: 'ReLU', inputs: ['d'], config: { maxValue: 4 } },
    make.globalAverage('squeeze', 'r'),
    make.dense('gate', 'squeeze', 16),
    make.multiply('gated', 'r', 'gate'),
    {
      id: 'padded',
      kind: 'ZeroPadding2D',
      inputs: ['gated'],
      config: {
        padding: [
          [1, 0],
          [2, 1],
        ],
      },
    },
    make.maxPool('m', 'padded'),
    { id: 'a', kind: 'AveragePooling2D', inputs: ['m'], config: { poolSize: [3, 3], strides: [1, 1], padding: 'same' } },
    make.add('sum', 'm', 'a', 'm'),
    make.concat('both maps', 'sum', 'a'),
    { id: 'ln', kind: 'LayerNormalization', inputs: ['both maps'], config: { epsilon: 1e-6 } },
    { id: 'scaled', kind: 'LayerScale', inputs: ['ln'], config: {} },
    make.add('residual', 'scaled', 'both maps'),
    { id: 'shuffled', kind: 'ChannelGather', inputs: ['residual'], config: { indices: shuffle(32, 4) } },
    { id: 'cat', kind: 'ChannelGather', inputs: ['shuffled'], config: { indices: shuffle(32, 1).slice(3, 29) } },
    { id: 'g', kind: 'GlobalMaxPooling2D', inputs: ['cat'], config: {} },
    { id: 'drop', kind: 'Dropout', inputs: ['cat'], config: { rate: 0.5 } },
    make.flatten('f', 'drop'),
    make.dense('d1', 'f', 5),
    make.dense('d2', 'g', 5),
    make.add('both', 'd1', 'd2'),
    make.softmax('p', 'both'),
  ],
  4,
);

describe('a tfjs GraphModel', () => {
  it('of every operation computes what it did', async () => {
    const back = await read(await packed(graphModelOf(everyKind)));
    expectSame(back, everyKind);
    expect(back.nodes.map(({ id }) => id)).toEqual(expect.arrayContaining(['c', 'n', 'd', 'gate', 'd1']));
  });

  it.each(['mobilenetv2-small', 'squeezenet-small', 'vgg-small', 'custom-cnn', 'mobilenet_v3_small', 'shufflenet_v2_x0_5'])(
    'of %s has the same outputs, parameters and MACs',
    async (name) => {
      const network = networks[name];
      const back = await read(await packed(graphModelOf(network)));
      expectSame(back, network);
      expect(costOf(back)).toMatchObject({ macs: costOf(network).macs, params: costOf(network).params });
    },
  );

  type Def = { name: string; op: string; input: string[]; attr: Record<string, unknown> };
  async function changed(change: (nodes: Def[]) => void): Promise<Network> {
    const made = graphModelOf(networks['custom-cnn']) as { model: { modelTopology: { node: Def[] } }; weights: Uint8Array };
    change(made.model.modelTopology.node);
    return read(await packed(made));
  }

  it('is refused by the name of what is not read', async () => {
    const elu = changed((nodes) => void Object.assign(nodes.find(({ name }) => name === 'features.2') ?? {}, { op: 'Elu' }));
    await expect(elu).rejects.toMatchObject({ code: 'unsupported-layer', message: expect.stringMatching(/"features.2" \(Elu\)/) });
  });

  it('is refused where it is no graph', async () => {
    const lost = changed((nodes) => void (nodes[0].input = ['nowhere']));
    await expect(lost).rejects.toThrow(/"nowhere" is read but not there/);
    const loop = changed((nodes) => void nodes[nodes.length - 2].input.push(nodes[0].name));
    await expect(loop).rejects.toMatchObject({ code: expect.stringMatching(/malformed-file|unsupported-layer/) });
    const bare = changed((nodes) => void nodes.splice(0, nodes.length));
    await expect(bare).rejects.toMatchObject({ code: 'malformed-file' });
  });
});
