import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Tensor } from '../../core/network/types.ts';
import { buildBackbone } from '../../backbones/index.ts';
import { costOf } from '../../core/network/index.ts';
import { encodeNetwork, networkHash } from '../network.ts';
import { readModel } from './index.ts';
import { writeSafetensors } from './safetensors.ts';
import { file, read } from './testing.ts';

const data = join(import.meta.dirname, '../../../../shared/data/weights');

describe('safetensors', () => {
  const network = buildBackbone('vgg-small', { classes: 2, seed: 1 });

  it('reads the stored form of a network', async () => {
    const { network: back, format } = await readModel(file(encodeNetwork(network)), { fileName: 'it' });
    expect(format).toBe('espalier');
    expect(networkHash(back)).toBe(networkHash(network));
  });

  it('asks for an architecture and names what does not fit', async () => {
    const one: Tensor = { shape: [1], data: new Float32Array(1) };
    const bytes = writeSafetensors([['w', one]], {});
    await expect(read(bytes)).rejects.toMatchObject({ code: 'unknown-architecture', hint: expect.stringContaining('cifar-resnet20') });
    await expect(read(bytes, 'nothing')).rejects.toMatchObject({ code: 'unknown-architecture' });
    await expect(read(bytes, 'vgg-small')).rejects.toMatchObject({
      code: 'shape-mismatch',
      message: expect.stringContaining('features.0.weight'),
    });
  });

  it.skipIf(!existsSync(data))('reads the CIFAR ResNets (needs ../shared/data)', async () => {
    for (const depth of [20, 32, 56]) {
      const path = join(data, `resnet${depth}-cifar10.safetensors`);
      const architecture = `cifar-resnet${depth}`;
      const { network: read, format } = await readModel(path, { fileName: `resnet${depth}.safetensors`, architecture });
      expect(format).toBe('safetensors');
      expect(read.metadata).toMatchObject({ name: `resnet${depth}`, architecture, assumptions: [expect.stringContaining('0.485')] });
    }
    const wrong = readModel(join(data, 'resnet32-cifar10.safetensors'), { fileName: 'it', architecture: 'cifar-resnet20' });
    await expect(wrong).rejects.toMatchObject({ code: 'shape-mismatch', message: expect.stringContaining('layer1.3.conv1.weight') });
  });
});

describe.skipIf(!existsSync(data))('Keras h5 (needs ../shared/data)', () => {
  const path = join(data, 'resnet8-cifar10-keras.h5');

  it('reads the ResNet-8 of MLPerf Tiny', async () => {
    const { network, format } = await readModel(path, { fileName: 'resnet8.h5' });
    expect(format).toBe('keras-h5');
    expect(network.metadata).toMatchObject({ name: 'resnet8', preprocessing: { scale: 1 } });
    expect(network.nodes.at(-1)).toMatchObject({ kind: 'Softmax', inputs: ['dense'] });
    expect(costOf(network)).toMatchObject({ params: 78_186, macs: 12_501_632 });
  });

  it('is refused when truncated, and survives damage', async () => {
    const bytes = readFileSync(path);
    for (let part = 1; part < 16; part++) {
      await expect(read(bytes.subarray(0, (bytes.length * part) / 16))).rejects.toMatchObject({ code: 'malformed-file' });
    }
    for (let at = 100; at < 40_000; at += 997) {
      const damaged = Buffer.from(bytes);
      damaged[at] ^= 0xff;
      // Either the damage is in something that is not read, or it is told as a failure.
      await read(damaged).catch((error: unknown) => expect(error).toMatchObject({ name: 'Failure' }));
    }
  });
});

it('says what a file that is no model looks like', async () => {
  const png = Buffer.from('89504e470d0a1a0a', 'hex');
  const files: [string | Uint8Array, string, RegExp][] = [
    ['', 'malformed-file', /is empty/],
    ['hello\n', 'unsupported-format', /text/],
    [png, 'unsupported-format', /PNG/],
    ['{"format":"layers-model"}', 'unsupported-format', /JSON/],
    [Buffer.from([1, 2, 3]), 'unsupported-format', /unknown kind/],
    [encodeNetwork(buildBackbone('vgg-small', { classes: 2, seed: 1 })).subarray(0, 500), 'malformed-file', /longer than the file/],
  ];
  for (const [bytes, code, message] of files) {
    await expect(read(bytes)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  }
});
