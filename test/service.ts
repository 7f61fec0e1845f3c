import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { pino } from 'pino';
import { listZoo } from '../src/formats/zoo.ts';
import { createApp } from '../src/http/app.ts';
import { startServer } from '../src/http/server.ts';
import { createLocalQueue } from '../src/jobs/local.ts';
import { startSupervisor } from '../src/jobs/supervisor.ts';
import { expect } from 'vitest';
import { problem } from '../src/schema/common.ts';
import { job as jobSchema, type Job } from '../src/schema/jobs.ts';
import { settle } from '../src/services/settle.ts';
import { openStore, type Store } from '../src/store/store.ts';
import type { Config } from '../src/config.ts';

/** An answer, read whole. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array;
  readonly text: string;
  /** The parsed body; undefined when it is not JSON. */
  readonly body: Record<string, unknown>;
}

/** The whole service on a fresh data directory, listening on this machine. */
export interface Service {
  readonly url: string;
  readonly store: Store;
  call(path: string, init?: RequestInit): Promise<Answer>;
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Answer>;
  upload(path: string, bytes: Uint8Array | string, headers?: Record<string, string>): Promise<Answer>;
  /** The answer's job once it has ended. */
  ended(answer: Answer): Promise<Job>;
  /** Follows a link of a job that succeeded. */
  made(answer: Answer, link: string): Promise<Record<string, unknown>>;
  /** Hashes of the blobs on disk, and files that somebody left half written. */
  files(): Promise<{ blobs: string[]; temporary: string[]; work: string[] }>;
  stop(): Promise<void>;
}

interface Options {
  /** Root of the job process. */
  readonly entry?: string;
  readonly engine?: Config['engine'];
  readonly hub?: Config['hub'];
}

const noHub: Config['hub'] = { downloads: false, endpoint: 'https://hub.invalid', token: undefined };

/** Root of a job process that makes results up. */
export const fakeChild = fileURLToPath(new URL('fake-child.ts', import.meta.url));
const zooDir = fileURLToPath(new URL('../zoo', import.meta.url));

export async function startService({ entry, engine = { backend: undefined, threads: 1 }, hub = noHub }: Options = {}): Promise<Service> {
  const dataDir = mkdtempSync(join(tmpdir(), 'espalier-service-'));
  const store = openStore(dataDir);
  const log = pino({ level: 'silent' });
  const queue = createLocalQueue(store, (error) => {
    throw error;
  });
  const config = { engine, hub, jobs: { concurrency: 2, memoryMiB: 2048 }, logLevel: 'warn' } as const;
  const supervisor = await startSupervisor({ store, queue, settle, config, zooDir, log, entry });
  const zoo = new Map((await listZoo(zooDir)).map(({ name, hash }) => [name, hash]));
  const engineInfo = async () =>
    ({ backend: 'cpu', version: '0', threads: 1, device: 'cpu', reason: 'a test', imagesPerSecond: 1 }) as const;
  const server = await startServer({
    app: createApp({ context: { store, queue, zoo, downloads: hub.downloads }, engineInfo, log }),
    host: '127.0.0.1',
    port: 0,
  });

  const call: Service['call'] = async (path, init) => {
    const answer = await fetch(`${server.url}${path}`, init);
    const bytes = new Uint8Array(await answer.arrayBuffer());
    const text = new TextDecoder().decode(bytes);
    const isJson = answer.headers.get('content-type')?.includes('json');
    return { status: answer.status, headers: answer.headers, bytes, text, body: isJson ? JSON.parse(text) : undefined };
  };

  const ended: Service['ended'] = async (answer) => {
    if (answer.status !== 202) throw new Error(`no job: ${answer.status} ${answer.text}`);
    const path = answer.headers.get('location') ?? '';
    // The stream ends with the job.
    await (await fetch(`${server.url}${path}/events`, { headers: { accept: 'text/event-stream' } })).text();
    return jobSchema.parse((await call(path)).body);
  };

  return {
    url: server.url,
    store,
    call,
    post: (path, body, headers) =>
      call(path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } }),
    upload: (path, bytes, headers) => call(path, { method: 'POST', body: Buffer.from(bytes), headers }),
    ended,
    made: async (answer, link) => {
      const job = await ended(answer);
      const path = job.result?.[link];
      if (!path) throw new Error(`no ${link}: ${JSON.stringify(job)}`);
      return (await call(path)).body;
    },
    files: async () => ({
      blobs: (await store.blobs.list()).toSorted(),
      temporary: readdirSync(join(dataDir, 'blobs', 'tmp')),
      work: readdirSync(join(dataDir, 'work')),
    }),
    stop: async () => {
      await server.close(100);
      await supervisor.stop({ graceMs: 100 });
      store.close();
      rmSync(dataDir, { recursive: true });
    },
  };
}

/** A sound problem of this status and code, about this field, with the request's id. */
export const expectProblem = (answer: Answer, status: number, code: string, field?: string): void => {
  expect(answer.status).toBe(status);
  expect(problem.parse(answer.body)).toMatchObject({ status, code, ...(field && { field }) });
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  expect(answer.body.requestId).toBe(answer.headers.get('x-request-id'));
};

/** A model and a dataset, registered by the child that makes results up. */
export async function registerPets(service: Service): Promise<{ modelId: string; datasetId: string }> {
  const model = await service.made(await service.post('/models', { source: 'zoo:one' }), 'model');
  const dataset = await service.made(await service.upload('/datasets?fileName=pets.zip', 'DATASET pets'), 'dataset');
  return { modelId: String(model.id), datasetId: String(dataset.id) };
}
