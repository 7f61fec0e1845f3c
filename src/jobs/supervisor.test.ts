import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Failure } from '../core/failure.ts';
import type { Job } from '../schema/jobs.ts';
import { openStore, type Store } from '../store/store.ts';
import { datasets, idempotencyKeys } from '../store/tables.ts';
import { createLocalQueue } from './local.ts';
import type { JobQueue, Settle, WorkQueue } from './queue.ts';
import { isFinished } from './rows.ts';
import { startSupervisor, type Supervisor } from './supervisor.ts';
import type { JobResult } from './types.ts';

const entry = fileURLToPath(new URL('fake-child.ts', import.meta.url));

let dir: string;
let store: Store;
let queue: JobQueue & WorkQueue;
let supervisor: Supervisor | undefined;
let server: ChildProcess | undefined;

const open = (): void => {
  store = openStore(dir);
  queue = createLocalQueue(store, (error) => console.error(error));
};
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'espalier-supervisor-'));
  open();
});
afterEach(async () => {
  vi.restoreAllMocks();
  server?.kill('SIGKILL');
  await supervisor?.stop({ graceMs: 0 });
  supervisor = undefined;
  store.close();
  rmSync(dir, { recursive: true });
});

/** Registers the dataset that the fake child has made; every behaviour makes one. */
const settle: Settle = (tx, job, result) => {
  const { dataset, samples, report } = result as JobResult<'import-dataset'>;
  const row = { id: `dst_of_${job.id}`, name: job.id, blob: dataset.hash, samples: samples.hash, report, createdAt: '' };
  tx.insert(datasets).values(row).run();
  return { dataset: `/datasets/${row.id}` };
};

async function start(concurrency = 1, settleWith: Settle = settle): Promise<void> {
  const hub = { downloads: false, endpoint: 'https://hub.invalid', token: undefined };
  const config = { engine: { backend: undefined, threads: 1 }, hub, jobs: { concurrency, memoryMiB: 48 }, logLevel: 'silent' } as const;
  const log = pino({ level: 'silent' });
  supervisor = await startSupervisor({ store, queue, settle: settleWith, config, zooDir: '/nowhere', log, entry });
}

/** Queues a job of the fake child, with an upload of its own. */
async function enqueue(behaviour: string): Promise<string> {
  const { hash } = await store.blobs.write(new TextEncoder().encode(`upload to ${behaviour}`));
  return store.transaction((tx) => queue.enqueue(tx, 'import-dataset', { blob: hash, fileName: behaviour, exclude: [], seed: 0 }).id);
}

async function until(id: string, holds: (job: Job) => boolean): Promise<Job> {
  for (;;) {
    const { next } = queue.events(id, 0, 10_000);
    const job = queue.get(id);
    if (holds(job)) return job;
    await queue.waitForEvents(id, next, AbortSignal.timeout(500));
  }
}
const end = (id: string) => until(id, ({ state }) => isFinished(state));
const types = (id: string) => queue.events(id, 0, 1000).items.map(({ type }) => type);
const logged = (id: string, message: string) =>
  queue.events(id, 0, 1000).items.flatMap(({ type, data }) => (type === 'log' && data['message'] === message ? [data] : []));

async function firstLog(id: string, message: string): Promise<Record<string, unknown>> {
  await until(id, () => logged(id, message).length > 0);
  return logged(id, message)[0];
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};
const nothingIsLeft = async () => {
  await expect.poll(() => store.blobs.list()).toEqual([]);
  expect(readdirSync(join(dir, 'work'))).toEqual([]);
};

describe('a job', () => {
  test('that succeeds is settled with its links; its upload and work directory go, what it made stays', async () => {
    const id = await enqueue('succeed');
    await start();
    expect(await end(id)).toMatchObject({
      state: 'succeeded',
      attempt: 1,
      result: { dataset: `/datasets/dst_of_${id}` },
      progress: { phase: 'writing', done: 2, total: 2 },
    });
    expect(types(id)).toEqual(['queued', 'started', 'progress', 'log', 'progress', 'succeeded']);
    expect(logged(id, 'two classes')).toEqual([{ message: 'two classes', classes: 2 }]);
    const [row] = store.db.select().from(datasets).all();
    await expect.poll(async () => (await store.blobs.list()).toSorted()).toEqual([row.blob, row.samples].toSorted());
    expect(existsSync(join(dir, 'work', id))).toBe(false);
  });

  test('that is queued while the supervisor idles is taken without waiting for its clock', async () => {
    await start();
    expect(await end(await enqueue('succeed'))).toMatchObject({ state: 'succeeded' });
  });

  test('that fails says why and leaves nothing', async () => {
    const id = await enqueue('fail');
    await start();
    const error = { code: 'unusable-dataset', detail: 'It has one class.', hint: 'Add another.', field: 'digits.zip' };
    expect(await end(id)).toMatchObject({ state: 'failed', attempt: 1, error, result: null });
    await nothingIsLeft();
  });

  test('with a defect fails at once, without telling the inside', async () => {
    const id = await enqueue('defect');
    await start();
    const job = await end(id);
    expect(job).toMatchObject({ state: 'failed', attempt: 1, error: { code: 'internal' } });
    expect(JSON.stringify([job, queue.events(id, 0, 100)])).not.toContain('secret');
    await nothingIsLeft();
  });

  test.each([
    ['die', 'internal', 'exit code 7'],
    ['exhaust memory', 'out-of-memory', 'ran out of memory'],
  ])('whose process does nothing but %s fails with its cause after three attempts', async (behaviour, code, detail) => {
    vi.spyOn(process.stderr, 'write').mockReturnValue(true);
    const id = await enqueue(behaviour);
    await start();
    expect(await end(id)).toMatchObject({ state: 'failed', attempt: 3, error: { code, detail: expect.stringContaining(detail) } });
    expect(types(id).filter((type) => type === 'interrupted')).toHaveLength(2);
    await nothingIsLeft();
  });

  test('whose process dies between making its result and telling it is done again', async () => {
    const id = await enqueue('die once');
    await start();
    expect(await end(id)).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(types(id)).toEqual(['queued', 'started', 'interrupted', 'started', 'succeeded']);
  });

  test('killed from outside goes on from its checkpoint', async () => {
    const id = await enqueue('count');
    await start();
    const { pid } = await firstLog(id, 'begun');
    await until(id, () => logged(id, 'step').length === 3);
    process.kill(Number(pid), 'SIGKILL');
    expect(await end(id)).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(logged(id, 'begun').map(({ at }) => at)).toEqual([0, 3]);
    expect(logged(id, 'step').map(({ step }) => step)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe('settling', () => {
  test('that is refused fails the job and undoes what it wrote', async () => {
    const id = await enqueue('succeed');
    await start(1, (tx, job, result) => {
      settle(tx, job, result);
      throw new Failure('conflict', 'The parent is gone.');
    });
    expect(await end(id)).toMatchObject({ state: 'failed', error: { code: 'conflict', detail: 'The parent is gone.' } });
    expect(store.db.select().from(datasets).all()).toEqual([]);
    await nothingIsLeft();
  });

  test('with a defect fails the job, without telling the inside', async () => {
    const id = await enqueue('succeed');
    await start(1, () => {
      throw new TypeError('secret detail');
    });
    expect(await end(id)).toMatchObject({
      state: 'failed',
      attempt: 1,
      error: { code: 'internal', detail: 'The result could not be stored.' },
    });
  });
});

describe('cancelling', () => {
  test('ends a running job and leaves nothing; the next job runs', async () => {
    const [id, other] = [await enqueue('wait'), await enqueue('fail')];
    await start();
    const { pid } = await firstLog(id, 'waiting');
    expect(queue.get(other).state).toBe('queued');
    queue.requestCancel(id);
    expect(await end(id)).toMatchObject({ state: 'cancelled', error: null });
    expect(isAlive(Number(pid))).toBe(false);
    await end(other);
    await nothingIsLeft();
  });
});

describe('stopping', () => {
  test('ends a deaf process after the grace period; the job is resumed by the next supervisor and not counted as crashed', async () => {
    const [deaf, counting] = [await enqueue('be deaf'), await enqueue('count')];
    await start(2);
    const { pid } = await firstLog(deaf, 'waiting');
    await until(counting, () => logged(counting, 'step').length === 3);
    await supervisor?.stop({ graceMs: 100 });
    expect(isAlive(Number(pid))).toBe(false);
    expect([queue.get(deaf).state, queue.get(counting).state]).toEqual(['queued', 'queued']);
    queue.requestCancel(deaf);

    await start();
    expect(await end(counting)).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(logged(counting, 'begun').map(({ at }) => at)).toEqual([0, 3]);
  });
});

/** A server of its own process on the directory, which settles by running `settleCode`. */
function otherServer(settleCode: string): ChildProcess {
  store.close();
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  const url = (file: string) => JSON.stringify(new URL(file, import.meta.url).href);
  const script = `
    const { openStore } = await import(${url('../store/store.ts')});
    const { createLocalQueue } = await import(${url('local.ts')});
    const { startSupervisor } = await import(${url('supervisor.ts')});
    const { pino } = await import('pino');
    const store = openStore(${JSON.stringify(dir)});
    const queue = createLocalQueue(store, console.error);
    const config = { engine: { threads: 1 }, jobs: { concurrency: 1, memoryMiB: 256 }, logLevel: 'silent' };
    const settle = (tx, job, result) => { ${settleCode} };
    await startSupervisor({ store, queue, settle, config, zooDir: '/', log: pino({ level: 'silent' }), entry: ${JSON.stringify(entry)} });`;
  return spawn(process.execPath, ['--import', tsx, '--input-type=module', '-e', script], { stdio: ['ignore', 'inherit', 'inherit'] });
}

describe('a server that is killed', () => {
  test('takes its job processes with it, and the next one resumes their jobs', async () => {
    const id = await enqueue('wait');
    server = otherServer('return {};');
    open();
    await expect.poll(() => logged(id, 'waiting'), { timeout: 20_000 }).toHaveLength(1);
    const [{ pid }] = logged(id, 'waiting');
    server.kill('SIGKILL');
    await expect.poll(() => isAlive(Number(pid)), { timeout: 10_000 }).toBe(false);
    expect(queue.get(id).state).toBe('running');

    await start();
    expect(await until(id, ({ attempt }) => attempt === 2)).toMatchObject({ state: 'running' });
  });

  test('in the midst of settling loses nothing and does nothing twice', async () => {
    const id = await enqueue('succeed');
    const write = `tx.run("INSERT INTO datasets (id, name, blob, samples, report, created_at) VALUES ('half', '', '', '', '{}', '')");`;
    server = otherServer(`${write} process.kill(process.pid, 'SIGKILL'); for (;;);`);
    await once(server, 'exit');
    open();
    expect(store.db.select().from(datasets).all()).toEqual([]);
    expect(queue.get(id).state).toBe('running');

    await start();
    expect(await end(id)).toMatchObject({ state: 'succeeded', attempt: 2 });
    expect(store.db.select({ id: datasets.id }).from(datasets).all()).toEqual([{ id: `dst_of_${id}` }]);
  });

  test('leaves nothing behind that the next start does not remove', async () => {
    const { hash } = await store.blobs.write(new TextEncoder().encode('never queued'));
    const lastYear = new Date(Date.now() - 365 * 24 * 3600 * 1000);
    utimesSync(await store.blobs.localPath(hash), lastYear, lastYear);
    const fresh = await store.blobs.write(new TextEncoder().encode('being queued'));
    mkdirSync(join(dir, 'work', 'job_gone'), { recursive: true });
    writeFileSync(join(dir, 'work', 'job_gone', 'train.checkpoint'), 'x');
    const key = { route: 'POST /prune', bodyHash: 'h', createdAt: '' };
    store.db
      .insert(idempotencyKeys)
      .values([
        { key: 'in flight', ...key },
        { key: 'answered', ...key, status: 202, answer: { headers: {}, body: null } },
      ])
      .run();
    await start();
    expect(await store.blobs.list()).toEqual([fresh.hash]);
    expect(readdirSync(join(dir, 'work'))).toEqual([]);
    expect(store.db.select({ key: idempotencyKeys.key }).from(idempotencyKeys).all()).toEqual([{ key: 'answered' }]);
  });
});
