import { describe, expect, it } from 'vitest';
import { buildBackbone } from '../../backbones/index.ts';
import * as make from '../../core/network/testing.ts';
import { openArchive } from '../archive.ts';
import { writeKeras } from './index.ts';
import { kerasH5Of } from './keras-h5.fixture.ts';
import { differing, file, read } from './testing.ts';

/** What Keras 3 says of a network's layers. */
async function keras3Config(bytes: Uint8Array): Promise<string> {
  for await (const entry of openArchive(file(bytes), 'it.keras')) {
    if (entry.name === 'config.json') return Buffer.from(await entry.read()).toString();
  }
  return '';
}

describe('an .h5 file with its topology', () => {
  it('is read as Keras 3 saves it, too', async () => {
    const network = buildBackbone('keras:mobilenetv2', { classes: 3, inputShape: [32, 32, 3], seed: 2 });
    const back = await read(await kerasH5Of(network, { keras3: await keras3Config(await writeKeras(network)) }));
    expect(back.nodes.map(({ kind }) => kind)).toEqual(network.nodes.map(({ kind }) => kind));
    expect(differing(back, network)).toEqual([]);
  });

  it('may have folders in the names of its layers', async () => {
    const network = make.withRandomWeights([
      make.input([4, 4, 3]),
      make.conv('stem/conv', 'input', 4),
      make.norm('stem/bn', 'stem/conv'),
      make.globalAverage('pool', 'stem/bn'),
      make.dense('head', 'pool', 2),
    ]);
    expect(differing(await read(await kerasH5Of(network)), network)).toEqual([]);
  });
});
