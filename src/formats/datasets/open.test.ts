import { existsSync } from 'node:fs';
import { readFile, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { beforeAll, describe, expect, it } from 'vitest';
import { openArchive } from '../archive.ts';
import { folder, idx, noise, tar, temporaryFolder, zip, type Files } from './fixtures.ts';
import { importDataset } from './import.ts';
import { isClutter, placeImages } from './layout.ts';
import { openDataset } from './open.ts';

const data = join(import.meta.dirname, '../../../../shared/data');
let scratch = '';
let number = 0;
beforeAll(async () => {
  scratch = await temporaryFolder();
});

async function made(archive: string) {
  const outputPath = join(scratch, `dataset-${number++}`);
  await importDataset(archive, { fileName: 'set.tar', seed: 3, outputPath });
  return openDataset(outputPath);
}

const madeOf = async (files: Files) => made(await tar(join(scratch, `set-${number++}.tar`), files));

describe('openDataset', () => {
  it('packs every image of a split with its label, the pixels of its own file', async () => {
    const files = [...(await folder('a', 5)), ...(await folder('b', 5))];
    const dataset = await madeOf(files);
    expect(dataset.classNames).toEqual(['a', 'b']);
    const packed = await dataset.pack('train', { height: 8, width: 8 });
    expect(packed).toMatchObject({ count: 6, height: 8, width: 8 });
    const bytes = new Map(files);
    for (const [position, { name, label }] of dataset.splits.train.entries()) {
      expect(dataset.classNames[label]).toBe(name[0]);
      expect(packed.labels[position]).toBe(label);
      const own = await sharp(bytes.get(name)).raw().toBuffer();
      expect([...packed.pixels.subarray(position * 192, (position + 1) * 192)]).toEqual([...own]);
      expect(await dataset.image('train', position)).toMatchObject({ name, label, mediaType: 'image/png', bytes: bytes.get(name) });
    }
    await dataset.close();
  });

  it('packs to any size, reports progress and stops at a cancel', async () => {
    const dataset = await madeOf([...(await folder('a', 5)), ...(await folder('b', 5))]);
    const progress: string[] = [];
    const packed = await dataset.pack(
      'test',
      { height: 5, width: 12 },
      { onProgress: ({ phase, done, total }) => progress.push(`${phase} ${done}/${total}`) },
    );
    expect(packed.pixels).toHaveLength(2 * 5 * 12 * 3);
    expect(progress).toEqual(['decode test images 2/2']);
    await expect(dataset.pack('test', { height: 5, width: 5 }, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'cancelled',
    });
    await expect(dataset.pack('test', { height: 50_000, width: 50_000 })).rejects.toMatchObject({ code: 'limit-exceeded' });
    await expect(dataset.image('test', 99)).rejects.toMatchObject({ code: 'not-found' });
    await dataset.close();
  });

  it('shows thumbnails of every split and class', async () => {
    const large = await noise(77, 300).jpeg().toBuffer();
    const dataset = await madeOf([...(await folder('a', 5)), ...(await folder('b', 4)), ['b/large.jpg', large]]);
    const sheet = await dataset.sampleSheet();
    expect(sheet.map((sample) => `${sample.split} ${sample.class}`).sort()).toEqual(
      ['a', 'b'].flatMap((name) => ['test', 'train', 'train', 'train', 'validation'].map((split) => `${split} ${name}`)).sort(),
    );
    const sizes = await Promise.all(sheet.map(async ({ data }) => (await sharp(Buffer.from(data, 'base64')).metadata()).width));
    expect(new Set(sizes)).toEqual(new Set([8, 128]));
    await dataset.close();
  });

  it('refuses what is no container or was cut off', async () => {
    const path = await zip(join(scratch, 'other.zip'), await folder('a', 1));
    await expect(openDataset(path)).rejects.toMatchObject({ code: 'malformed-file' });
    const outputPath = join(scratch, 'cut');
    await importDataset(await zip(path, [...(await folder('a', 3)), ...(await folder('b', 3))]), { fileName: 'x', seed: 0, outputPath });
    await truncate(outputPath, (await readFile(outputPath)).length - 30);
    await expect(openDataset(outputPath)).rejects.toMatchObject({ code: 'malformed-file' });
  });
});

describe('IDX pairs', () => {
  /** Images of 3 × 2 pixels that are all of one value: ten times the label plus the position. */
  const images = (labels: readonly number[], base = 0) =>
    idx(
      [labels.length, 3, 2],
      Uint8Array.from({ length: labels.length * 6 }, (_, i) => base + labels[Math.floor(i / 6)] * 10 + Math.floor(i / 6)),
    );
  const labelFile = (labels: readonly number[]) => idx([labels.length], Uint8Array.from(labels));
  const train = [1, 0, 1, 0, 1, 0, 1, 0, 1, 0];

  it('pairs images with labels, gzipped or not, and packs grey pixels as RGB', async () => {
    const dataset = await madeOf([
      ['m/train-images-idx3-ubyte.gz', gzipSync(images(train))],
      ['m/train-labels-idx1-ubyte', labelFile(train)],
      ['m/t10k-images-idx3-ubyte', images([1, 0], 100)],
      ['m/t10k-labels-idx1-ubyte.gz', gzipSync(labelFile([1, 0]))],
    ]);
    expect(dataset.report).toMatchObject({
      counts: { train: 8, validation: 2, test: 2 },
      size: { median: [3, 2] },
      channels: 'grey',
      splitsGiven: false,
    });
    const packed = await dataset.pack('train', { height: 3, width: 2 });
    for (const [position, { name, label }] of dataset.splits.train.entries()) {
      const value = label * 10 + Number(/\d+$/.exec(name)?.[0]);
      expect(new Set(packed.pixels.subarray(position * 18, (position + 1) * 18))).toEqual(new Set([value]));
    }
    const { bytes, mediaType } = await dataset.image('test', 0);
    expect(mediaType).toBe('image/png');
    expect(await sharp(bytes).metadata()).toMatchObject({ height: 3, width: 2, channels: 1 });
    expect((await dataset.sampleSheet()).length).toBe(12);
    await dataset.close();
  });

  it.each<[string, Files, string, RegExp]>([
    ['no labels', [['train-images-idx3-ubyte', images(train)]], 'unusable-dataset', /1 IDX image files and 0 label files for train/],
    [
      'unequal counts',
      [
        ['train-images-idx3-ubyte', images(train)],
        ['train-labels-idx1-ubyte', labelFile([1, 0])],
      ],
      'unusable-dataset',
      /10 train images but 2 labels/,
    ],
    [
      'a cut file',
      [['train-images-idx3-ubyte', images(train).subarray(0, 50)]],
      'malformed-file',
      /10 × 3 × 2 values in its header but holds 34/,
    ],
    ['a cut gzip', [['train-images-idx3-ubyte.gz', gzipSync(images(train)).subarray(0, 30)]], 'malformed-file', /damaged gzip/],
    ['other value types', [['x-images-idx3', Buffer.from([0, 0, 0x0d, 3, 0, 0])]], 'malformed-file', /another type/],
  ])('refuses %s', async (_what, files, code, message) => {
    await expect(madeOf(files)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  const mnist = join(data, 'mnist');
  it.skipIf(!existsSync(mnist))('reads MNIST as it is published (needs ../shared/data)', async () => {
    const files = ['t10k-images-idx3-ubyte.gz', 't10k-labels-idx1-ubyte.gz'];
    const test = await Promise.all(files.map(async (name) => [name, await readFile(join(mnist, name))] as const));
    const asTrain = test.map(([name, bytes]) => [name.replace('t10k', 'train'), bytes] as const);
    const dataset = await madeOf(asTrain);
    expect(dataset.report).toMatchObject({ counts: { train: 1800, validation: 600, test: 600 }, duplicates: 0 });
    expect(dataset.classNames).toEqual(Array.from({ length: 10 }, (_, i) => String(i)));
    await dataset.close();
  });
});

const cifar = join(data, 'cifar10-jpeg.tar.gz');
it.skipIf(!existsSync(cifar))('finds the 50,000 + 10,000 images of CIFAR-10 in ten classes (needs ../shared/data)', async () => {
  const names: string[] = [];
  for await (const { name } of openArchive(cifar)) if (!isClutter(name)) names.push(name);
  const places = placeImages(names);
  const counts = Object.fromEntries(['train', 'test'].map((split) => [split, places.filter((place) => place?.split === split).length]));
  expect(counts).toEqual({ train: 50_000, test: 10_000 });
  expect(new Set(places.map((place) => place?.className))).toHaveProperty('size', 10);
});
