import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { OnProgress } from '../../core/progress.ts';
import { folder, tar, temporaryFolder } from '../../formats/datasets/fixtures.ts';
import { importDataset } from '../../formats/datasets/index.ts';
import { openBlobs } from '../../store/blobs.ts';
import { openCache } from '../../store/cache.ts';
import { packSplits } from './images.ts';

let dir: string;
beforeEach(async () => {
  dir = await temporaryFolder();
});
afterEach(() => rm(dir, { recursive: true }));

it('decodes a split once for each size', async () => {
  const archive = await tar(join(dir, 'shapes.tar'), [...(await folder('round', 10)), ...(await folder('square', 10))]);
  const outputPath = join(dir, 'dataset');
  const report = await importDataset(archive, { fileName: 'shapes.tar', seed: 0, outputPath });
  const blobs = openBlobs(join(dir, 'blobs'));
  const { hash } = await blobs.adopt(outputPath);
  const dataset = { id: 'dst_1', name: 'shapes', blob: hash, report };
  const cache = openCache(join(dir, 'cache'), 1e6);
  let phases: string[] = [];
  const progress: OnProgress = ({ phase }) => phases.push(phase);
  const pack = (side: number, splits: ('train' | 'test')[], residentBytesMax = 1e6) =>
    packSplits(
      { blobs, cache, workDir: dir, progress, signal: new AbortController().signal },
      dataset,
      { height: side, width: side },
      splits,
      residentBytesMax,
    );

  const first = await pack(8, ['train']);
  expect(phases).toEqual(['decode train images']);
  phases = [];
  expect(await pack(8, ['train'])).toEqual(first);
  expect(phases).toEqual([]);
  await pack(4, ['train']);
  await pack(8, ['test']);
  expect(phases).toEqual(['decode train images', 'decode test images']);

  // A split that memory cannot hold is read from the same file.
  const [stored, again] = [await pack(8, ['train'], 100), await pack(8, ['train'], 100)];
  expect(phases).toHaveLength(2);
  for (const { train } of [stored, again]) {
    expect(train.pixels).not.toBeInstanceOf(Uint8Array);
    expect({ ...train, pixels: train.pixels.subarray(0, train.pixels.length) }).toEqual(first.train);
  }
  await cache.forget(hash);
  expect(stored.train.pixels.subarray(192, 384)).toEqual(first.train.pixels.subarray(192, 384));
  await pack(8, ['train'], 100);
  expect(phases).toHaveLength(3);

  // A file of another length is not these images.
  await cache.write(hash, 'train-8x8-v1', new Uint8Array(1));
  expect(await pack(8, ['train'])).toEqual(first);
});
