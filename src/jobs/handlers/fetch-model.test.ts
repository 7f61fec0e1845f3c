import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { buildBackbone } from '../../backbones/index.ts';
import { networkHash } from '../../formats/network.ts';
import { writeSafetensorsModel } from '../../formats/models/index.ts';
import { parseSafetensors, writeSafetensors } from '../../formats/models/safetensors.ts';
import { type FakeHub, startFakeHub } from '../../hub/fake-hub.ts';
import { openBlobs } from '../../store/blobs.ts';
import { openCache } from '../../store/cache.ts';
import type { ImportSource, JobContext } from '../types.ts';
import { fromAddress, fromHub } from './fetch-model.ts';

const COMMIT = 'c0ffee0000000000000000000000000000000001';
const network = buildBackbone('cifar-resnet20', { classes: 3, seed: 1 });
/** As a training with PyTorch leaves it: names and values, and nothing of ours. */
const weights = writeSafetensors(parseSafetensors(writeSafetensorsModel(network), 'it').tensors, { format: 'pt' });

let hub: FakeHub;
let dir: string;
let logged: string[];
beforeAll(async () => {
  hub = await startFakeHub();
});
afterAll(() => hub.close());
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'espalier-fetch-'));
  logged = [];
});
afterEach(() => rmSync(dir, { recursive: true }));

const context = (source: ImportSource, more: Partial<JobContext<'import-model'>> = {}): JobContext<'import-model'> => ({
  input: { source },
  blobs: openBlobs(join(dir, 'blobs')),
  cache: openCache(join(dir, 'cache'), 1e9),
  workDir: join(dir, 'work'),
  checkpoints: () => ({ load: async () => undefined, save: async () => undefined }),
  engine: () => Promise.reject(new Error('an import needs no engine')),
  progress: () => undefined,
  log: (message) => void logged.push(message),
  signal: AbortSignal.timeout(20_000),
  zooDir: '/nowhere',
  hub: { downloads: true, endpoint: hub.url, token: undefined },
  ...more,
});

const holding = (repository: string, files: Readonly<Record<string, Uint8Array | string>>): void =>
  void hub.repositories.set(repository, {
    commit: COMMIT,
    files: Object.fromEntries(Object.entries(files).map(([name, bytes]) => [name, Buffer.from(bytes)])),
  });

const fetched = (repository: string, more: { revision?: string; file?: string; architecture?: string } = {}) => {
  const source = { kind: 'hub', repository, revision: 'main', ...more } as const;
  return fromHub(context(source), source);
};

const fromUrl = (url: string, more: Partial<JobContext<'import-model'>> = {}) => {
  const source = { kind: 'url', url } as const;
  return fromAddress(context(source, more), source);
};

describe('a model of a hub', () => {
  it('without a config.json is guessed by its weights, and says so', async () => {
    holding('org/plain', { 'net.safetensors': weights });
    const read = await fetched('org/plain');
    expect(read).toMatchObject({ format: 'safetensors', version: COMMIT, origin: `hf:org/plain/net.safetensors@${COMMIT}` });
    expect('network' in read && networkHash(read.network)).toBe(networkHash(network));
    expect('network' in read && read.network.metadata).toMatchObject({
      name: 'plain',
      assumptions: [expect.stringContaining('cifar-resnet20'), expect.stringContaining('prepared')],
    });
    expect(logged).toEqual(['net.safetensors of org/plain at commit c0ffee000000 is taken.']);
  });

  it('that is known at this commit is not downloaded', async () => {
    holding('org/known', { 'model.safetensors': 'never read' });
    const source = { kind: 'hub', repository: 'org/known', revision: 'main' } as const;
    const known = [
      { version: 'of before', model: 'mdl_1' },
      { version: COMMIT, model: 'mdl_2' },
    ];
    const before = hub.sentBytes();
    expect(await fromHub(context(source, { input: { source, known } }), source)).toMatchObject({ model: 'mdl_2' });
    expect(hub.sentBytes()).toBe(before);
  });

  it.each([
    ['that is not there', 'org/none', {}, { code: 'not-found', field: 'source' }],
    ['of a revision that is not there', 'org/net', { revision: 'v9' }, { code: 'not-found', message: 'org/net has no such revision.' }],
    ['whose file is none', 'org/net', { file: 'pytorch_model.bin' }, { code: 'unsupported-format', field: 'pytorch_model.bin' }],
    ['whose file is not there', 'org/net', { file: 'other.pth' }, { code: 'not-found', field: 'source' }],
    ['of another kind', 'org/text', {}, { code: 'unsupported-format', hint: expect.stringContaining('README.md') }],
    [
      'of an architecture that is not known',
      'org/new',
      {},
      { code: 'unknown-architecture', hint: expect.stringContaining('cifar-resnet20') },
    ],
    ['of a relative of known architectures', 'org/kin', {}, { code: 'unknown-architecture', hint: expect.stringContaining('resnet18') }],
    ['of another architecture than is named', 'org/net', { architecture: 'resnet18' }, { code: 'shape-mismatch' }],
    ['whose file is cut off', 'org/cut', {}, { code: 'malformed-file' }],
  ])('%s is refused in words', async (_, repository, more, failure) => {
    holding('org/net', { 'model.safetensors': weights, 'pytorch_model.bin': 'no pickle' });
    holding('org/text', { 'README.md': 'a language model' });
    holding('org/new', { 'model.safetensors': weights, 'config.json': '{"architecture": "cifar_resnet200"}' });
    holding('org/kin', { 'model.safetensors': weights, 'config.json': '{"architecture": "resnet18d"}' });
    holding('org/cut', { 'model.safetensors': weights.subarray(0, 100_000) });
    await expect(fetched(repository, more)).rejects.toMatchObject(failure);
  });
});

describe('an address', () => {
  it.each([
    'https://127.0.0.1/net.pth',
    'https://localhost/net.pth',
    'https://[::ffff:10.0.0.1]/net.pth',
    'https://169.254.169.254/latest',
  ])('%s is not fetched from, whatever hub is configured', (url) =>
    expect(fromUrl(url)).rejects.toMatchObject({ code: 'forbidden', field: 'source' }),
  );

  it('is not fetched from after downloads were turned off', () =>
    expect(
      fromUrl('https://example.com/net.pth', { hub: { downloads: false, endpoint: hub.url, token: undefined } }),
    ).rejects.toMatchObject({
      code: 'forbidden',
      hint: expect.stringContaining('ESPALIER_DOWNLOADS'),
    }));
});
