import { afterAll, beforeAll, expect, test } from 'vitest';
import * as make from '../src/core/network/testing.ts';
import { encodeNetwork } from '../src/formats/network.ts';
import { pruning } from '../src/schema/prunings.ts';
import { uploadShades } from './shades.ts';
import { expectProblem, startService, type Service } from './service.ts';

let service: Service;
let datasetId: string;
let modelId: string;

beforeAll(async () => {
  service = await startService({ engine: { backend: undefined, threads: 1 } });
  datasetId = await uploadShades(service);
  const network = make.withRandomWeights([
    make.input([16, 16, 3]),
    make.conv('c1', 'input', 12),
    make.relu('c1-relu', 'c1'),
    make.conv('c2', 'c1-relu', 12),
    make.add('sum', 'c1-relu', 'c2'),
    make.conv('c3', 'sum', 8, { useBias: true }),
    make.globalAverage('pool', 'c3'),
    make.dense('classes', 'pool', 5),
  ]);
  modelId = String((await service.made(await service.upload('/models?name=small', encodeNetwork(network)), 'model')).id);
}, 60_000);
afterAll(() => service.stop());

const plan = (change: object) =>
  service.post('/prune', { model: modelId, dataset: datasetId, criterion: 'l1', target: { ratio: 0.4 }, planOnly: true, ...change });

test.each(['l1', 'group-norm', 'lamp', 'random', 'dice', 'fpgm'])(
  'a plan by %s is answered at once, and known from then on',
  async (criterion) => {
    const jobs = (await service.call('/jobs')).body.items;
    const answer = await plan({ criterion, seed: 7 });
    expect(answer.status).toBe(200);
    const made = pruning.parse(answer.body);
    expect(made).toMatchObject({ artifact: null, report: null });
    expect(made.plan.groups.map(({ id, removed }) => [id, removed.length])).toEqual([
      ['c1', 4],
      ['c3', 3],
    ]);
    expect(made.plan.cost.after.flops).toBeLessThan(made.plan.cost.before.flops);
    expect(made.plan.estimate?.seconds).toBeGreaterThan(0);
    expect((await plan({ criterion, seed: 7 })).body).toEqual(answer.body);
    expect((await service.call(`/prunings/${made.id}`)).body).toEqual(answer.body);
    // No process was started for it.
    expect((await service.call('/jobs')).body.items).toEqual(jobs);
  },
);

test('a plan that looks at images is a job', { timeout: 60_000 }, async () => {
  const answer = await plan({ criterion: 'hrank' });
  // The request waited for it.
  expect(answer.status).toBe(200);
  const { items } = (await service.call('/jobs?kind=prune')).body as { items: { kind: string }[] };
  expect(items).toHaveLength(1);
});

/** Issue by issue what a caller can get wrong: each says the field and what can be had. */
const refusals: [string, object, string, string, RegExp][] = [
  ['fewer FLOPs than can be', { target: { flops: 10 } }, 'target-unreachable', 'target.flops', /smallest possible is \d+/],
  ['fewer parameters than can be', { target: { params: 1 } }, 'target-unreachable', 'target.params', /smallest possible is \d+/],
  ['fewer bytes than can be', { target: { bytes: 1 } }, 'target-unreachable', 'target.bytes', /smallest possible is \d+/],
  ['more FLOPs than there are', { target: { flops: 1e12 } }, 'invalid-request', 'target.flops', /already/],
  ['a layer that is not there', { protect: ['c9'] }, 'invalid-request', 'protect', /No layer is called "c9"/],
  ['every layer protected', { protect: ['*'] }, 'target-unreachable', 'target', /No channel/],
  ['a source for what compares nothing', { source: 'activations' }, 'invalid-request', 'source', /compares nothing/],
  ['a ratio for a layer that is not there', { target: { ratio: 0.3, byLayer: { c9: 0.5 } } }, 'invalid-request', 'target.byLayer.c9', /c9/],
  [
    'accuracy of classes that it does not know',
    { target: { accuracyDropMax: 0.1 } },
    'invalid-request',
    'target',
    /does not know these classes/,
  ],
];

test.each(refusals)('%s is refused', { timeout: 60_000 }, async (_, change, code, field, words) => {
  const answer = await plan(change);
  expectProblem(answer, code === 'target-unreachable' ? 422 : 400, code, field);
  expect(answer.body.detail).toMatch(words);
  expect(answer.body.hint).toBeTypeOf('string');
});

test('a protected layer keeps all that are coupled to it, and says so', async () => {
  const { skipped } = pruning.parse((await plan({ protect: ['c2'] })).body).plan;
  const held = skipped.find(({ id }) => id === 'c1');
  expect(held).toEqual({
    id: 'c1',
    producers: ['c1', 'c2'],
    reason: `Layer "c2" is protected, and the group's channels are coupled to it.`,
  });
});

test('a group that would be emptied is kept at minChannels', async () => {
  const { groups, notes } = pruning.parse((await plan({ target: { ratio: 0.99 }, minChannels: 3 })).body).plan;
  expect(groups.map(({ id, kept }) => [id, kept.length])).toEqual([
    ['c1', 3],
    ['c3', 3],
  ]);
  expect(notes.join(' ')).toContain('its width rules hold them');
});

test('a plan of another model is refused by its hash, and one that does not fit by its group', async () => {
  const made = pruning.parse((await plan({})).body).plan;
  const replay = (change: object) => plan({ target: undefined, plan: { ...made, ...change } });
  expect((await replay({})).status).toBe(200);
  expectProblem(await replay({ modelHash: 'f'.repeat(64) }), 400, 'invalid-request', 'plan.modelHash');
  expectProblem(await replay({ groups: [{ id: 'c9', channels: 4, removed: [1] }] }), 400, 'invalid-request', 'plan');
  expectProblem(await replay({ groups: [{ ...made.groups[0], removed: [99] }] }), 400, 'invalid-request', 'plan');
  expectProblem(await replay({ groups: 'all' }), 400, 'invalid-request', 'plan.groups');
});
