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
  const pack = (side: number, splits: ('train' | 'test')[]) =>
    packSplits({ blobs, cache, progress, signal: new AbortController().signal }, dataset, { height: side, width: side }, splits);

  const first = await pack(8, ['train']);
  expect(phases).toEqual(['decode train images']);
  phases = [];
  expect(await pack(8, ['train'])).toEqual(first);
  expect(phases).toEqual([]);
  await pack(4, ['train']);
  await pack(8, ['test']);
  expect(phases).toEqual(['decode train images', 'decode test images']);

  // A file of another length is not these images.
  await cache.write(hash, 'train-8x8-v1', new Uint8Array(1));
  expect(await pack(8, ['train'])).toEqual(first);
});
