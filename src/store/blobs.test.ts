import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openBlobs } from './blobs.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'espalier-blobs-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const bytes = (text: string) => new TextEncoder().encode(text);
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const filesBelow = () => readdirSync(dir, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());

async function* chunks(...texts: string[]) {
  for (const text of texts) yield bytes(text);
}

test('a blob is named by the SHA-256 of its bytes, streamed or whole', async () => {
  const blobs = openBlobs(dir);
  const ref = await blobs.write(chunks('es', 'pa', 'lier'));
  expect(ref).toEqual({ hash: sha256('espalier'), bytes: 8 });
  expect(await blobs.write(bytes('espalier'))).toEqual(ref);
  expect(Buffer.from(await blobs.read(ref.hash)).toString()).toBe('espalier');
  expect(await blobs.list()).toEqual([ref.hash]);
  expect(filesBelow()).toHaveLength(1);
});

test('over the limit it fails and leaves nothing', async () => {
  const blobs = openBlobs(dir);
  await expect(blobs.write(chunks('12345', '67890'), 9)).rejects.toMatchObject({ code: 'limit-exceeded' });
  expect(filesBelow()).toEqual([]);
  expect(await blobs.write(chunks('12345', '67890'), 10)).toMatchObject({ bytes: 10 });
});

test('a source that breaks off leaves nothing', async () => {
  const blobs = openBlobs(dir);
  async function* broken() {
    yield bytes('half');
    throw new Error('connection reset');
  }
  await expect(blobs.write(broken())).rejects.toThrow('connection reset');
  expect(filesBelow()).toEqual([]);
});

test('writers of the same and of other content do not disturb each other', async () => {
  const [one, other] = [openBlobs(dir), openBlobs(dir)];
  const texts = Array.from({ length: 40 }, (_, i) => `content ${i % 4}`.repeat(1000));
  const refs = await Promise.all(texts.map((text, i) => (i % 2 ? one : other).write(chunks(text, text))));
  expect(refs.map((ref) => ref.hash)).toEqual(texts.map((text) => sha256(text + text)));
  expect(filesBelow()).toHaveLength(4);
});

test('adopts a file by moving it', async () => {
  const blobs = openBlobs(dir);
  const path = join(dir, 'made-elsewhere');
  writeFileSync(path, 'weights');
  expect(await blobs.adopt(path)).toEqual({ hash: sha256('weights'), bytes: 7 });
  expect(filesBelow().map((entry) => entry.name)).toEqual([sha256('weights')]);
});

test('deletes only what nobody has written again since', async () => {
  const blobs = openBlobs(dir);
  const { hash } = await blobs.write(bytes('x'));
  await blobs.delete(hash, Date.now() - 10_000);
  expect(await blobs.has(hash)).toBe(true);
  await blobs.delete(hash);
  expect(await blobs.has(hash)).toBe(false);
  await expect(blobs.read(hash)).rejects.toMatchObject({ code: 'not-found' });
  await expect(blobs.localPath(hash)).rejects.toMatchObject({ code: 'not-found' });
});

test('a hash cannot lead out of the folder', async () => {
  await expect(openBlobs(dir).read('../../etc/passwd')).rejects.toThrow('not a blob');
});

test('opening removes what a dead process was writing, and nothing that this one writes', async () => {
  mkdirSync(join(dir, 'tmp'));
  writeFileSync(join(dir, 'tmp', 'old'), 'half a blob');
  const lastYear = new Date(Date.now() - 365 * 24 * 3600 * 1000);
  utimesSync(join(dir, 'tmp', 'old'), lastYear, lastYear);
  writeFileSync(join(dir, 'tmp', 'current'), 'being written');
  openBlobs(dir);
  expect(readdirSync(join(dir, 'tmp'))).toEqual(['current']);
});
