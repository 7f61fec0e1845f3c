import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Network, Node } from '../../core/network/types.ts';
import { buildBackbone } from '../../backbones/index.ts';
import { logitsNode } from '../../core/network/index.ts';
import { referenceForward } from '../../core/network/reference.ts';
import {
  add,
  channelMap,
  conv,
  dense,
  depthwise,
  flatten,
  input,
  norm,
  withRandomWeights,
  relu,
  softmax,
} from '../../core/network/testing.ts';
import { createRandom } from '../../core/random.ts';
import { networkHash } from '../network.ts';
import { readModel, writeTfjs, writeTfjsZip } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'espalier-tfjs-'));

/** Moving statistics and scales as training leaves them, so that BatchNormalization does something. */
function seasoned(network: Network): Network {
  const random = createRandom(7);
  const weights = new Map(
    [...network.weights].map(([key, tensor]) => {
      const drawn = (): number => (/variance|gamma/.test(key) ? 0.5 + random.next() : 0.3 * random.normal());
      return [key, tensor.shape.length > 1 ? tensor : { ...tensor, data: tensor.data.map(drawn) }] as const;
    }),
  );
  return { ...network, weights };
}

const networks: Record<string, Network> = Object.fromEntries(
  ['cifar-resnet20', 'mobilenetv2-small', 'squeezenet-small', 'vgg-small', 'custom-cnn', 'mobilenet_v3_small', 'shufflenet_v2_x0_5'].map(
    (id) => [id, seasoned(buildBackbone(id, { classNames: ['a', 'b', 'c'], inputShape: [16, 16, 3], seed: 2 }))],
  ),
);
networks['irregular maps, groups and odd names'] = withRandomWeights(
  [
    input([7, 6, 3]),
    conv('a b', 'input', 8, { stride: 2, useBias: true }),
    norm('layer_1', 'a b'),
    channelMap('gather', 'layer_1', [3, -1, 1, 7, 7, -1, 0, 2, 5, -1, 4, 6], [1, 1]),
    channelMap('identity', 'gather', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [1, 1]),
    conv('grouped', 'identity', 12, { groups: 3, useBias: true }),
    relu('relu/é', 'grouped'),
    depthwise('deep__wise', 'relu/é', { depthMultiplier: 2, useBias: true, padding: 'valid', kernelSize: [3, 2] }),
    channelMap('padded', 'identity', [-1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ...Array.from({ length: 10 }, () => -1)], [3, 2]),
    conv('shrunk', 'deep__wise', 24, { size: 2, padding: 'valid', dilationRate: [1, 1] }),
    flatten('f1', 'padded'),
    flatten('f2', 'shrunk'),
    dense('d1', 'f1', 4),
    dense('d2', 'f2', 4),
    add('sum', 'd1', 'd2'),
    softmax('softmax', 'sum'),
  ],
  3,
);

networks['gates, activations, shuffles and layer norms'] = withRandomWeights(
  [
    input([6, 5, 3]),
    conv('c', 'input', 8, { useBias: true }),
    ...(['sigmoid', 'hard_sigmoid', 'swish', 'hard_swish', 'gelu'] as const).map((activation, i): Node => ({
      id: activation,
      kind: 'Activation',
      inputs: [i === 0 ? 'c' : ['sigmoid', 'hard_sigmoid', 'swish', 'hard_swish'][i - 1]],
      config: { activation },
    })),
    { id: 'squeeze', kind: 'AveragePooling2D', inputs: ['c'], config: { poolSize: [6, 5], strides: [6, 5], padding: 'valid' } },
    { id: 'scaled', kind: 'Multiply', inputs: ['gelu', 'squeeze'], config: {} },
    { id: 'shuffled', kind: 'ChannelGather', inputs: ['c'], config: { indices: [0, 4, 1, 5, 2, 6, 3, 7] } },
    { id: 'normed', kind: 'LayerNormalization', inputs: ['shuffled'], config: { epsilon: 1e-6 } },
    { id: 'layer_scale', kind: 'LayerScale', inputs: ['normed'], config: {} },
    add('sum', 'scaled', 'layer_scale'),
    { id: 'slice', kind: 'ChannelGather', inputs: ['sum'], config: { indices: [2, 3, 4, 5] } },
    { id: 'picked', kind: 'ChannelGather', inputs: ['sum'], config: { indices: [7, 0, 0, 3] } },
    add('both', 'slice', 'picked'),
    { id: 'pool', kind: 'GlobalAveragePooling2D', inputs: ['both'], config: {} },
    { id: 'norm', kind: 'LayerNormalization', inputs: ['pool'], config: { epsilon: 1e-6 } },
    dense('d', 'norm', 3),
  ],
  4,
);

/** What plain tf.loadLayersModel makes of the files, fetched as a browser would. */
async function predictedByTfjs(network: Network, batch: readonly Float32Array[]): Promise<Float32Array> {
  const files: Record<string, Uint8Array> = writeTfjs(network);
  const server = createServer((request, response) => response.end(files[request.url?.slice(1) ?? '']));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const model = await tf.loadLayersModel(`http://127.0.0.1:${(server.address() as AddressInfo).port}/model.json`);
    const [node] = network.nodes;
    const shape = node.kind === 'Input' ? node.config.shape : [];
    const flat = Float32Array.from(batch.flatMap((one) => [...one]));
    const outputs = tf.tidy(() => model.predict(tf.tensor(flat, [batch.length, ...shape])) as tf.Tensor);
    return (await outputs.data()) as Float32Array;
  } finally {
    server.close();
  }
}

beforeAll(async () => {
  await tf.setBackend('cpu');
});

describe.each(Object.keys(networks))('%s', (name) => {
  const network = networks[name];

  it('predicts in plain tfjs what the reference computes', async () => {
    const [node] = network.nodes;
    const size = node.kind === 'Input' ? node.config.shape.reduce((product, side) => product * side, 1) : 0;
    const random = createRandom(11);
    const batch = [0, 1].map(() => Float32Array.from({ length: size }, () => random.normal()));
    const outputs = await predictedByTfjs(network, batch);
    const last = network.nodes[network.nodes.length - 1].id;
    const expected = batch.flatMap((one) => [...(referenceForward(network, one).get(last) ?? [])]);
    const scale = Math.max(...expected.map(Math.abs));
    expect(outputs.length).toBe(expected.length);
    const error = Math.max(...expected.map((value, i) => Math.abs(value - outputs[i])));
    expect(error / scale).toBeLessThan(1e-4);
  });

  it('comes back as the same network', async () => {
    const zip = await writeTfjsZip(network);
    expect(Buffer.compare(zip, await writeTfjsZip(network))).toBe(0);
    const path = join(folder, 'model');
    writeFileSync(path, zip);
    const { network: back, format } = await readModel(path, { fileName: 'other.zip' });
    expect(format).toBe('tfjs');
    expect(networkHash(back)).toBe(networkHash(network));
    expect(back.metadata).toEqual(network.metadata);
    expect(logitsNode(back).id).toBe(logitsNode(network).id);
  });
});
