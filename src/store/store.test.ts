import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newId } from './ids.ts';
import { collectBlobs } from './references.ts';
import { openStore, type Store } from './store.ts';
import { datasets, evaluations, jobBlobs, jobs, models } from './tables.ts';

let dir: string;
let store: Store;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'espalier-store-'));
  store = openStore(dir);
});
afterEach(() => {
  store.close();
  rmSync(dir, { recursive: true });
});

const createdAt = '2026-11-24T12:00:00.000Z';
const report = {
  classes: [],
  counts: { train: 0, validation: 0, test: 0 },
  size: { minimum: [1, 1], median: [1, 1], maximum: [1, 1] } satisfies Record<string, [number, number]>,
  channels: 'grey' as const,
  splitsGiven: false,
  duplicates: 0,
  refused: { count: 0, files: [] },
  seed: 0,
};
const dataset = (id: string, blob: string) => ({ id, name: 'digits', blob, samples: 'none', report, createdAt });

test('an empty directory gets every table, and opening again changes nothing', () => {
  store.transaction((tx) => tx.insert(datasets).values(dataset('dst_1', 'b')).run());
  store.close();
  store = openStore(dir);
  expect(store.db.select().from(datasets).all()).toEqual([dataset('dst_1', 'b')].map((row) => ({ ...row, source: null })));
  expect(store.db.select().from(models).all()).toEqual([]);
});

test('commits reach the disk and references hold', () => {
  expect(store.db.get<{ journal_mode: string }>(sql`PRAGMA journal_mode`)).toEqual({ journal_mode: 'wal' });
  expect(store.db.get<{ synchronous: number }>(sql`PRAGMA synchronous`)).toEqual({ synchronous: 2 });
  const orphan = { id: 'evl_1', modelId: 'mdl_none', datasetId: 'dst_none', requestHash: 'h', createdAt };
  const result = { split: 'test', confusion: [] } as unknown as typeof evaluations.$inferInsert.result;
  expect(() =>
    store.db
      .insert(evaluations)
      .values({ ...orphan, result })
      .run(),
  ).toThrow('FOREIGN KEY');
});

test('a transaction that throws leaves nothing', () => {
  expect(() =>
    store.transaction((tx) => {
      tx.insert(datasets).values(dataset('dst_1', 'b')).run();
      throw new Error('changed my mind');
    }),
  ).toThrow('changed my mind');
  expect(store.db.select().from(datasets).all()).toEqual([]);
});

test('ids sort in the order they were made', () => {
  const ids = Array.from({ length: 100 }, () => newId('job'));
  expect(ids.toSorted()).toEqual(ids);
  expect(ids[0]).toMatch(/^job_[0-9A-Z]{26}$/);
});

test('only blobs that nothing refers to are collected', async () => {
  const write = async (text: string) => (await store.blobs.write(new TextEncoder().encode(text))).hash;
  const [used, claimed, loose, later] = [await write('used'), await write('claimed'), await write('loose'), await write('later')];
  store.transaction((tx) => {
    tx.insert(datasets).values(dataset('dst_1', used)).run();
    tx.insert(jobs)
      .values({ id: 'job_1', kind: 'profile', state: 'queued', attempt: 0, crashes: 0, input: {}, lastSeq: 0, createdAt })
      .run();
    tx.insert(jobBlobs).values({ jobId: 'job_1', hash: claimed, claimedAt: 0 }).run();
  });
  await collectBlobs(store, [used, claimed, loose]);
  await collectBlobs(store, [later], Date.now() - 60_000);
  expect((await store.blobs.list()).toSorted()).toEqual([used, claimed, later].toSorted());
});
