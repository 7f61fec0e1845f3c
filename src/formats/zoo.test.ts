import { mkdir, mkdtemp, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { buildBackbone, topologyOf } from '../backbones/index.ts';
import { activationSites, costOf, inferShapes } from '../core/network/index.ts';
import { CHANNEL_QUANTILES } from '../core/stats/channel-quantiles.ts';
import { networkHash } from './network.ts';
import { listZoo, readZoo, readZooQuantiles, zooFiles } from './zoo.ts';

const zoo = join(import.meta.dirname, '../../zoo');
const names = await readdir(zoo);

describe('the zoo as committed', () => {
  it('holds eight backbones of six families on two sources, in a few megabytes', async () => {
    const cards = await listZoo(zoo);
    expect(cards.map(({ name }) => name)).toEqual(names.toSorted());
    expect(cards.length).toBeGreaterThanOrEqual(8);
    expect(new Set(cards.map(({ family }) => family)).size).toBeGreaterThanOrEqual(6);
    expect(new Set(cards.map(({ source }) => source.dataset)).size).toBe(2);
    const files = (await readdir(zoo, { recursive: true })).map((file) => join(zoo, file));
    const sizes = await Promise.all(files.map(async (file) => (await stat(file)).size));
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThan(15e6);
  });

  it('kept the held-out classes out of everything', async () => {
    const sources = [
      { classes: ['airplane', 'bird', 'cat', 'deer', 'horse', 'ship'], heldOutClasses: ['automobile', 'dog', 'frog', 'truck'] },
      {
        classes: ['t-shirt', 'trouser', 'pullover', 'dress', 'coat', 'sandal'],
        heldOutClasses: ['shirt', 'sneaker', 'bag', 'ankle-boot'],
      },
    ];
    for (const { name, classes, heldOutClasses } of await listZoo(zoo)) {
      const { network } = await readZoo(zoo, name);
      expect(sources).toContainEqual({ classes, heldOutClasses });
      expect(network.metadata.classNames).toEqual(classes);
    }
  });

  it.each(names)('%s is what its card says', async (name) => {
    const { network, card } = await readZoo(zoo, name);
    const { params, macs } = costOf(network);
    expect({ params, macs }).toEqual({ params: card.params, macs: card.macs });
    const [input] = network.nodes;
    const inputShape = input.kind === 'Input' ? input.config.shape : undefined;
    expect(network.nodes).toEqual(topologyOf(card.architecture, { classNames: card.classes, inputShape }).nodes);
    expect(network.metadata).toMatchObject({ name, architecture: card.architecture, preprocessing: card.preprocessing });
    expect([...network.weights.values()].every(({ data }) => data.every(Number.isFinite))).toBe(true);
    expect(card.hash).toBe(networkHash(network));
    expect(card.accuracy.value).toBeGreaterThan(0.7);
  });

  it.each(names)('%s has ascending quantiles for every channel of every convolution', async (name) => {
    const { network } = await readZoo(zoo, name);
    const quantiles = await readZooQuantiles(zoo, name);
    const shapes = inferShapes(network);
    const sites = activationSites(network);
    expect([...quantiles.keys()]).toEqual(sites.map(({ conv }) => conv));
    for (const { conv, read, nonNegative } of sites) {
      const { shape, data } = quantiles.get(conv) ?? { shape: [], data: new Float32Array() };
      expect(shape).toEqual([shapes.get(read)?.at(-1), CHANNEL_QUANTILES]);
      expect(data.every((value, i) => i % CHANNEL_QUANTILES === 0 || value >= data[i - 1])).toBe(true);
      if (nonNegative) expect(data.every((value) => value >= 0)).toBe(true);
    }
  });
});

describe('reading', () => {
  it('names what there is, and stays inside the folder', async () => {
    for (const name of ['resnet-1000', '../src', '']) {
      await expect(readZoo(zoo, name)).rejects.toMatchObject({ code: 'not-found', hint: `It has ${names.toSorted().join(', ')}.` });
    }
    expect(await listZoo(join(zoo, 'nowhere'))).toEqual([]);
  });

  it('refuses weights that are not the card’s, and a folder without a card', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'espalier-zoo-'));
    await mkdir(join(folder, 'other'));
    await expect(readZoo(folder, 'other')).rejects.toMatchObject({ code: 'malformed-file', field: 'other' });
    await writeFile(join(folder, 'other', 'card.json'), await readFile(join(zoo, names[0], 'card.json')));
    const card = (await listZoo(zoo))[0];
    const untrained = buildBackbone(card.architecture, { classNames: card.classes, seed: 1 });
    const files = new Map(zooFiles(untrained).files({ card, quantiles: new Map() }));
    await writeFile(join(folder, 'other', 'weights.safetensors'), files.get('weights.safetensors') ?? '');
    await expect(readZoo(folder, 'other')).rejects.toMatchObject({
      code: 'malformed-file',
      message: expect.stringContaining('not those that its card'),
    });
  });
});
