import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Failure } from '../core/failure.ts';
import { limits } from '../limits.ts';
import type { Job } from '../schema/jobs.ts';
import { job, jobEventPage } from '../schema/jobs.ts';
import { openStore, type Store, type Transaction } from '../store/store.ts';
import { createLocalQueue } from './local.ts';
import type { JobQueue, Lease, WorkQueue } from './queue.ts';

let dir: string;
let store: Store;
let queue: JobQueue & WorkQueue;
const errors: unknown[] = [];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'espalier-queue-'));
  store = openStore(dir);
  // These tests commit a thousand times and cut no power.
  store.db.run(sql`PRAGMA synchronous = OFF`);
  queue = createLocalQueue(store, (error) => errors.push(error));
  errors.length = 0;
});
afterEach(async () => {
  await queue.settled();
  store.close();
  rmSync(dir, { recursive: true });
  expect(errors).toEqual([]);
});

const now = Date.UTC(2026, 10, 24);
const failure = new Failure('unusable-dataset', 'It has one class.', { hint: 'Add another.' });
const progress = { phase: 'reading', done: 1, total: 2 };

const enqueue = (blob = 'none'): Job =>
  store.transaction((tx) => queue.enqueue(tx, 'import-dataset', { blob, fileName: 'digits.zip', exclude: [], seed: 0 }));
const lease = (at = now): Lease => {
  const taken = queue.lease(at, () => true);
  if (!taken) throw new Error('nothing to lease');
  return taken;
};
const types = (id: string) => queue.events(id, 0, 1000).items.map((event) => event.type);
const upload = async (text: string) => (await store.blobs.write(new TextEncoder().encode(text))).hash;

describe('enqueue', () => {
  test('the job and its first event come with the transaction, or not at all', () => {
    expect(() =>
      store.transaction((tx) => {
        queue.enqueue(tx, 'import-dataset', { blob: 'x', fileName: 'a', exclude: [], seed: 0 });
        throw new Error('no');
      }),
    ).toThrow('no');
    expect(queue.list({ limit: 10 })).toEqual({ items: [], next: null });
    const queued = enqueue();
    expect(queued).toMatchObject({ state: 'queued', attempt: 0, startedAt: null });
    expect(job.parse(queue.get(queued.id))).toEqual(queued);
    expect(types(queued.id)).toEqual(['queued']);
  });

  test('jobs are listed newest first, in pages, by state and kind', () => {
    const ids = [enqueue(), enqueue(), enqueue()].map(({ id }) => id);
    const first = queue.list({ limit: 2 });
    expect(first.items.map(({ id }) => id)).toEqual([ids[2], ids[1]]);
    expect(queue.list({ limit: 2, after: first.next ?? '' })).toMatchObject({ items: [{ id: ids[0] }], next: null });
    lease();
    expect(queue.list({ limit: 10, state: 'running' }).items.map(({ id }) => id)).toEqual([ids[0]]);
    expect(queue.list({ limit: 10, kind: 'prune' }).items).toEqual([]);
  });

  test('an unknown job is not found', () => {
    for (const ask of [() => queue.get('job_x'), () => queue.events('job_x', 0, 1), () => queue.requestCancel('job_x')]) {
      expect(ask).toThrow(expect.objectContaining({ code: 'not-found' }));
    }
  });
});

describe('lease', () => {
  test('jobs are taken oldest first, each once', () => {
    const [first, second] = [enqueue(), enqueue()];
    expect([lease().jobId, lease().jobId]).toEqual([first.id, second.id]);
    expect(queue.lease(now, () => true)).toBeUndefined();
    expect(queue.get(first.id)).toMatchObject({ state: 'running', attempt: 1, startedAt: '2026-11-24T00:00:00.000Z' });
  });

  test('what the worker does not accept stays queued', () => {
    const [first, second] = [enqueue(), enqueue()];
    expect(queue.lease(now, (id) => id === second.id)?.jobId).toBe(second.id);
    expect(queue.lease(now, () => false)).toBeUndefined();
    expect(queue.get(first.id).state).toBe('queued');
  });

  test('a renewed lease holds, one that lapsed is taken over, and its old holder can change nothing', () => {
    const { id } = enqueue();
    const old = lease();
    expect(queue.renew(old, now + limits.jobLeaseMs - 1)).toBe('held');
    expect(queue.lease(now + limits.jobLeaseMs + 1, () => true)).toBeUndefined();
    const taken = lease(now + 3 * limits.jobLeaseMs);
    expect(taken).toMatchObject({ jobId: id, attempt: 2 });

    expect(queue.renew(old, now)).toBe('lost');
    const before = [queue.get(id), types(id)];
    expect(queue.progress(old, progress)).toBe(false);
    expect(queue.log(old, 'still here', {})).toBe(false);
    expect(queue.claimBlob(old, 'x')).toBe(false);
    expect(queue.fail(old, failure)).toBe(false);
    expect(queue.cancelled(old)).toBe(false);
    expect(queue.crashed(old, failure)).toBe(false);
    expect(queue.release(old)).toBe(false);
    expect(
      queue.succeed(old, () => {
        throw new Error('must not be settled');
      }),
    ).toBe(false);
    expect([queue.get(id), types(id)]).toEqual(before);
    expect(queue.succeed(taken, () => ({ dataset: '/datasets/dst_1' }))).toBe(true);
    expect(types(id)).toEqual(['queued', 'started', 'interrupted', 'started', 'succeeded']);
  });

  test('a job whose process keeps dying fails with the cause', () => {
    const { id } = enqueue();
    for (let crash = 1; crash < limits.jobCrashesMax; crash++) {
      queue.crashed(lease(), failure);
      expect(queue.get(id).state).toBe('queued');
    }
    queue.crashed(lease(), failure);
    const error = { code: 'unusable-dataset', detail: 'It has one class.', hint: 'Add another.' };
    expect(job.parse(queue.get(id))).toMatchObject({ state: 'failed', attempt: limits.jobCrashesMax, error });
  });

  test('being stopped is not counted as dying', () => {
    const { id } = enqueue();
    for (let stop = 0; stop < limits.jobCrashesMax + 2; stop++) queue.release(lease());
    expect(queue.get(id)).toMatchObject({ state: 'queued', attempt: limits.jobCrashesMax + 2 });
  });

  test('at the start of the only worker, what was left running is queued again', () => {
    const { id } = enqueue();
    lease();
    queue.recover(Number.POSITIVE_INFINITY);
    expect(queue.get(id).state).toBe('queued');
    expect(types(id)).toEqual(['queued', 'started', 'interrupted']);
  });
});

describe('cancel', () => {
  test('a queued job is cancelled at once and never leased', () => {
    const { id } = enqueue();
    expect(queue.requestCancel(id)).toMatchObject({ state: 'cancelled', finishedAt: expect.any(String) });
    expect(queue.lease(now, () => true)).toBeUndefined();
  });

  test('a running job is asked once; its holder hears of it', () => {
    const { id } = enqueue();
    const held = lease();
    expect(queue.requestCancel(id).state).toBe('cancelling');
    queue.requestCancel(id);
    expect(queue.renew(held, now)).toBe('cancelling');
    expect(queue.cancelled(held)).toBe(true);
    expect(types(id)).toEqual(['queued', 'started', 'cancelling', 'cancelled']);
  });

  test.each(['crashed', 'release', 'recover'] as const)('a cancelling job is cancelled and not resumed by %s', (how) => {
    const { id } = enqueue();
    const held = lease();
    queue.requestCancel(id);
    if (how === 'crashed') queue.crashed(held, failure);
    else if (how === 'release') queue.release(held);
    else queue.recover(Number.POSITIVE_INFINITY);
    expect(queue.get(id).state).toBe('cancelled');
  });

  test('work that was done before it heard of the request succeeds', () => {
    const { id } = enqueue();
    const held = lease();
    queue.requestCancel(id);
    queue.succeed(held, () => ({}));
    expect(queue.get(id).state).toBe('succeeded');
  });

  test('a finished job stays as it is', () => {
    const { id } = enqueue();
    queue.fail(lease(), failure);
    const before = queue.get(id);
    expect(queue.requestCancel(id)).toEqual(before);
    expect(types(id)).toEqual(['queued', 'started', 'failed']);
  });
});

test('what settle throws undoes it all, and the job can still fail', () => {
  const { id } = enqueue();
  const held = lease();
  const settle = (tx: Transaction) => {
    queue.enqueue(tx, 'import-dataset', { blob: 'x', fileName: 'inner', exclude: [], seed: 0 });
    throw failure;
  };
  expect(() => queue.succeed(held, settle)).toThrow(failure);
  expect(queue.list({ limit: 10 }).items).toHaveLength(1);
  expect(queue.fail(held, failure)).toBe(true);
  expect(queue.get(id).state).toBe('failed');
});

describe('events', () => {
  test('are numbered from 1 and read in pages', () => {
    const { id } = enqueue();
    const held = lease();
    queue.progress(held, { ...progress, metrics: { loss: 0.5 } });
    queue.log(held, 'found', { classes: 3 });
    const page = jobEventPage.parse(queue.events(id, 1, 2));
    expect(page.items.map(({ seq, type }) => [seq, type])).toEqual([
      [2, 'started'],
      [3, 'progress'],
    ]);
    expect(page.items[1].data).toEqual({ ...progress, metrics: { loss: 0.5 } });
    expect(queue.events(id, page.next, 10)).toMatchObject({ items: [{ seq: 4, data: { message: 'found', classes: 3 } }], next: 4 });
    expect(queue.events(id, 4, 10)).toEqual({ items: [], next: 4 });
    expect(queue.get(id).progress).toEqual({ ...progress, metrics: { loss: 0.5 } });
  });

  test('waiting ends with the next event, at once when there is one or the job has ended, and with the signal', async () => {
    const { id } = enqueue();
    await queue.waitForEvents(id, 0);
    let woken = false;
    const waiting = queue.waitForEvents(id, 1).then(() => (woken = true));
    await new Promise(setImmediate);
    expect(woken).toBe(false);
    const held = lease();
    await waiting;
    const abort = new AbortController();
    const aborted = queue.waitForEvents(id, 2, abort.signal);
    abort.abort();
    await aborted;
    queue.succeed(held, () => ({}));
    await queue.waitForEvents(id, 3);
  });

  test('of old progress every 50th is kept, and everything else', () => {
    const { id } = enqueue();
    const held = lease();
    queue.log(held, 'early', {});
    for (let done = 0; done < limits.jobEventsWhole + 300; done++) queue.progress(held, { phase: 'train', done, total: 1e6 });
    const { items } = queue.events(id, 0, 10_000);
    const last = items.at(-1)?.seq ?? 0;
    expect(last).toBe(3 + limits.jobEventsWhole + 300);
    const old = items.filter(({ seq }) => seq <= last - limits.jobEventsWhole);
    expect(old.map(({ seq }) => seq)).toEqual([1, 2, 3, 50, 100, 150, 200, 250, 300]);
    expect(items).toHaveLength(old.length + limits.jobEventsWhole);
  });
});

describe('blobs', () => {
  test('of a job are kept while it waits and runs, and deleted when it ends, before who waits is told', async () => {
    const [hash, made] = [await upload('archive'), await upload('made')];
    const { id } = enqueue(hash);
    const held = lease();
    queue.claimBlob(held, made);
    queue.crashed(held, failure);
    expect((await store.blobs.list()).toSorted()).toEqual([hash, made].toSorted());
    const again = lease();
    await new Promise(setImmediate);
    const told = queue.waitForEvents(id, queue.events(id, 0, 100).next);
    queue.fail(again, failure);
    await told;
    expect(await store.blobs.list()).toEqual([]);
  });

  test('that another job waits for are kept for it', async () => {
    const hash = await upload('archive');
    const [first, second] = [enqueue(hash), enqueue(hash)];
    queue.requestCancel(first.id);
    await queue.settled();
    expect(await store.blobs.has(hash)).toBe(true);
    queue.requestCancel(second.id);
    await queue.settled();
    expect(await store.blobs.has(hash)).toBe(false);
  });

  test('that were sent again in the meantime are left to who sent them', async () => {
    const hash = await upload('archive');
    const first = enqueue(hash);
    await new Promise((resolve) => setTimeout(resolve, 20));
    await upload('archive');
    queue.requestCancel(first.id);
    await queue.settled();
    expect(await store.blobs.has(hash)).toBe(true);
  });
});
