import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from '../src/limits.ts';
import { expectProblem, fakeChild, registerPets, startService, type Answer, type Service } from './service.ts';

const nobody = (prefix: string): string => `${prefix}_${'0'.repeat(26)}`;

let service: Service;
let modelId: string;
let datasetId: string;

beforeAll(async () => {
  service = await startService({ entry: fakeChild });
  ({ modelId, datasetId } = await registerPets(service));
});
afterAll(() => service.stop());

describe('bad input is told clearly and leaves nothing behind', () => {
  const pruneOf = (change: object) => () =>
    service.post('/prune', { model: modelId, dataset: datasetId, target: { ratio: 0.5 }, ...change });
  const cases: [string, () => Promise<Answer>, number, string, string?][] = [
    ['a ratio of 1.5', pruneOf({ target: { ratio: 1.5 } }), 400, 'invalid-request', 'target.ratio'],
    ['two targets', pruneOf({ target: { ratio: 0.5, flops: 5 } }), 400, 'invalid-request', 'target'],
    ['no target', pruneOf({ target: undefined }), 400, 'invalid-request', 'target'],
    ['an unknown criterion', pruneOf({ criterion: 'dise' }), 400, 'unknown-criterion', 'criterion'],
    ['an unknown schedule', pruneOf({ schedule: { kind: 'slow' } }), 400, 'invalid-request', 'schedule.kind'],
    ['a sparse training of dice', pruneOf({ schedule: { kind: 'sparse' } }), 400, 'invalid-request', 'schedule.kind'],
    ['lottery at once', pruneOf({ criterion: 'lottery', schedule: { kind: 'one-shot' } }), 400, 'invalid-request', 'schedule.kind'],
    ['steps to an elbow', pruneOf({ target: { elbow: true }, schedule: { kind: 'iterative' } }), 400, 'invalid-request', 'target'],
    ['an unknown field', pruneOf({ fineTune: { epoch: 3 } }), 400, 'invalid-request', 'fineTune.epoch'],
    ['a missing model', pruneOf({ model: nobody('mdl') }), 404, 'not-found', 'model'],
    ['a missing dataset', pruneOf({ dataset: nobody('dst') }), 404, 'not-found', 'dataset'],
    ['an id of another kind', pruneOf({ dataset: modelId }), 400, 'invalid-request', 'dataset'],
    [
      'a missing candidate',
      () => service.post('/recommend', { dataset: datasetId, candidates: [modelId, nobody('mdl')] }),
      404,
      'not-found',
      'candidates.1',
    ],
    [
      'activations without a dataset',
      () => service.post('/profiles', { model: modelId, source: 'activations' }),
      400,
      'invalid-request',
      'dataset',
    ],
    ['a missing id', () => service.call(`/jobs/${nobody('job')}`), 404, 'not-found'],
    ['a missing id to cancel', () => service.call(`/jobs/${nobody('job')}/cancel`, { method: 'POST' }), 404, 'not-found'],
    ['what is no id', () => service.call('/models/..%2f..%2fetc'), 400, 'invalid-request', 'id'],
    ['a limit of 0', () => service.call('/models?limit=0'), 400, 'invalid-request', 'limit'],
    ['what is no zoo name', () => service.post('/models', { source: 'zoo:../../x' }), 400, 'invalid-request', 'source'],
    ['broken JSON', () => service.upload('/prune', '{"model": ', { 'content-type': 'application/json' }), 400, 'invalid-request'],
    ['broken JSON for a model', () => service.upload('/models', '{"sou', { 'content-type': 'application/json' }), 400, 'invalid-request'],
    ['a body that is no JSON', () => service.upload('/prune', 'model', { 'content-type': 'text/plain' }), 415, 'unsupported-format'],
    ['a form instead of the file', () => service.call('/datasets', { method: 'POST', body: new FormData() }), 415, 'unsupported-format'],
    ['an empty upload', () => service.call('/datasets', { method: 'POST' }), 400, 'invalid-request'],
    ['JSON of two megabytes', () => service.post('/recommend', { dataset: 'x'.repeat(2 ** 21) }), 413, 'limit-exceeded'],
    ['an image for a missing model', () => service.upload(`/models/${nobody('mdl')}/predict`, 'IMAGE'), 404, 'not-found', 'id'],
    ['no image', () => service.upload(`/models/${modelId}/predict`, ''), 400, 'invalid-request'],
    ['a route that is not there', () => service.call('/nowhere'), 404, 'not-found'],
    ['a page of another site', () => service.upload('/datasets', 'DATASET', { 'sec-fetch-site': 'cross-site' }), 403, 'forbidden'],
  ];
  test.each(cases)('%s', async (_, send, status, code, field) => {
    const before = { ...(await service.files()), jobs: (await service.call('/jobs')).body };
    const answer = await send();
    expectProblem(answer, status, code, field);
    expect(answer.body.hint).toBeTypeOf('string');
    expect({ ...(await service.files()), jobs: (await service.call('/jobs')).body }).toEqual(before);
  });

  test('an unknown criterion is answered with the known ones', async () => {
    const { hint } = (await pruneOf({ criterion: 'dise' })()).body;
    for (const known of ['dice', 'l1', 'random']) expect(hint).toContain(known);
  });

  test.each(['models', 'datasets'])('a file that is none of the %s', async (kind) => {
    const before = { ...(await service.files()), rows: (await service.call(`/${kind}`)).body };
    const failed = await service.ended(await service.upload(`/${kind}?fileName=notes.txt`, 'just some text'));
    expect(failed).toMatchObject({ state: 'failed', error: { code: 'unsupported-format', field: 'notes.txt' } });
    expect({ ...(await service.files()), rows: (await service.call(`/${kind}`)).body }).toEqual(before);
  });
});

describe('Idempotency-Key', () => {
  test('replays the answer; another body is refused, another route is another request', async () => {
    const send = (source: string, key: string) => service.post('/models', { source }, { 'idempotency-key': key });
    const first = await send('zoo:idempotent', 'k1');
    const again = await send('zoo:idempotent', 'k1');
    expect(again).toMatchObject({ status: 202, body: first.body });
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    expect(again.headers.get('idempotency-replayed')).toBe('true');
    expectProblem(await send('zoo:other', 'k1'), 422, 'idempotency-mismatch', 'idempotency-key');
    const elsewhere = await service.upload('/datasets', 'nothing', { 'idempotency-key': 'k1' });
    expect(elsewhere.status).toBe(202);
    await service.ended(elsewhere);
  });

  test('holds for uploads, and a request that failed does not use up its key', async () => {
    const send = (bytes: string) => service.upload('/models?name=keyed', bytes, { 'idempotency-key': 'k2' });
    expectProblem(await send(''), 400, 'invalid-request');
    const first = await send('MODEL keyed');
    expect(first.status).toBe(202);
    expect((await send('MODEL keyed')).body).toEqual(first.body);
    expectProblem(await send('MODEL keyed and more'), 422, 'idempotency-mismatch');
    await service.ended(first);
  });

  test('is taken while the first request is under way', async () => {
    let send: (text: string) => void = () => {};
    const body = new ReadableStream<Uint8Array>({
      start: (to) => {
        to.enqueue(new TextEncoder().encode('MODEL '));
        send = (text) => {
          to.enqueue(new TextEncoder().encode(text));
          to.close();
        };
      },
    });
    const headers = { 'idempotency-key': 'k3' };
    const slow = service.call('/models?name=slow', { method: 'POST', body, duplex: 'half', headers } as RequestInit);
    await expect.poll(async () => (await service.upload('/models?name=slow', 'MODEL slow', headers)).status).toBe(409);
    send('slow');
    expect((await slow).status).toBe(202);
    expect((await service.upload('/models?name=slow', 'MODEL slow', headers)).headers.get('idempotency-replayed')).toBe('true');
    await service.ended(await slow);
  });
});

describe('a body over the limit', () => {
  const path = '/datasets?name=huge';
  const datasetBytesMax = limits.datasetBytesMax;
  beforeAll(() => Object.assign(limits, { datasetBytesMax: 1_000_000 }));
  afterAll(() => Object.assign(limits, { datasetBytesMax }));

  test('is refused while it streams in, and leaves nothing', async () => {
    const before = await service.files();
    for (const size of [1_000_001, 30_000_000]) {
      expectProblem(await service.upload(path, new Uint8Array(size)), 413, 'limit-exceeded');
      // The connection can be used again.
      expect((await service.call('/healthz')).status).toBe(200);
    }
    expect(await service.files()).toEqual(before);
  });

  // Not with fetch: it goes on reading a stream whose connection is gone, for as long as there is memory.
  test('without end is cut off', async () => {
    const sending = request(`${service.url}${path}`, { method: 'POST' });
    sending.write(Buffer.alloc(2_000_000));
    const [answer] = (await once(sending, 'response')) as [IncomingMessage];
    expect(answer.statusCode).toBe(413);
    expect(answer.headers.connection).toBe('close');
    expect(JSON.parse(await text(answer))).toMatchObject({ code: 'limit-exceeded' });
    sending.destroy();
  });
});
