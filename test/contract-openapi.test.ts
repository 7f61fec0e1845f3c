import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Failure } from '../src/core/failure.ts';
import { createApp } from '../src/http/app.ts';
import { openApiDocument } from '../src/http/openapi.ts';
import { startService, type Service } from './service.ts';
import { createLocalQueue } from '../src/jobs/local.ts';
import { pino } from 'pino';

let service: Service;
beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

const createTestApp = () => {
  const { store } = service;
  const context = { store, queue: createLocalQueue(store, () => {}), zoo: new Map<string, string>(), downloads: false };
  const engineInfo = () => Promise.reject(new Failure('engine-unavailable', 'No engine loads.', { hint: 'Run npm run setup.' }));
  return createApp({ context, engineInfo, log: pino({ level: 'silent' }) });
};

test('every route that is served is in the contract, and nothing else', () => {
  const app = createTestApp();
  // Middleware is registered for all methods.
  const served = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`);
  const paths = openApiDocument(app).paths ?? {};
  const documented = Object.entries(paths).flatMap(([path, item]) => Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`));
  expect([...new Set(served)].toSorted()).toEqual(documented.toSorted());
  expect(documented.length).toBeGreaterThan(25);
});

const operation = z.object({
  operationId: z.string(),
  summary: z.string(),
  parameters: z.array(z.object({ name: z.string(), in: z.string() })).optional(),
  responses: z.record(z.string(), z.unknown()),
});

test('every operation has a name of its own, and every POST takes an Idempotency-Key', () => {
  const paths = openApiDocument(createTestApp()).paths ?? {};
  const operations = Object.values(paths).flatMap((item) =>
    Object.entries(item).map(([method, each]) => ({ method, ...operation.parse(each) })),
  );
  expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length);
  for (const { method, operationId, parameters = [] } of operations) {
    if (method === 'post') expect(parameters, operationId).toContainEqual({ name: 'idempotency-key', in: 'header' });
  }
});

test('every reference in the contract leads somewhere', () => {
  const document = openApiDocument(createTestApp());
  const names = [...JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
  expect(names.length).toBeGreaterThan(50);
  expect(Object.keys(document.components?.schemas ?? {})).toEqual(expect.arrayContaining([...new Set(names)]));
});

test('a service without an engine is alive but not ready, and says why', async () => {
  const app = createTestApp();
  expect((await app.request('/healthz')).status).toBe(200);
  const ready = await app.request('/readyz');
  expect([ready.status, await ready.json()]).toMatchObject([503, { code: 'engine-unavailable', hint: 'Run npm run setup.' }]);
});

test('what goes wrong unexpectedly is told without its details, which are in the log', async () => {
  const lines: string[] = [];
  const { store } = service;
  const queue = createLocalQueue(store, () => {});
  const context = {
    store,
    zoo: new Map<string, string>(),
    downloads: false,
    queue: {
      ...queue,
      list: () => {
        throw new TypeError('secret detail');
      },
    },
  };
  const engineInfo = () => Promise.reject(new Error('unused'));
  const app = createApp({ context, engineInfo, log: pino({}, { write: (line) => void lines.push(line) }) });
  const answer = await app.request('/jobs');
  const body = await answer.text();
  expect([answer.status, body]).toEqual([500, expect.not.stringContaining('secret')]);
  expect(lines.find((line) => line.includes('secret detail'))).toContain(answer.headers.get('x-request-id'));
});

test.each(['evil.example', '192.168.1.9:8080'])('a server does not answer to the name %s', async (host) => {
  expect((await createTestApp().request(`http://${host}/models`)).status).toBe(403);
});
