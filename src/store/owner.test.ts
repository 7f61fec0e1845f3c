import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { acquireDataDir, readOwner } from './owner.ts';

let dir: string;
let other: ChildProcess | undefined;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'espalier-owner-'));
});
afterEach(() => {
  other?.kill('SIGKILL');
  rmSync(dir, { recursive: true });
});

/** Another process that owns the directory until it is killed. */
async function otherOwner(url: string): Promise<ChildProcess> {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const owner = new URL('./owner.ts', import.meta.url).href;
  const script = `
    const { acquireDataDir } = await import(${JSON.stringify(owner)});
    acquireDataDir(${JSON.stringify(dir)}, { pid: process.pid }).publish(${JSON.stringify(url)});
    globalThis.gc(); console.log('owns'); setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--expose-gc', '--import', tsx, '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(child.stdout ?? child, 'data');
  return child;
}

test('a live owner is named with its address, and one killed outright is taken over from at once', async () => {
  other = await otherOwner('http://127.0.0.1:4711');
  expect(readOwner(dir)).toEqual({ pid: other.pid, url: 'http://127.0.0.1:4711' });
  expect(() => acquireDataDir(dir, { pid: process.pid })).toThrow(
    expect.objectContaining({ code: 'data-directory-busy', message: expect.stringContaining('http://127.0.0.1:4711') }),
  );
  other.kill('SIGKILL');
  await once(other, 'exit');
  expect(readOwner(dir)).toBeUndefined();
  const lock = acquireDataDir(dir, { pid: process.pid });
  expect(readOwner(dir)).toEqual({ pid: process.pid });
  lock.release();
});

test('a released directory has no owner and can be taken again', () => {
  const first = acquireDataDir(dir, { pid: process.pid });
  expect(() => acquireDataDir(dir, { pid: process.pid })).toThrow('in use');
  first.release();
  first.release();
  expect(readOwner(dir)).toBeUndefined();
  acquireDataDir(dir, { pid: process.pid }).release();
});

test('a directory that nobody used has no owner', () => {
  expect(readOwner(join(dir, 'nowhere'))).toBeUndefined();
});
