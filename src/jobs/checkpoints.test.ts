import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fileCheckpoints } from './checkpoints.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'espalier-checkpoints-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

test('the last save is loaded, under each name its own', async () => {
  const [transfer, tuning] = [fileCheckpoints(dir, 'transfer'), fileCheckpoints(dir, 'fine-tuning')];
  expect(await transfer.load()).toBeUndefined();
  await transfer.save(Uint8Array.of(1, 2, 3));
  await transfer.save(Uint8Array.of(4));
  await tuning.save(Uint8Array.of(5));
  expect([...((await fileCheckpoints(dir, 'transfer').load()) ?? [])]).toEqual([4]);
  expect(readdirSync(dir).toSorted()).toEqual(['fine-tuning.checkpoint', 'transfer.checkpoint']);
});

test('a save that was broken off leaves the one before', async () => {
  const checkpoints = fileCheckpoints(dir, 'transfer');
  await checkpoints.save(Uint8Array.of(1));
  writeFileSync(join(dir, 'transfer.checkpoint.new'), 'half');
  expect([...((await checkpoints.load()) ?? [])]).toEqual([1]);
});

test('a name cannot lead out of the folder', () => {
  expect(() => fileCheckpoints(dir, '../secret')).toThrow('not a name');
});
