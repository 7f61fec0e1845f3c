import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { activationProfile } from '../../core/dice/index.ts';
import { add, conv, dense, globalAverage, input, norm, relu, withRandomWeights } from '../../core/network/testing.ts';
import { createRandom } from '../../core/random.ts';
import { openEngine } from '../../engine/index.ts';
import type { ActivationLayer } from '../../engine/types.ts';
import { openSampleFile } from './samples.ts';

let workDir: string;
beforeAll(() => {
  workDir = mkdtempSync(join(tmpdir(), 'espalier-samples-'));
});
afterAll(() => rmSync(workDir, { recursive: true }));

describe('activations by way of a file', () => {
  it('are those that the engine holds in memory, one layer at a time', async () => {
    const network = withRandomWeights([
      input([8, 8, 3]),
      conv('a', 'input', 12),
      norm('a_bn', 'a'),
      relu('a_relu', 'a_bn'),
      conv('b', 'a_relu', 12),
      norm('b_bn', 'b'),
      add('sum', 'a_relu', 'b_bn'),
      conv('c', 'sum', 5),
      relu('c_relu', 'c'),
      globalAverage('pool', 'c_relu'),
      dense('head', 'pool', 4),
    ]);
    const random = createRandom(1);
    const images = {
      count: 23,
      height: 8,
      width: 8,
      pixels: Uint8Array.from({ length: 23 * 8 * 8 * 3 }, () => random.integer(256)),
      labels: new Int32Array(23),
    };
    const engine = await openEngine({ backend: 'cpu' });
    const options = { positionsPerImage: 3, seed: 5, batchSize: 4 };
    const kept = await engine.activations(network, images, options);
    const file = openSampleFile(workDir);
    await engine.streamActivations(network, images, options, file.sink);

    expect([...file.layers.keys()]).toEqual(['a', 'b', 'c']);
    const buffers = new Set<ArrayBufferLike>();
    for (const [layer, sample] of file.layers) {
      const { channels, samples, nonNegative, values } = sample;
      expect({ channels, samples, nonNegative, values }).toEqual(kept.get(layer));
      buffers.add(values.buffer);
    }
    // One buffer, as large as the largest layer: that is what bounds the memory.
    expect([...buffers].map(({ byteLength }) => byteLength)).toEqual([12 * 23 * 3 * 4]);
    expect(activationProfile(file.layers, { seed: 1 })).toEqual(activationProfile(kept, { seed: 1 }));
    file.close();
    expect(existsSync(join(workDir, 'activations.f32'))).toBe(false);
  });

  it('reads a layer of several chunks as it was written', () => {
    const layer: ActivationLayer = { layer: 'wide', channels: 700, samples: 1000, nonNegative: true };
    const file = openSampleFile(workDir);
    file.sink.begin([{ layer: 'before', channels: 3, samples: 7, nonNegative: true }, layer]);
    for (let first = 0; first < 1000; first += 130) {
      const count = Math.min(130, 1000 - first);
      file.sink.take(
        layer,
        first,
        Float32Array.from({ length: count * 700 }, (_, at) => (first + Math.floor(at / 700)) * 1000 + (at % 700)),
      );
    }
    const values = file.layers.get('wide')?.values ?? new Float32Array(0);
    expect(values).toHaveLength(700_000);
    expect(values.every((value, at) => value === (at % 1000) * 1000 + Math.floor(at / 1000))).toBe(true);
    file.close();
  });

  it('refuses before the first image what would not fit, naming the layer', () => {
    const file = openSampleFile(workDir);
    const layer = { layer: 'conv5', channels: 2048, samples: 256 * 4096, nonNegative: true };
    expect(() => file.sink.begin([layer])).toThrow(
      expect.objectContaining({ code: 'limit-exceeded', field: 'positionsPerImage', message: expect.stringContaining('"conv5"') }),
    );
    const many = Array.from({ length: 100 }, (_, at) => ({ ...layer, layer: `conv${at}`, samples: 32_768 }));
    expect(() => file.sink.begin(many)).toThrow(expect.objectContaining({ code: 'limit-exceeded' }));
    file.close();
  });
});
