import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { buildBackbone } from '../src/backbones/index.ts';
import { networkHash } from '../src/formats/network.ts';
import { writeSafetensorsModel } from '../src/formats/models/index.ts';
import { parseSafetensors, writeSafetensors } from '../src/formats/models/safetensors.ts';
import { type FakeHub, startFakeHub } from '../src/hub/fake-hub.ts';
import { model } from '../src/schema/models.ts';
import { expectProblem, startService, type Service } from './service.ts';

// Models of a hub, through the whole service: the job process downloads from a hub on this machine.

const COMMIT = 'c0ffee0000000000000000000000000000000001';
const LATER = 'c0ffee0000000000000000000000000000000002';
const TOKEN = 'hf_of_the_service';

const network = buildBackbone('cifar-resnet20', { classes: 3, seed: 1 });
/** As a training with PyTorch leaves it: names and values, and nothing of ours. */
const weights = writeSafetensors(parseSafetensors(writeSafetensorsModel(network), 'it').tensors, { format: 'pt' });
const config = {
  architecture: 'cifar-resnet20',
  num_classes: 3,
  label_names: ['cat', 'dog', 'eel'],
  pretrained_cfg: {
    input_size: [3, 40, 40],
    mean: [0.5, 0.25, 0.125],
    std: [0.5, 0.5, 0.5],
    interpolation: 'bilinear',
    crop_pct: 0.875,
    license: 'mit',
  },
};

let hub: FakeHub;
let service: Service;
beforeAll(async () => {
  hub = await startFakeHub();
  service = await startService({ hub: { downloads: true, endpoint: hub.url, token: TOKEN } });
});
afterAll(async () => {
  await service.stop();
  await hub.close();
});
beforeEach(() => {
  hub.asked.length = 0;
  hub.repositories.set('timm/small', {
    commit: COMMIT,
    files: { 'config.json': Buffer.from(JSON.stringify(config)), 'pytorch_model.bin': Buffer.from('no'), 'model.safetensors': weights },
    tags: ['image-classification', 'license:apache-2.0'],
  });
});

const ask = (source: string, more: object = {}) => service.post('/models', { source, ...more });
const logged = async (path: string): Promise<string[]> => {
  const { items } = (await service.call(`${path}/events`)).body as { items: { type: string; data: { message?: string } }[] };
  return items.flatMap(({ type, data }) => (type === 'log' && data.message !== undefined ? [data.message] : []));
};

describe('a model of a hub', () => {
  test('comes with what its config.json tells, and is answered without a download the next time', async () => {
    const first = await ask('hf:timm/small');
    const made = model.parse(await service.made(first, 'model'));
    expect(made).toMatchObject({
      name: 'small',
      architecture: 'cifar-resnet20',
      format: 'safetensors',
      classNames: ['cat', 'dog', 'eel'],
      inputShape: [40, 40, 3],
      licence: 'apache-2.0',
      origin: `hf:timm/small/model.safetensors@${COMMIT}`,
      contentHash: networkHash(buildBackbone('cifar-resnet20', { classes: 3, seed: 1, inputShape: [40, 40, 3] })),
    });
    expect(made.preprocessing).toMatchObject({ scale: 1 / 255, mean: [0.5, 0.25, 0.125], std: [0.5, 0.5, 0.5] });
    expect(made.assumptions).toEqual([expect.stringContaining('bilinear'), expect.stringContaining('87.5 %')]);
    expect(await logged(first.headers.get('location') ?? '')).toEqual(['model.safetensors of timm/small at commit c0ffee000000 is taken.']);

    const sent = hub.sentBytes();
    expect(model.parse(await service.made(await ask('hf:timm/small'), 'model'))).toEqual(made);
    expect(hub.sentBytes()).toBe(sent);
    expect(await ask(`hf:timm/small@${COMMIT}`)).toMatchObject({ status: 200, body: made });

    expect((await service.call(`/models/${made.id}`, { method: 'DELETE' })).status).toBe(204);
    const again = model.parse(await service.made(await ask('hf:timm/small'), 'model'));
    expect([again.id === made.id, again.contentHash]).toEqual([false, made.contentHash]);
    // config.json alone: the file is kept.
    expect(hub.sentBytes() - sent).toBeLessThan(1000);
  });

  test('that has moved on is another model', async () => {
    const before = model.parse(await service.made(await ask('hf:timm/small'), 'model'));
    const other = writeSafetensorsModel(buildBackbone('cifar-resnet20', { classes: 3, seed: 2 }));
    hub.repositories.set('timm/small', { commit: LATER, files: { 'model.safetensors': other } });
    const after = model.parse(await service.made(await ask('hf:timm/small'), 'model'));
    expect(after.contentHash).not.toBe(before.contentHash);
    expect((await service.call(`/models/${before.id}`)).status).toBe(200);
  });

  test('asked for twice at once is fetched once', async () => {
    hub.repositories.set('org/once', { commit: COMMIT, files: { 'model.safetensors': weights } });
    const [one, two] = await Promise.all([
      ask('hf:org/once', { architecture: 'cifar-resnet20' }),
      ask('hf:org/once', { architecture: 'cifar-resnet20' }),
    ]);
    expect(one.body.id).toBe(two.body.id);
    expect((await service.ended(one)).state).toBe('succeeded');
    expect(hub.asked.filter(({ what }) => what.startsWith('GET /api/'))).toHaveLength(1);
  });

  test('goes on where the line broke, with the token kept to the hub', async () => {
    hub.repositories.set('org/private', { commit: COMMIT, token: TOKEN, files: { 'old/net.safetensors': weights } });
    hub.faults.push('broken');
    const answer = await ask('hf:org/private/old/net.safetensors@main');
    expect(await service.made(answer, 'model')).toMatchObject({ name: 'private', origin: `hf:org/private/old/net.safetensors@${COMMIT}` });
    const bodies = hub.asked.filter(({ what }) => what.includes('signature='));
    expect(bodies.map(({ range, authorization }) => [range, authorization])).toEqual([
      [undefined, undefined],
      [expect.stringMatching(/^bytes=[1-9]\d*-$/), undefined],
    ]);
    expect(await logged(answer.headers.get('location') ?? '')).toContainEqual(expect.stringContaining('trying again in'));
  });

  test('that is not there fails the job in words', async () => {
    expect((await service.ended(await ask('hf:org/none'))).error).toMatchObject({ code: 'not-found', field: 'source' });
  });

  test('that is being fetched can be cancelled', async () => {
    hub.repositories.set('org/slow', { commit: COMMIT, files: { 'model.safetensors': weights } });
    hub.faults.push('silent');
    const answer = await ask('hf:org/slow');
    await expect.poll(() => hub.faults, { timeout: 20_000 }).toHaveLength(0);
    await service.call(`/jobs/${String(answer.body.id)}/cancel`, { method: 'POST' });
    expect((await service.ended(answer)).state).toBe('cancelled');
    expect((await service.files()).work).toEqual([]);
  });
});

describe('an address', () => {
  test.each(['http://example.com/net.pth', 'ftp://example.com/net.pth', 'hf:none', 'hf:../..', 'hf:a/b@../c', 'zoo:../x', '/etc/passwd'])(
    '%s is no source',
    async (source) => expectProblem(await ask(source), 400, 'invalid-request', 'source'),
  );
});

test('with downloads off the service says so', async () => {
  const closed = await startService();
  try {
    for (const source of ['hf:timm/small', 'https://example.com/net.pth']) {
      expectProblem(await closed.post('/models', { source }), 403, 'forbidden', 'source');
    }
  } finally {
    await closed.stop();
  }
});
