import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createLocalQueue } from '../jobs/local.ts';
import type { JobQueue, WorkQueue } from '../jobs/queue.ts';
import { openStore, type Store } from '../store/store.ts';
import type { Context } from './context.ts';
import { datasetSourceKey } from './keys.ts';
import { enqueueOnce } from './once.ts';

let dir: string;
let store: Store;
let queue: JobQueue & WorkQueue;
let context: Context;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'espalier-once-'));
  store = openStore(dir);
  queue = createLocalQueue(store, (error) => {
    throw error;
  });
  context = { store, queue, zoo: new Map(), downloads: false };
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

const asked = (blob: string, fileName = 'pets.zip') =>
  enqueueOnce(context, 'import-dataset', { blob, fileName, exclude: [], seed: 0 }, datasetSourceKey);

test('who asks for what is under way waits for it; another thing, or one that has ended, is another job', () => {
  const first = asked('a'.repeat(64));
  expect(asked('a'.repeat(64), 'other-name.zip').id).toBe(first.id);
  queue.lease(Date.now(), () => true);
  expect(asked('a'.repeat(64))).toMatchObject({ id: first.id, state: 'running' });
  expect(asked('b'.repeat(64)).id).not.toBe(first.id);
  queue.requestCancel(first.id);
  expect(asked('a'.repeat(64)).id).not.toBe(first.id);
});

test('the file of a request that joined a job goes with the job', async () => {
  const { hash } = await store.blobs.write(new TextEncoder().encode('pets'));
  const job = asked(hash);
  await sleep(10);
  await store.blobs.write(new TextEncoder().encode('pets'));
  expect(asked(hash).id).toBe(job.id);
  queue.requestCancel(job.id);
  await queue.settled();
  expect(await store.blobs.has(hash)).toBe(false);
});
