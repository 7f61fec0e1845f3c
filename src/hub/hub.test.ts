import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Progress } from '../core/progress.ts';
import { openCache } from '../store/cache.ts';
import { type FakeHub, startFakeHub } from './fake-hub.ts';
import { addressOf, fetchDocument, findRepository, hubRefusal, type HubWire, modelFileOf, withDownload } from './index.ts';

const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const weights = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 31) % 251);
const sha256 = createHash('sha256').update(weights).digest('hex');

let hub: FakeHub;
let dir: string;
let retries: string[];
beforeEach(async () => {
  hub = await startFakeHub();
  hub.repositories.set('org/net', { commit: COMMIT, files: { 'model.safetensors': weights, 'config.json': Buffer.from('{}') } });
  hub.repositories.set('org/gated', { commit: COMMIT, files: { 'model.safetensors': weights }, token: 'hf_secret' });
  dir = mkdtempSync(join(tmpdir(), 'espalier-hub-'));
  retries = [];
});
afterEach(async () => {
  await hub.close();
  rmSync(dir, { recursive: true });
});

const wire = (more: Partial<HubWire> = {}): HubWire => ({
  home: new URL(hub.url),
  signal: AbortSignal.timeout(10_000),
  backoffMs: 1,
  onRetry: (message) => void retries.push(message),
  ...more,
});

interface Options {
  readonly name?: string;
  readonly bytesMax?: number;
  readonly wire?: HubWire;
  readonly progress?: Progress[];
  readonly immutable?: boolean;
}

/** Downloads the weights as an import does and gives what it was handed, and whether that was the whole file. */
async function fetched({ name = 'org/net', bytesMax = 1e6, progress = [], immutable = true, ...options }: Options = {}) {
  const line = options.wire ?? wire();
  const repository = { name, commit: COMMIT, files: ['model.safetensors'], licence: undefined };
  const url = addressOf(repository, 'model.safetensors', line);
  const onProgress = (one: Progress): void => void progress.push(one);
  const wanted = { url, fileName: 'model.safetensors', bytesMax, immutable, refusal: hubRefusal(name, line), onProgress };
  const places = { cache: openCache(join(dir, 'cache'), 1e9), folder: join(dir, 'work') };
  return withDownload(places, wanted, line, async (file) => ({ ...file, whole: readFileSync(file.path).equals(weights) }));
}

const begun: unknown = expect.stringMatching(/^bytes=[1-9]\d*-$/);
const bodies = () => hub.asked.filter(({ what }) => what.includes('signature='));

describe('a download', () => {
  it('comes by the redirect, tells its progress and is checked', async () => {
    const progress: Progress[] = [];
    expect(await fetched({ progress })).toMatchObject({ sha256, bytes: weights.length, whole: true });
    expect(progress.at(-1)).toMatchObject({
      phase: 'download model.safetensors',
      done: weights.length,
      total: weights.length,
      secondsLeft: 0,
    });
    expect(progress.at(-1)?.metrics).toHaveProperty('MB', 0.3);
  });

  it('is kept: at a commit it needs no question, elsewhere the tag is asked about', async () => {
    await fetched();
    const asked = hub.asked.length;
    expect(await fetched()).toMatchObject({ sha256, whole: true });
    expect(hub.asked).toHaveLength(asked);
    expect(await fetched({ immutable: false })).toMatchObject({ sha256, whole: true });
    expect(hub.asked.length).toBeGreaterThan(asked);
    expect(hub.sentBytes()).toBe(weights.length);
    hub.faults.push('changed');
    expect(await fetched({ immutable: false })).toMatchObject({ whole: true });
    expect(hub.sentBytes()).toBe(2 * weights.length);
  });

  it('goes on where it broke off', async () => {
    hub.faults.push('broken', 'broken');
    expect(await fetched()).toMatchObject({ sha256, whole: true });
    expect(bodies().map(({ range }) => range)).toEqual([undefined, begun, begun]);
    // The last bytes before a break may be lost on the way.
    expect(hub.sentBytes()).toBeLessThan(1.5 * weights.length);
    expect(retries).toHaveLength(2);
  });

  it('begins anew when the file has changed meanwhile', async () => {
    hub.faults.push('broken', 'changed');
    expect(await fetched()).toMatchObject({ sha256, whole: true });
    expect(bodies().map(({ range }) => range)).toEqual([undefined, begun]);
    expect(hub.sentBytes()).toBe(450_000);
  });

  it('is kept as far as it came when it fails or is stopped, for the next who wants it', async () => {
    hub.faults.push('broken', ...Array<'busy'>(6).fill('busy'));
    await expect(fetched()).rejects.toMatchObject({ code: 'download-failed', message: expect.stringContaining('answered 429') });
    expect(await fetched()).toMatchObject({ sha256, whole: true });
    expect(bodies().at(-1)?.range).toEqual(begun);

    rmSync(join(dir, 'cache'), { recursive: true });
    const stop = new AbortController();
    hub.faults.push('silent');
    const stopped = fetched({ wire: wire({ signal: stop.signal }) });
    await expect.poll(() => hub.faults).toHaveLength(0);
    stop.abort();
    await expect(stopped).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('waits for a busy server', async () => {
    hub.faults.push('busy', 'busy');
    expect(await fetched()).toMatchObject({ sha256, whole: true });
    expect(retries).toEqual([expect.stringContaining('answered 429; trying again in'), expect.stringContaining('429')]);
  });

  it('with other bytes than the hub names is refused, and not kept', async () => {
    hub.faults.push('corrupt');
    await expect(fetched()).rejects.toMatchObject({ code: 'download-failed', message: expect.stringContaining(sha256) });
    expect(await fetched()).toMatchObject({ sha256, whole: true });
  });

  it('stops at the limit, told before it begins or not', async () => {
    await expect(fetched({ bytesMax: 299_999 })).rejects.toMatchObject({ code: 'limit-exceeded' });
    expect(hub.sentBytes()).toBeLessThanOrEqual(weights.length);
    rmSync(join(dir, 'cache'), { recursive: true });
    hub.faults.push('endless');
    await expect(fetched({ bytesMax: 1e6 })).rejects.toMatchObject({ code: 'limit-exceeded' });
  });

  it('takes the token to the hub and no further', async () => {
    await expect(fetched({ name: 'org/gated' })).rejects.toMatchObject({ code: 'forbidden', hint: expect.stringContaining('HF_TOKEN') });
    expect(await fetched({ name: 'org/gated', wire: wire({ token: 'hf_secret' }) })).toMatchObject({ sha256, whole: true });
    const withToken = hub.asked.filter(({ authorization }) => authorization !== undefined);
    expect(withToken.map(({ what }) => what)).toEqual([`GET /org/gated/resolve/${COMMIT}/model.safetensors`]);
    expect(bodies()).toHaveLength(1);
  });
});

describe('a repository', () => {
  it('is pinned to its commit', async () => {
    hub.repositories.set('org/net', { commit: COMMIT, files: { a: weights, '../b': weights, 'c/../d': weights }, tags: ['license:mit'] });
    expect(await findRepository('org/net', 'main', wire())).toEqual({ name: 'org/net', commit: COMMIT, files: ['a'], licence: 'mit' });
  });

  it('that is not there, or not for everybody, is told apart from a revision that is not there', async () => {
    const failure = (name: string, revision = 'main', more = {}) =>
      findRepository(name, revision, wire(more)).catch((error: unknown) => error);
    expect(await failure('org/none')).toMatchObject({ code: 'not-found', message: expect.stringContaining('without a token') });
    expect(await failure('org/none', 'main', { token: 'x' })).toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('with this token'),
    });
    expect(await failure('org/gated')).toMatchObject({ code: 'forbidden' });
    expect(await failure('org/net', 'refs/pr/1')).toMatchObject({ code: 'not-found', message: 'org/net has no such revision.' });
    expect(hub.asked.at(-1)?.what).toBe('GET /api/models/org/net/revision/refs%2Fpr%2F1');
  });

  it('of a server that is no hub is refused', async () => {
    await expect(findRepository('org/net', 'main', wire({ home: new URL(`${hub.url}/org/net/resolve/main/`) }))).rejects.toMatchObject({
      code: expect.stringMatching(/not-found|malformed-file/),
    });
    hub.repositories.set('org/odd', { commit: 'no commit', files: {} });
    await expect(findRepository('org/odd', 'main', wire())).rejects.toMatchObject({ code: 'malformed-file', hint: 'Check HF_ENDPOINT.' });
  });

  it('is asked again when the server is gone for a moment only', async () => {
    const gone = wire({ home: new URL('http://127.0.0.1:1') });
    await expect(findRepository('org/net', 'main', gone)).rejects.toMatchObject({ code: 'download-failed' });
    expect(retries).toHaveLength(5);
  });

  it('may not send a document without end', async () => {
    hub.repositories.set('org/large', { commit: COMMIT, files: { 'config.json': new Uint8Array(9 * 2 ** 20) } });
    const repository = await findRepository('org/large', 'main', wire());
    const document = fetchDocument(addressOf(repository, 'config.json', wire()), wire(), hubRefusal('org/large', wire()));
    await expect(document).rejects.toMatchObject({ code: 'limit-exceeded' });
  });
});

describe('the model file of a repository', () => {
  const taken = (files: string[], wanted?: string) => modelFileOf({ name: 'org/net', commit: COMMIT, files, licence: undefined }, wanted);

  it.each([
    [['pytorch_model.bin', 'model.safetensors', 'config.json'], 'model.safetensors'],
    [['pytorch_model.bin', 'training_args.bin', 'resnet.onnx'], 'pytorch_model.bin'],
    [['training_args.bin', 'onnx/model_int8.onnx', 'onnx/model.onnx'], 'onnx/model.onnx'],
    [['deep/a/net.safetensors', 'net.pth'], 'deep/a/net.safetensors'],
    [['b.h5', 'a.keras'], 'a.keras'],
  ])('of %j is %s', (files, file) => expect(taken(files)).toBe(file));

  it('may be named', () => {
    expect(taken(['model.safetensors', 'old/net.pth'], 'old/net.pth')).toBe('old/net.pth');
    expect(() => taken(['model.safetensors'], 'net.pth')).toThrow(
      expect.objectContaining({ code: 'not-found', hint: 'It has model.safetensors.' }),
    );
  });

  it('must be there, and whole', () => {
    expect(() => taken(['README.md'])).toThrow(
      expect.objectContaining({ code: 'unsupported-format', hint: expect.stringContaining('README.md') }),
    );
    expect(() => taken([])).toThrow('no model file');
    expect(() => taken(['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'])).toThrow('in 2 parts');
  });
});
