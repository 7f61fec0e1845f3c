import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { comparison } from '../src/schema/comparisons.ts';
import { dataset, datasetPage, samples } from '../src/schema/datasets.ts';
import { evaluation, prediction } from '../src/schema/evaluations.ts';
import { job, jobEventPage, jobPage } from '../src/schema/jobs.ts';
import { model, modelPage } from '../src/schema/models.ts';
import { profile } from '../src/schema/profiles.ts';
import { pruning, pruningPage } from '../src/schema/prunings.ts';
import { recommendation } from '../src/schema/recommendations.ts';
import { expectProblem, fakeChild, registerPets, startService, type Service } from './service.ts';

let service: Service;
let modelId: string;
let datasetId: string;

beforeAll(async () => {
  service = await startService({ entry: fakeChild });
  ({ modelId, datasetId } = await registerPets(service));
});
afterAll(() => service.stop());

describe('models', () => {
  test('an upload becomes a model with its weight profile; the same content again is answered at once', async () => {
    const made = model.parse(await service.made(await service.upload('/models?fileName=cnn.zip', 'MODEL cnn'), 'model'));
    expect(made).toMatchObject({ name: 'cnn.zip', parentId: null, weightDiversity: 0.4 });
    expect(profile.parse((await service.call(`/profiles/${made.profileId}`)).body).model).toBe(made.id);
    const before = await service.files();

    const again = await service.upload('/models?fileName=other-name.zip', 'MODEL cnn');
    expect(again.status).toBe(200);
    expect(again.body).toEqual(made);
    expect(await service.files()).toEqual(before);

    const twice = await Promise.all([1, 2].map(() => service.upload('/models', 'MODEL twice')));
    const [one, two] = await Promise.all(twice.map((answer) => service.made(answer, 'model')));
    expect(one).toEqual(two);

    const renamed = await service.upload('/models?name=mine', 'MODEL cnn');
    expect((await service.made(renamed, 'model')).name).toBe('mine');
  });

  test('pages go from the newest to the oldest and lose none', async () => {
    const seen: string[] = [];
    for (let after = ''; ;) {
      const page = modelPage.parse((await service.call(`/models?limit=1${after}`)).body);
      seen.push(...page.items.map(({ id }) => id));
      if (page.next === null) break;
      after = `&after=${page.next}`;
    }
    const whole = modelPage.parse((await service.call('/models')).body);
    expect(seen).toEqual(whole.items.map(({ id }) => id));
    expect(seen.toSorted().toReversed()).toEqual(seen);
    expect(seen).toContain(modelId);
  });

  test('content has an ETag, answers conditions and ranges, and never moves', async () => {
    const path = `/models/${modelId}/content`;
    const whole = await service.call(path);
    expect(whole).toMatchObject({ status: 200, text: '0123456789 tfjs of one' });
    expect(whole.headers.get('content-disposition')).toContain('one.zip');
    const etag = whole.headers.get('etag') ?? '';
    const range = (value: string, headers = {}) => service.call(path, { headers: { range: value, ...headers } });

    expect(await range('bytes=3-5')).toMatchObject({ status: 206, text: '345' });
    expect((await range('bytes=3-5')).headers.get('content-range')).toBe('bytes 3-5/22');
    expect(await range('bytes=-3')).toMatchObject({ status: 206, text: 'one' });
    expect(await range('bytes=19-')).toMatchObject({ status: 206, text: 'one' });
    expect(await range('bytes=19-999')).toMatchObject({ status: 206, text: 'one' });
    expect(await range('bytes=22-')).toMatchObject({ status: 416, text: '' });
    expect(await range('bytes=0-1,4-5')).toMatchObject({ status: 200 });
    expect(await range('bytes=3-5', { 'if-range': etag })).toMatchObject({ status: 206 });
    expect(await range('bytes=3-5', { 'if-range': '"other"' })).toMatchObject({ status: 200 });
    expect(await service.call(path, { headers: { 'if-none-match': `"x", W/${etag}` } })).toMatchObject({ status: 304, text: '' });
    const head = await service.call(path, { method: 'HEAD' });
    expect([head.status, head.text, head.headers.get('content-length')]).toEqual([200, '', '22']);
  });

  test('deleting removes rows and files, but not while an artifact needs it', async () => {
    const parent = String((await service.made(await service.post('/models', { source: 'zoo:doomed' }), 'model')).id);
    const before = await service.files();
    const request = { model: parent, dataset: datasetId, target: { ratio: 0.3 } };
    const made = pruning.parse(await service.made(await service.post('/prune', request), 'pruning'));
    const artifact = model.parse((await service.call(`/models/${made.artifact}`)).body);
    expect(artifact.parentId).toBe(parent);

    expectProblem(await service.call(`/models/${parent}`, { method: 'DELETE' }), 409, 'conflict');
    expect((await service.call(`/models/${artifact.id}`, { method: 'DELETE' })).status).toBe(204);
    expect(await service.files()).toEqual(before);
    expect(pruning.parse((await service.call(`/prunings/${made.id}`)).body).artifact).toBeNull();
    expect((await service.call(`/models/${parent}`, { method: 'DELETE' })).status).toBe(204);
    expectProblem(await service.call(`/models/${parent}`), 404, 'not-found', 'id');
    expect((await service.files()).blobs).toHaveLength(before.blobs.length - 2);
  });
});

describe('datasets', () => {
  test('an archive becomes a dataset with samples; the same again is answered at once', async () => {
    const made = dataset.parse((await service.call(`/datasets/${datasetId}`)).body);
    expect(made.name).toBe('pets');
    expect(datasetPage.parse((await service.call('/datasets')).body).items).toEqual([made]);
    expect(await service.upload('/datasets', 'DATASET pets')).toMatchObject({ status: 200, body: made });
    const shown = async (query: string) =>
      samples.parse((await service.call(`/datasets/${datasetId}/samples?${query}`)).body).items.map(({ data }) => atob(data));
    expect(await shown('')).toEqual(['a0', 'b2', 'a1', 'b3']);
    expect(await shown('limit=2')).toEqual(['a0', 'b2']);
    expect(await shown('class=b')).toEqual(['b2', 'b3']);
    expect(await shown('split=test')).toEqual([]);
    expectProblem(await service.call(`/datasets/${datasetId}/samples?class=zebra`), 404, 'not-found', 'class');
  });

  test('other options make another dataset, and deleting it leaves the first whole', async () => {
    const other = await service.made(await service.upload('/datasets?seed=5&exclude=b,%20c', 'DATASET pets'), 'dataset');
    expect(other.id).not.toBe(datasetId);
    expect((await service.call(`/datasets/${other.id}`, { method: 'DELETE' })).status).toBe(204);
    expect((await service.call(`/datasets/${datasetId}/samples`)).status).toBe(200);
  });
});

describe('asked twice, computed once', () => {
  const cases = [
    { path: '/profiles', link: 'profile', schema: profile, request: () => ({ model: modelId, source: 'activations', dataset: datasetId }) },
    { path: '/recommend', link: 'recommendation', schema: recommendation, request: () => ({ dataset: datasetId, candidates: [modelId] }) },
    { path: '/evaluate', link: 'evaluation', schema: evaluation, request: () => ({ model: modelId, dataset: datasetId }) },
    { path: '/prune', link: 'pruning', schema: pruning, request: () => ({ model: modelId, dataset: datasetId, target: { flops: 9 } }) },
    {
      path: '/compare',
      link: 'comparison',
      schema: comparison,
      request: () => ({ model: modelId, dataset: datasetId, target: { flops: 9 }, seeds: 1 }),
    },
  ];
  test.each(cases)('$path', async ({ path, link, schema, request }) => {
    const first = await service.post(path, request());
    expect(first.status).toBe(202);
    expect(job.parse(first.body).id).toBe(first.headers.get('location')?.replace('/jobs/', ''));
    const made = schema.parse(await service.made(first, link));
    const second = await service.post(path, request());
    expect(second.status).toBe(200);
    expect(schema.parse(second.body)).toEqual(made);
  });

  test('the weight profile of a model is there from the start', async () => {
    expect(await service.post('/profiles', { model: modelId })).toMatchObject({ status: 200, body: { source: 'weights', seed: 0 } });
  });

  test('a named candidate brings its profile along, and the answer says what to prune', async () => {
    const made = recommendation.parse(
      await service.made(await service.post('/recommend', { dataset: datasetId, candidates: [modelId], seed: 1 }), 'recommendation'),
    );
    expect(made.warnings).toEqual(['diversity 0.4']);
    const next = await service.post('/prune', { ...made.next, planOnly: true });
    expect(next.status).toBe(200);
    expect(pruning.parse(next.body)).toMatchObject({ artifact: null, report: null, parent: made.chosen });
    expect(pruningPage.parse((await service.call('/prunings?limit=1')).body).items[0]).toEqual(next.body);
  });

  test('without candidates they are the starter backbones, which are imported on the way', async () => {
    const first = recommendation.parse(await service.made(await service.post('/recommend', { dataset: datasetId }), 'recommendation'));
    expect(first.warnings.length).toBeGreaterThan(1);
    expect(first.warnings[0]).toMatch('to be imported');
    const { name, format } = model.parse((await service.call(`/models/${first.chosen}`)).body);
    expect({ format, warning: first.warnings[0] }).toEqual({ format: 'zoo', warning: `to be imported: ${name}` });
    expect(first.next.model).toBe(first.chosen);
    // Named one by one, as models or as starters, they are the same question.
    const again = await service.post('/recommend', { dataset: datasetId, candidates: [`zoo:${name}`, 'zoo:*', first.chosen] });
    expect({ status: again.status, id: again.body.id }).toEqual({ status: 200, id: first.id });
    expect(await service.post('/models', { source: `zoo:${name}` })).toMatchObject({ status: 200, body: { id: first.chosen } });
  });

  test('what was verified is learned from, unless it is not to be', async () => {
    const asked = { dataset: datasetId, candidates: [modelId] };
    const made = async (more: object): Promise<string> => {
      const answer = await service.post('/recommend', { ...asked, ...more });
      return recommendation.parse(answer.status === 200 ? answer.body : await service.made(answer, 'recommendation')).predictedBy;
    };
    // The stub's outcome took topK epochs: four say too little, nine replace them.
    expect(await made({ seed: 2, verify: { topK: 4, budget: { epochs: 9 } } })).toBe('0 outcomes');
    expect(await made({ seed: 3 })).toBe('0 outcomes');
    expect(await made({ seed: 4, verify: { topK: 9, budget: { epochs: 9 } } })).toBe('0 outcomes');
    expect(await made({ seed: 3 })).toBe('1 outcomes');
    expect(await made({ seed: 5, verify: { topK: 4, budget: { epochs: 9 } } })).toBe('1 outcomes');
    expect(await made({ seed: 6 })).toBe('1 outcomes');
    expect(await made({ seed: 3, usePrior: false })).toBe('0 outcomes');
  });
});

describe('predict', () => {
  test('one image as the body, several as a form; nothing of them is kept', async () => {
    const before = await service.files();
    const one = await service.upload(`/models/${modelId}/predict?fileName=cat.png`, 'IMAGE 1');
    expect(one.status).toBe(200);
    expect(prediction.parse(one.body).items).toEqual([{ file: 'cat.png', classes: [{ name: 'IMAGE 1', probability: 1 }] }]);
    const form = new FormData();
    for (const name of ['x', 'y']) form.append('image', new File([`IMAGE ${name}`], `${name}.png`));
    const several = await service.call(`/models/${modelId}/predict`, { method: 'POST', body: form });
    expect(prediction.parse(several.body).items.map(({ file }) => file)).toEqual(['x.png', 'y.png']);
    const [latest] = jobPage.parse((await service.call('/jobs?kind=predict&limit=1')).body).items;
    expect((await service.call(latest.result?.prediction ?? '')).body).toEqual(several.body);
    expect(await service.files()).toEqual(before);
  });
});

describe('jobs', () => {
  test('events as pages and as a stream that ends with the job and can be taken up again', async () => {
    const answer = await service.post('/models', { source: 'zoo:streamed' });
    const path = `${answer.headers.get('location')}/events`;
    const stream = (headers = {}) => service.call(path, { headers: { accept: 'text/event-stream', ...headers } });
    const whole = await stream();
    expect(whole.headers.get('content-type')).toContain('text/event-stream');
    const ids = [...whole.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
    const types = [...whole.text.matchAll(/^event: (\w+)$/gm)].map(([, type]) => type);
    expect([types[0], types[1], types.at(-1)]).toEqual(['queued', 'started', 'succeeded']);
    const page = jobEventPage.parse((await service.call(path)).body);
    expect(page.items.map(({ seq }) => seq)).toEqual(ids);
    expect(jobEventPage.parse((await service.call(`${path}?after=1&limit=1`)).body)).toEqual({
      items: [page.items[1]],
      next: page.items[1].seq,
    });
    const rest = await stream({ 'last-event-id': String(ids[1]) });
    expect([...rest.text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id))).toEqual(ids.slice(2));
    expect((await stream({ 'last-event-id': String(ids.at(-1)) })).status).toBe(204);
  });

  test('a running job is cancelled, holds its model and dataset until then, and leaves nothing', async () => {
    const before = await service.files();
    const slow = await service.post('/prune', { model: modelId, dataset: datasetId, target: { ratio: 0.5 }, seed: 77 });
    const path = slow.headers.get('location') ?? '';
    expectProblem(await service.call(`/models/${modelId}`, { method: 'DELETE' }), 409, 'conflict');
    expectProblem(await service.call(`/datasets/${datasetId}`, { method: 'DELETE' }), 409, 'conflict');
    expect((await service.call(`${path}/cancel`, { method: 'POST' })).status).toBe(200);
    expect(await service.ended(slow)).toMatchObject({ state: 'cancelled', result: null });
    expect((await service.call(`${path}/cancel`, { method: 'POST' })).body.state).toBe('cancelled');
    expect(await service.files()).toEqual(before);
    expect((await service.call('/jobs?state=cancelled')).body.items).toHaveLength(1);
  });
});

describe('service', () => {
  test('health, readiness and figures', async () => {
    expect((await service.call('/healthz')).body).toEqual({ status: 'ok' });
    expect((await service.call('/readyz')).body).toMatchObject({
      status: 'ready',
      engine: { backend: 'cpu', reason: 'a test' },
      downloads: false,
    });
    const { text } = await service.call('/metrics');
    expect(text).toMatch(/espalier_http_request_duration_seconds_count\{method="GET",route="\/models\/:id",status="404"\} [1-9]/);
    expect(text).toMatch(/espalier_jobs\{state="cancelled"\} 1/);
    expect(text).toMatch(/espalier_queue_depth \d/);
    expect(text).not.toContain(modelId);
  });

  test('the contract is served, and a page to read it that loads nothing from elsewhere', async () => {
    expect(await service.call('/openapi.json')).toMatchObject({ status: 200, body: { openapi: '3.1.0' } });
    const page = await service.call('/docs');
    expect(page.text).toContain('POST /prune');
    expect(page.text).not.toMatch(/(src|href)="https?:/);
  });

  test('a request id that is sent comes back', async () => {
    expect((await service.call('/healthz', { headers: { 'x-request-id': 'mine-1' } })).headers.get('x-request-id')).toBe('mine-1');
  });
});
