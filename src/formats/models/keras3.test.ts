import { describe, expect, it } from 'vitest';
import { networkHash } from '../network.ts';
import { networks } from './networks.fixture.ts';
import { readModel, writeKeras } from './index.ts';
import { file, read, zip } from './testing.ts';

describe.each(Object.keys(networks))('%s', (name) => {
  it('comes back from .keras as the same network', async () => {
    const network = networks[name];
    const { network: back, format } = await readModel(file(await writeKeras(network)), { fileName: 'other.keras' });
    expect(format).toBe('keras');
    expect(networkHash(back)).toBe(networkHash(network));
    expect(back.metadata).toEqual(network.metadata);
  });
});

describe('a .keras file', () => {
  it('is refused where it is cut off or no model', async () => {
    const sound = await writeKeras(networks['custom-cnn']);
    for (let part = 1; part < 16; part++) {
      await expect(read(sound.subarray(0, (sound.length * part) / 16))).rejects.toMatchObject({ name: 'Failure' });
    }
    const strange = await zip({ 'config.json': '{"class_name": "Lambda", "config": {}}', 'model.weights.h5': '' });
    await expect(read(strange)).rejects.toMatchObject({ code: 'malformed-file', message: expect.stringContaining('layers') });
  });
});
