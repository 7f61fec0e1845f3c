import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Network } from '../../core/network/types.ts';
import { logitsNode } from '../../core/network/index.ts';
import { referenceForward } from '../../core/network/reference.ts';
import * as make from '../../core/network/testing.ts';
import { createRandom } from '../../core/random.ts';
import { networkHash } from '../network.ts';
import { networks } from './networks.fixture.ts';
import { readModel, writeTfjs, writeTfjsZip } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'espalier-tfjs-'));

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

/** As Keras files have it. */
const vectorGate = make.withRandomWeights([
  make.input([6, 5, 3]),
  make.conv('c', 'input', 4),
  make.globalAverage('vector', 'c'),
  make.multiply('gated', 'vector', 'c'),
  make.flatten('f', 'gated'),
  make.dense('d', 'f', 3),
]);

describe.each(Object.entries({ ...networks, 'a gate that is a vector': vectorGate }))('%s', (_name, network) => {
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
