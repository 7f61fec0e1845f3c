import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { diversitySeries } from '../src/schema/diversity.ts';
import { profile, profileComparison, similarityMatrix } from '../src/schema/profiles.ts';
import { expectProblem, fakeChild, startService, type Service } from './service.ts';

let service: Service;
let datasetId: string;
let base: string;
let artifact: string;
let baseProfile: string;

beforeAll(async () => {
  service = await startService({ entry: fakeChild });
  datasetId = String((await service.made(await service.upload('/datasets?fileName=pets.zip', 'DATASET pets'), 'dataset')).id);
  const made = await service.made(await service.post('/models', { source: 'zoo:lineage' }), 'model');
  [base, baseProfile] = [String(made.id), String(made.profileId)];
  const pruned = await service.ended(await service.post('/prune', { model: base, dataset: datasetId, target: { ratio: 0.5 } }));
  artifact = String(pruned.result?.artifact).replace('/models/', '');
  await service.made(await service.post('/models', { source: 'zoo:stranger' }), 'model');
});
afterAll(() => service.stop());

describe('the similarity matrix of a layer', () => {
  const path = (query = '') => `/profiles/${baseProfile}/layers/block%2Fconv/matrix${query}`;
  const as = (accept: string, query = '') => service.call(path(query), { headers: { accept } });

  test('as JSON, in the order of kernels or of likeness', async () => {
    expect(similarityMatrix.parse((await service.call(path())).body)).toEqual({
      profile: baseProfile,
      layer: 'block/conv',
      order: [0, 1, 2],
      similarity: [
        [1, 0.5, 0.25],
        [0.5, 1, 0.75],
        [0.25, 0.75, 1],
      ],
    });
    // 1 and 2 join first, then 0 with both.
    expect(similarityMatrix.parse((await as('application/json', '?order=cluster')).body).order).toEqual([0, 1, 2]);
  });

  test('as float32, as bytes and as a picture, by Accept', async () => {
    const floats = await as('application/octet-stream');
    expect(floats.headers.get('content-type')).toBe('application/octet-stream');
    expect([...new Float32Array(Uint8Array.from(floats.bytes).buffer)]).toEqual([1, 0.5, 0.25, 0.5, 1, 0.75, 0.25, 0.75, 1]);
    const bytes = await as('image/*;q=0.1, application/vnd.espalier.u8');
    expect([...bytes.bytes]).toEqual([255, 128, 64, 128, 255, 191, 64, 191, 255]);
    const picture = await as('image/*');
    expect(picture.headers.get('content-type')).toBe('image/png');
    const { data, info } = await sharp(picture.bytes).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).toEqual([258, 258]);
    const pixel = (x: number, y: number) => [...data.subarray((y * 258 + x) * info.channels, (y * 258 + x) * info.channels + 3)];
    expect([pixel(0, 257), pixel(100, 257), pixel(257, 257)]).toEqual([
      [24, 18, 66],
      [248, 230, 60],
      [248, 230, 60],
    ]);
  });

  test('is known again by its tag, one for each representation', async () => {
    const first = await as('application/json');
    const tag = first.headers.get('etag') ?? '';
    expect(first.headers.get('vary')).toContain('accept');
    expect(await service.call(path(), { headers: { 'if-none-match': tag } })).toMatchObject({ status: 304, text: '' });
    for (const other of [as('image/png'), as('application/octet-stream'), as('application/json', '?order=cluster')]) {
      expect((await other).headers.get('etag')).not.toBe(tag);
    }
  });

  test('says what is not there', async () => {
    const at = (layer: string) => service.call(`/profiles/${baseProfile}/layers/${layer}/matrix`);
    expectProblem(await at('nowhere'), 404, 'not-found', 'layer');
    const lone = await at('lone');
    expectProblem(lone, 404, 'not-found', 'layer');
    expect(lone.text).toContain('One kernel');
    expectProblem(await as('text/csv'), 406, 'not-acceptable', 'accept');
    expectProblem(await as('application/json', '?order=colour'), 400, 'invalid-request', 'order');
    expectProblem(await service.call(`/profiles/prf_${'0'.repeat(26)}/layers/lone/matrix`), 404, 'not-found', 'id');
  });
});

describe('profiles', () => {
  test('a model of the same weights under another name has the profile already', async () => {
    const request = { source: 'activations', dataset: datasetId, seed: 4 };
    const made = profile.parse(await service.made(await service.post('/profiles', { model: base, ...request }), 'profile'));
    const twin = await service.post('/profiles', { model: artifact, ...request });
    expect(twin.status).toBe(200);
    const copy = profile.parse(twin.body);
    expect(copy).toEqual({ ...made, id: copy.id, model: artifact, createdAt: copy.createdAt });
    expect(copy.id).not.toBe(made.id);
  });

  test('the fast precision is another profile than the exact one', async () => {
    expect((await service.post('/profiles', { model: base, precision: 'exact' })).status).toBe(200);
    const fast = await service.post('/profiles', { model: base, precision: 'fast' });
    expect(fast.status).toBe(202);
    await service.ended(fast);
    expectProblem(await service.post('/profiles', { model: base, precision: 'half' }), 400, 'invalid-request', 'precision');
  });

  test('two stand side by side, but not weights beside activations', async () => {
    const pruned = String((await service.call(`/models/${artifact}`)).body.profileId);
    const compared = profileComparison.parse((await service.call(`/profiles/${pruned}/comparison?against=${baseProfile}`)).body);
    expect(compared).toMatchObject({ before: { model: base }, after: { model: artifact }, difference: 0, pairedBy: 'name' });
    expect(compared.layers.map(({ before, after }) => [before?.layer, after?.layer])).toEqual([
      ['lone', 'lone'],
      ['block/conv', 'block/conv'],
    ]);
    const activations = await service.post('/profiles', { model: base, source: 'activations', dataset: datasetId, seed: 9 });
    const other = (await service.ended(activations)).result?.profile.replace('/profiles/', '');
    expectProblem(await service.call(`/profiles/${pruned}/comparison?against=${other}`), 400, 'invalid-request', 'against');
    expectProblem(await service.call(`/profiles/${pruned}/comparison`), 400, 'invalid-request', 'against');
  });
});

describe('diversity', () => {
  const series = async (query: string) => diversitySeries.parse((await service.call(`/diversity?${query}`)).body);

  test('shows a lineage, its root and how far from it each model is', async () => {
    const { items } = await series(`lineage=${artifact}&source=weights`);
    const first = items.filter(({ profile: id }, at) => items.findIndex((other) => other.model === items[at].model) === at && id);
    expect(first.map(({ model, root, generation }) => [model, root, generation])).toEqual([
      [base, base, 0],
      [artifact, base, 1],
    ]);
    const all = (await series('source=weights')).items;
    expect(new Set(all.map(({ root }) => root)).size).toBe(2);
    expect((await series(`model=${artifact}&source=weights`)).items.every(({ model }) => model === artifact)).toBe(true);
    expect((await series(`until=${all[0].at}&lineage=${base}`)).items).toEqual([]);
    expect((await series(`since=${all[0].at}`)).items.length).toBeGreaterThanOrEqual(all.length);
  });

  test('goes by layer, one or all, with null where one kernel has no diversity', async () => {
    const one = await series(`model=${base}&source=weights&layer=block/conv`);
    expect(one.items[0]).toMatchObject({ layer: 'block/conv', kernels: 3, diversity: 0.5, redundantShare: 0 });
    const [lone, conv] = (await series(`model=${base}&layer=*`)).items;
    expect(lone).toMatchObject({ layer: 'lone', kernels: 1, diversity: null, diversityExcess: null });
    expect(conv).toEqual(one.items[0]);
    expect((await series('layer=nowhere')).items).toEqual([]);
  });

  test('pages lose nothing, whole models and layers alike', async () => {
    for (const layer of ['', '&layer=*', '&layer=lone']) {
      const whole = (await series(`limit=1000${layer}`)).items;
      const paged: typeof whole = [];
      for (let after = ''; ;) {
        const page = await series(`limit=1${layer}${after}`);
        paged.push(...page.items);
        if (page.next === null) break;
        after = `&after=${page.next}`;
      }
      expect(paged).toEqual(whole);
    }
    expectProblem(await service.call('/diversity?after=me'), 400, 'invalid-request', 'after');
    expectProblem(await service.call(`/diversity?lineage=mdl_${'0'.repeat(26)}`), 404, 'not-found', 'lineage');
  });
});
