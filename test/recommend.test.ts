import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import sharp from 'sharp';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildBackbone } from '../src/backbones/index.ts';
import type { Network } from '../src/core/network/index.ts';
import { createRandom } from '../src/core/random.ts';
import { encodeNetwork } from '../src/formats/network.ts';
import { dataset as datasetSchema, type Dataset } from '../src/schema/datasets.ts';
import { pruning } from '../src/schema/prunings.ts';
import { recommendation, type RankedCandidate, type Recommendation } from '../src/schema/recommendations.ts';
import { startService, type Answer, type Service } from './service.ts';

const SIDE = 32;
const CLASSES = ['checks', 'discs', 'stripes'];
const PER_CLASS = 24;

let service: Service;
let dataset: string;
let datasetBlob: string;
let counts: Dataset['report']['counts'];
/** By name: two that can be ranked, one whose features say nothing, one whose features are not finite. */
const models: Record<string, string> = {};

function pattern(kind: string, index: number): Uint8Array {
  const random = createRandom(100 * CLASSES.indexOf(kind) + index);
  const period = 3 + random.integer(3);
  const insides: Record<string, (x: number, y: number) => boolean> = {
    stripes: (_, y) => y % (2 * period) < period,
    checks: (x, y) => (Math.floor(x / period) + Math.floor(y / period)) % 2 === 0,
    discs: (x, y) => Math.hypot(x - SIDE / 2, y - SIDE / 2) < SIDE / 6 + period,
  };
  return Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, at) => {
    const place = Math.floor(at / 3);
    return (insides[kind](place % SIDE, Math.floor(place / SIDE)) ? 170 : 70) + random.integer(60);
  });
}

/** An archive of patterns, each as folder, kind and number. */
async function archive(files: readonly (readonly [folder: string, kind: string, index: number])[]): Promise<Uint8Array> {
  const tar = pack();
  for (const [folder, kind, index] of files) {
    const png = await sharp(pattern(kind, index), { raw: { width: SIDE, height: SIDE, channels: 3 } })
      .png()
      .toBuffer();
    tar.entry({ name: `${folder}/${index}.png` }, png);
  }
  tar.finalize();
  return buffer(tar);
}

/** A backbone whose every image has the same features. */
function silent(network: Network): Network {
  const weights = new Map([...network.weights].map(([key, { shape, data }]) => [key, { shape, data: data.map(() => 0) }]));
  return { ...network, weights };
}

/** A backbone whose activations leave float32's range. */
function loud(network: Network): Network {
  const weights = new Map([...network.weights].map(([key, { shape, data }]) => [key, { shape, data: data.map((x) => x * 1e18) }]));
  return { ...network, weights };
}

beforeAll(async () => {
  service = await startService();
  const files = CLASSES.flatMap((kind) => Array.from({ length: PER_CLASS }, (_, i) => [kind, kind, i] as const));
  const added = await service.made(await service.upload('/datasets?fileName=patterns.tar&seed=1', await archive(files)), 'dataset');
  dataset = String(added.id);
  datasetBlob = String(added.contentHash);
  ({ counts } = datasetSchema.parse(added).report);
  const build = (seed: number) => buildBackbone('cifar-resnet20', { classNames: ['cat', 'dog'], inputShape: [SIDE, SIDE, 3], seed });
  for (const [name, network] of Object.entries({ first: build(1), second: build(2), silent: silent(build(3)), loud: loud(build(4)) })) {
    const made = await service.made(await service.upload(`/models?name=${name}`, encodeNetwork(network)), 'model');
    models[name] = String(made.id);
  }
}, 120_000);
afterAll(() => service.stop());

const ask = (more: object = {}): Promise<Answer> => service.post('/recommend', { dataset, candidates: Object.values(models), ...more });

const made = async (answer: Answer): Promise<Recommendation> =>
  recommendation.parse(answer.status === 200 ? answer.body : await service.made(answer, 'recommendation'));

const named = ({ ranking }: Recommendation, name: string): RankedCandidate => {
  const found = ranking.find((one) => one.name === name);
  if (!found) throw new Error(`${name} was not ranked`);
  return found;
};

type Event = { type: string; data: Record<string, unknown> };

describe('a first recommendation', () => {
  let first: Recommendation;
  let events: Event[];

  beforeAll(async () => {
    const answer = await ask();
    expect(answer.status).toBe(202);
    first = await made(answer);
    events = (await service.call(`${answer.headers.get('location')}/events?limit=1000`)).body.items as Event[];
  }, 120_000);

  test('ranks those that can be, and names the one that cannot', () => {
    expect(first.ranking.map(({ excluded }) => excluded === null)).toEqual([true, true, false, false]);
    expect(named(first, 'loud').excluded).toMatch(/finite|NaN|Infinity/);
    expect(named(first, 'silent').excluded).toContain('The features are the same for every image.');
    const { scores } = named(first, 'first');
    expect(Object.keys(scores).length).toBeGreaterThan(15);
    for (const id of ['logme', 'knn', 'linear-probe', 'dice-weights', 'dice-activations', 'alignment', 'leep'] as const) {
      expect(scores[id]?.value, id).toBeTypeOf('number');
    }
    expect(first.warnings.join(' ')).not.toContain('undefined');
  });

  test('tells what it will take before it begins, and the best so far on the way', () => {
    const logs = events.filter(({ type }) => type === 'log');
    expect(logs[0].data).toMatchObject({ estimate: { seconds: expect.any(Number), memoryBytes: expect.any(Number) } });
    expect(events.findIndex(({ type }) => type === 'log')).toBeLessThan(
      events.findIndex(({ data }) => String(data.phase).startsWith('score')),
    );
    const told = logs.flatMap(({ data }) => (data.ranking as { name: string }[] | undefined) ?? []);
    expect(told.map(({ name }) => name)).toContain('first');
  });

  test('sees no test image', () => {
    const cached = readdirSync(join(service.store.cacheDir, datasetBlob));
    expect(cached.filter((name) => /^(train|validation)-/.test(name))).toHaveLength(2);
    expect(cached.filter((name) => name.startsWith('test'))).toEqual([]);
    expect(first.images).toBe(counts.train + counts.validation);
  });

  test('says what to prune, by how much and with which recipe', async () => {
    expect(first.pruningCurve?.points[0].ratio).toBe(0);
    expect(first.next.target).toEqual({ ratio: first.pruningCurve?.elbow });
    expect(first.next.fineTune).toMatchObject({ epochs: 100, distill: true });
    expect(first.next.fineTune.horizontalFlip).toBeUndefined();
    const planned = await service.post('/prune', { ...first.next, planOnly: true });
    const { plan } = pruning.parse(planned.status === 200 ? planned.body : await service.made(planned, 'pruning'));
    expect(plan.cost.after.flops).toBeLessThan(plan.cost.before.flops);
  });

  test('answers at once what is known: the same, and other questions about the same', async () => {
    const again = await ask();
    expect({ status: again.status, id: again.body.id }).toEqual({ status: 200, id: first.id });
    const otherwise = await ask({ rankBy: 'dice-weights', scores: ['knn'], constraints: { flopsMax: 1e9, paramsMax: 1e9 } });
    expect(otherwise.status).toBe(200);
    const ranked = recommendation.parse(otherwise.body);
    expect(ranked.id).not.toBe(first.id);
    expect(Object.keys(named(ranked, 'first').scores)).toEqual(['knn']);
    expect(named(ranked, 'first').rankedBy?.value).toBe((named(first, 'first').scores['dice-weights'] ?? { value: null }).value);
    expect(named(ranked, 'first').predictedAccuracy).toEqual(named(first, 'first').predictedAccuracy);
  });
});

test('what does not fit is judged as what pruning makes of it', { timeout: 120_000 }, async () => {
  const flopsMax = 30e6;
  const fitted = await made(await ask({ constraints: { flopsMax } }));
  for (const name of ['first', 'second']) {
    const { pruned, predictedAccuracy, scores } = named(fitted, name);
    expect(pruned?.cost.flops).toBeLessThanOrEqual(flopsMax);
    expect(pruned?.cost.flops).toBeGreaterThan(0.9 * flopsMax);
    expect(pruned?.target).toEqual({ flops: flopsMax });
    expect(pruned?.accuracyBefore).not.toEqual(predictedAccuracy);
    expect(pruned?.scores.knn).not.toEqual(scores.knn);
    expect(pruned?.scores.alignment).toMatchObject({ value: null });
  }
  expect(fitted.next.target).toEqual({ flops: flopsMax });
  expect((await ask({ constraints: { flopsMax }, rankBy: 'knn' })).status).toBe(200);

  const strict = await ask({ constraints: { flopsMax, afterPruning: false } });
  expect(strict).toMatchObject({ status: 422, body: { code: 'target-unreachable', field: 'constraints' } });
  expect(String(strict.body.hint)).toContain('The nearest is');
  const impossible = await service.ended(await ask({ constraints: { flopsMax: 1000 } }));
  expect(impossible.error).toMatchObject({ code: 'target-unreachable', field: 'constraints' });
  expect(`${impossible.error?.detail} ${impossible.error?.hint}`).toContain('cannot be reached');
});

test('verified candidates are fine-tuned in turns, and what came out is learned from', { timeout: 180_000 }, async () => {
  const verified = await made(await ask({ verify: { topK: 2, budget: { epochs: 11 } } }));
  expect(verified.verification).toMatchObject({ epochs: 10, rounds: [{ untilEpoch: 5, dropped: [] }] });
  for (const name of ['first', 'second']) {
    const { verified: found, predictedAccuracy } = named(verified, name);
    expect(found).toMatchObject({ epochs: 5, droppedAfter: null });
    expect(found?.runs[0].history).toHaveLength(5);
    expect(predictedAccuracy?.value).toBe(found?.accuracy.value);
  }
  expect(named(verified, 'silent').verified).toBeNull();
  // The same again is known, though its own results have become part of what is known.
  expect((await ask({ verify: { topK: 2, budget: { epochs: 11 } } })).body.id).toBe(verified.id);
  const rows = service.store.db.query.outcomes.findMany().sync();
  expect(rows.map(({ outcome }) => outcome.backbone).toSorted()).toEqual(['first', 'second']);
  expect(rows[0].outcome.target).toEqual({ id: datasetBlob, classes: 3, images: verified.images });
});

test('with little time those that cannot win are stopped early', { timeout: 120_000 }, async () => {
  const answer = await made(await ask({ seed: 5, budget: { seconds: 1e-3 } }));
  expect(answer.ranking.filter(({ excluded }) => excluded === null)).toHaveLength(1);
  expect(answer.ranking.filter(({ excluded }) => /budget of 0.001 seconds|stopped early/.test(excluded ?? '')).length).toBeGreaterThan(0);
});

const refusals: [string, object, number, string, RegExp][] = [
  ['a starter that there is not', { candidates: ['zoo:nothing-of-the-kind'] }, 404, 'candidates.0', /It has .*vgg-small/],
  ['filters that nothing passes', { filters: { families: ['vgg'] } }, 422, 'filters', /first \(family resnet\)/],
  ['a licence that nothing has', { filters: { licences: ['MIT'] } }, 422, 'filters', /licence unknown/],
  ['a score that there is not', { rankBy: 'best' }, 400, 'rankBy', /./],
  ['a budget of both kinds', { verify: { topK: 2, budget: { epochs: 1, seconds: 1 } } }, 400, 'verify.budget', /./],
  ['no candidate to verify', { verify: { topK: 0, budget: { epochs: 1 } } }, 400, 'verify.topK', /./],
  ['fewer epochs than candidates', { verify: { topK: 3, budget: { epochs: 2 } } }, 400, 'verify.budget.epochs', /at least topK/],
  ['no candidate', { candidates: [] }, 400, 'candidates', /./],
];
test.each(refusals)('%s is refused by name', { timeout: 60_000 }, async (_, more, status, field, hint) => {
  const answer = await ask(more);
  expect(answer).toMatchObject({ status, body: { field } });
  expect(`${answer.body.detail} ${answer.body.hint}`).toMatch(hint);
});

test('a class with one image and duplicates across splits are told of, and the candidates are ranked', { timeout: 120_000 }, async () => {
  const files = [
    ...['checks', 'discs'].flatMap((kind) => [
      ...Array.from({ length: 8 }, (_, i) => [`train/${kind}`, kind, i] as const),
      ...Array.from({ length: 4 }, (_, i) => [`validation/${kind}`, kind, 20 + i] as const),
      // The first of them is a training image.
      ...Array.from({ length: 4 }, (_, i) => [`test/${kind}`, kind, 40 * Math.min(i, 1) + i] as const),
    ]),
    ['train/stripes', 'stripes', 0] as const,
    ['test/stripes', 'stripes', 60] as const,
  ];
  const added = await service.made(await service.upload('/datasets?fileName=rare.tar', await archive(files)), 'dataset');
  const ranked = await made(await service.post('/recommend', { dataset: added.id, candidates: [models.first, models.second] }));
  expect(ranked.warnings.join(' ')).toContain('Class "stripes" has one image to learn from');
  expect(ranked.warnings.join(' ')).toContain('2 images were in two splits');
  expect(ranked.ranking.map(({ excluded }) => excluded)).toEqual([null, null]);
  expect(ranked.next.fineTune).toMatchObject({ classWeights: 'balanced' });
});
