import { afterAll, beforeAll, expect, test } from 'vitest';
import * as make from '../src/core/network/testing.ts';
import type { Network, Node } from '../src/core/network/index.ts';
import { encodeNetwork } from '../src/formats/network.ts';
import { comparison, comparisonPage } from '../src/schema/comparisons.ts';
import { pruning } from '../src/schema/prunings.ts';
import { jobProcesses } from './job-processes.ts';
import { expectProblem, startService, type Service } from './service.ts';
import { SHADES_SIDE, uploadShades } from './shades.ts';

let service: Service;
let datasetId: string;
let modelId: string;

const block = (id: string, from: string, filters: number): Node[] => [
  make.conv(id, from, filters, { stride: 2 }),
  make.norm(`${id}-norm`, id),
  make.relu(`${id}-relu`, `${id}-norm`),
];

function networkOf(seed: number): Network {
  const nodes = [
    make.input([SHADES_SIDE, SHADES_SIDE, 3]),
    ...block('c1', 'input', 12),
    ...block('c2', 'c1-relu', 16),
    ...block('c3', 'c2-relu', 16),
    make.globalAverage('pool', 'c3-relu'),
    make.dense('classes', 'pool', 5),
  ];
  const made = make.withRandomWeights(nodes, seed);
  return { ...made, metadata: { ...made.metadata, classNames: ['a', 'b', 'c', 'd', 'e'] } };
}

const modelOf = async (name: string, seed: number): Promise<string> =>
  String((await service.made(await service.upload(`/models?name=${name}`, encodeNetwork(networkOf(seed))), 'model')).id);

beforeAll(async () => {
  // One thread: only then are two runs the same bit for bit.
  service = await startService({ engine: { backend: undefined, threads: 1 } });
  datasetId = await uploadShades(service);
  modelId = await modelOf('small', 1);
}, 60_000);
afterAll(() => service.stop());

const fineTune = { epochs: 2, batchSize: 16 };

test('criteria side by side from one base, at equal FLOPs and with the same seeds', { timeout: 120_000 }, async () => {
  const request = {
    model: modelId,
    dataset: datasetId,
    criteria: ['dice', { criterion: 'l1', ranking: 'global' }],
    target: { ratio: 0.4 },
    seeds: 2,
    fineTune,
  };
  const answer = await service.post('/compare', request);
  const made = comparison.parse(await service.made(answer, 'comparison'));
  expect(made.rows.map(({ label }) => label)).toEqual(['dice', 'l1 global', 'unpruned']);
  expect(made.headReplaced).toEqual({ from: 5, to: 3 });
  expect(made.transfer?.epochs).toBe(2);
  const [dice, l1, unpruned] = made.rows;
  for (const { cost, runs, proof, plan, testAccuracy } of [dice, l1]) {
    expect(cost.flops).toBeLessThanOrEqual(made.flops);
    expect(cost.flops).toBeGreaterThan(0.9 * made.flops);
    expect(proof).toBeLessThan(1e-4);
    expect(plan?.cost.after.flops).toBe(cost.flops);
    expect(runs.map(({ seed }) => seed)).toEqual([0, 1000]);
    expect(testAccuracy.value).toBeCloseTo((runs[0].testAccuracy + runs[1].testAccuracy) / 2, 12);
    expect(testAccuracy.low).toBeLessThanOrEqual(testAccuracy.value);
  }
  expect(unpruned).toMatchObject({ criterion: null, plan: null });
  expect(unpruned.cost.flops).toBeGreaterThan(made.flops);
  expect(dice.accuracyDifference).toBeNull();
  expect(l1.accuracyDifference?.value).toBeCloseTo(l1.testAccuracy.value - dice.testAccuracy.value, 12);
  expect(['dice', 'l1 global']).toContain(made.chosen);

  // Asked again it is known, and the runs reported themselves.
  expect(await service.post('/compare', request)).toMatchObject({ status: 200, body: { id: made.id } });
  expect(comparisonPage.parse((await service.call('/comparisons')).body).items).toHaveLength(1);
  expect((await service.call(`/comparisons/${made.id}`)).body).toEqual(made);
  const { items } = (await service.call(`${answer.headers.get('location')}/events?limit=1000`)).body as {
    items: { type: string; data: { message?: string } }[];
  };
  expect(items.filter(({ data }) => /seed 2 of 2: .* % of the validation images/.test(data.message ?? ''))).toHaveLength(3);

  // The chosen one can be made at once.
  expect((await service.post('/prune', { ...made.next, planOnly: true })).status).toBeLessThan(300);
});

test('the same plan on the same model gives the same bytes, and is refused on another', { timeout: 120_000 }, async () => {
  const request = { model: modelId, dataset: datasetId, fineTune, seed: 3 };
  const first = pruning.parse(await service.made(await service.post('/prune', { ...request, target: { flops: 60_000 } }), 'pruning'));
  const { seed: _, ...unseeded } = request;
  const replayed = pruning.parse(await service.made(await service.post('/prune', { ...unseeded, plan: first.plan }), 'pruning'));
  expect(replayed.id).not.toBe(first.id);
  expect(replayed.report?.hashes.artifact).toBe(first.report?.hashes.artifact);
  expect(replayed.report?.seed).toBe(3);
  expect(replayed.plan.groups).toEqual(first.plan.groups);
  expect(replayed.plan.cost).toEqual(first.plan.cost);

  const other = await modelOf('other', 2);
  const refused = await service.post('/prune', { ...request, model: other, plan: first.plan });
  expectProblem(refused, 400, 'invalid-request', 'plan.modelHash');
  expect(refused.body.detail).toContain(first.plan.modelHash);
  expectProblem(await service.post('/prune', { ...request, plan: first.plan, target: { ratio: 0.3 } }), 400, 'invalid-request', 'target');
});

test('a killed comparison goes on with the runs that it has not finished', { timeout: 120_000 }, async () => {
  const request = {
    model: modelId,
    dataset: datasetId,
    criteria: ['l1', 'random'],
    target: { flops: 60_000 },
    seeds: 2,
    fineTune: { epochs: 12, batchSize: 8 },
  };
  const answer = await service.post('/compare', request);
  const path = answer.headers.get('location') ?? '';
  const finished = async (): Promise<string[]> => {
    const { items } = (await service.call(`${path}/events?limit=1000`)).body as { items: { data: { message?: string } }[] };
    return items.flatMap(({ data: { message = '' } }) => (message.includes('of the validation images') ? [message] : []));
  };
  while ((await finished()).length < 2) await new Promise((resolve) => setTimeout(resolve, 20));
  const [running] = jobProcesses();
  process.kill(running, 'SIGKILL');
  const made = comparison.parse(await service.made(answer, 'comparison'));
  expect((await service.call(path)).body).toMatchObject({ state: 'succeeded', attempt: 2 });
  const told = await finished();
  // What was kept is told again, with the same result, and not run again.
  expect(told.slice(2, 4)).toEqual(told.slice(0, 2));
  expect(made.rows.map(({ runs }) => runs.length)).toEqual([2, 2, 2]);
});

test.each([
  ['a criterion that is not there', { criteria: ['dise'] }, 'unknown-criterion', 'criterion'],
  ['a criterion twice', { criteria: ['l1', 'l1'] }, 'invalid-request', 'criteria.1'],
  ['a target of latency', { target: { latencyMs: 1 } }, 'invalid-request', 'target'],
  ['no seed', { seeds: 0 }, 'invalid-request', 'seeds'],
  ['no criterion', { criteria: [] }, 'invalid-request', 'criteria'],
])('%s is refused at once', async (_, change, code, field) => {
  const answer = await service.post('/compare', { model: modelId, dataset: datasetId, target: { ratio: 0.4 }, ...change });
  expectProblem(answer, 400, code, field);
});

test.each([
  ['more FLOPs than there are', { target: { flops: 1e9 } }, 'invalid-request', 'target.flops'],
  ['fewer FLOPs than can be', { target: { flops: 10 } }, 'target-unreachable', 'target.flops'],
  [
    'a source for a criterion that compares nothing',
    { criteria: [{ criterion: 'l1', source: 'activations' }] },
    'invalid-request',
    'source',
  ],
])('%s are refused before anything is trained', async (_, change, code, field) => {
  const request = { model: modelId, dataset: datasetId, target: { ratio: 0.4 }, ...change };
  expect((await service.ended(await service.post('/compare', request))).error).toMatchObject({ code, field });
});
