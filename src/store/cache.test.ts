import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openCache } from './cache.ts';

const source = createHash('sha256').update('a dataset').digest('hex');
const other = createHash('sha256').update('another').digest('hex');
const ones = (bytes: number): Uint8Array => new Uint8Array(bytes).fill(1);

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'espalier-cache-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const used = (name: string, secondsAgo: number): void => {
  const then = Date.now() / 1000 - secondsAgo;
  utimesSync(join(dir, source, name), then, then);
};

it('gives back what it kept, and nothing for what it never had', async () => {
  const cache = openCache(dir, 100);
  expect(await cache.read(source, 'train-32x32')).toBeUndefined();
  await cache.write(source, 'train-32x32', Uint8Array.of(1, 2, 3));
  expect([...((await cache.read(source, 'train-32x32')) ?? [])]).toEqual([1, 2, 3]);
  expect(await cache.read(other, 'train-32x32')).toBeUndefined();
  await cache.write(source, 'train-32x32', Uint8Array.of(4));
  expect([...((await openCache(dir, 100).read(source, 'train-32x32')) ?? [])]).toEqual([4]);
});

it('drops what was not used for longest when it holds too much', async () => {
  const cache = openCache(dir, 100);
  await cache.write(source, 'a', ones(40));
  await cache.write(source, 'b', ones(40));
  used('a', 20);
  used('b', 10);
  await cache.read(source, 'a');
  await cache.write(other, 'c', ones(40));
  expect(await cache.read(source, 'b')).toBeUndefined();
  expect(await cache.read(source, 'a')).toHaveLength(40);
  expect(await cache.read(other, 'c')).toHaveLength(40);
});

it('keeps nothing that would not fit, and loses nothing for it', async () => {
  const cache = openCache(dir, 100);
  await cache.write(source, 'a', ones(40));
  await cache.write(source, 'b', ones(101));
  expect(await cache.read(source, 'b')).toBeUndefined();
  expect(await cache.read(source, 'a')).toHaveLength(40);
});

it('forgets all that came from one source, and clears what a dead process left unfinished', async () => {
  const cache = openCache(dir, 100);
  await cache.write(source, 'a', ones(1));
  await cache.write(other, 'a', ones(1));
  writeFileSync(join(dir, source, 'b.0.part'), 'half');
  used('b.0.part', 7200);
  await cache.write(source, 'c', ones(1));
  expect(readdirSync(join(dir, source))).toEqual(['a', 'c']);
  await cache.forget(source);
  await cache.forget(source);
  expect(readdirSync(dir)).toEqual([other]);
});

it('gives a file away by moving it, to one caller only, and takes it back', async () => {
  const cache = openCache(dir, 100);
  const path = join(dir, '..', `${other}.moved`);
  writeFileSync(path, 'weights');
  await cache.moveIn(source, 'body', path);
  expect(existsSync(path)).toBe(false);
  const [first, second] = await Promise.all([path, `${path}-2`].map((to) => cache.moveOut(source, 'body', to)));
  expect([first, second].filter(Boolean)).toHaveLength(1);
  const taken = first ? path : `${path}-2`;
  expect(readFileSync(taken, 'utf8')).toBe('weights');
  expect(await cache.read(source, 'body')).toBeUndefined();
  await cache.moveIn(source, 'body', taken);
  await cache.moveIn(source, 'body', taken);
  expect(await cache.read(source, 'body')).toHaveLength(7);
});

it('takes no name that would leave its folder', async () => {
  const cache = openCache(dir, 100);
  await expect(cache.read(source, '../a')).rejects.toThrow('not the name');
  await expect(cache.read('../..', 'a')).rejects.toThrow('not a content hash');
});
