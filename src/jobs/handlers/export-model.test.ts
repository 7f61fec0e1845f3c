import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { buildBackbone } from '../../backbones/index.ts';
import type { Network } from '../../core/network/index.ts';
import { readModel } from '../../formats/models/index.ts';
import { encodeNetwork, networkHash } from '../../formats/network.ts';
import { exportFormats } from '../../schema/models.ts';
import { openBlobs } from '../../store/blobs.ts';
import type { JobContext, MadeFormat } from '../types.ts';
import { exportModel } from './export-model.ts';
import { summarise } from './models.ts';

const dir = mkdtempSync(join(tmpdir(), 'espalier-export-'));
afterAll(() => rmSync(dir, { recursive: true }));

const blobs = openBlobs(dir);
const network = buildBackbone('cifar-resnet20', { classNames: ['cat', 'dog', 'eel'], seed: 1 });
const formats = Object.keys(exportFormats).filter((format) => format !== 'tfjs') as MadeFormat[];

async function exported(format: MadeFormat) {
  const { hash: blob } = await blobs.write(encodeNetwork(network));
  const model = { id: 'mdl_', name: 'net', blob, contentHash: '', summary: summarise(network, { format: 'espalier' }) };
  const context = { input: { model, format }, blobs, progress: () => undefined } as unknown as JobContext<'export-model'>;
  const { file, losses } = await exportModel(context);
  const read = await readModel(await blobs.localPath(file.hash), { fileName: `net${exportFormats[format].suffix}` });
  return { ...read, losses };
}

/** Of every weight of two or more axes: the original, and how far it moved. */
function* moved(from: Network, to: Network): Generator<{ before: Float32Array; after: Float32Array }> {
  for (const [key, { shape, data }] of from.weights) {
    if (shape.length >= 2) yield { before: data, after: to.weights.get(key)?.data ?? new Float32Array() };
  }
}

const whole: readonly MadeFormat[] = ['onnx', 'keras', 'safetensors'];
it.each(formats)('%s is read back: the same network, or one that tells what it lost', async (format) => {
  const { network: back, losses } = await exported(format);
  expect(back.metadata.classNames).toEqual(network.metadata.classNames);
  expect(back.metadata.preprocessing).toEqual(network.metadata.preprocessing);
  expect(networkHash(back) === networkHash(network)).toBe(whole.includes(format));
  expect(losses.length > 0).toBe(!whole.includes(format));
});

/** The largest movement of a weight, as a share of what it may move. */
const worst = (before: Float32Array, after: Float32Array, mayMove: (value: number) => number): number =>
  before.reduce((most, value, i) => Math.max(most, Math.abs(after[i] - value) / mayMove(value)), 0);

it('the losses that are told are bounds', async () => {
  for (const { before, after } of moved(network, (await exported('tfjs-float16')).network)) {
    expect(worst(before, after, (value) => Math.max(5e-4 * Math.abs(value), 3e-8))).toBeLessThanOrEqual(1);
  }
  for (const { before, after } of moved(network, (await exported('tfjs-uint8')).network)) {
    const range = before.reduce((high, value) => Math.max(high, value), 0) - before.reduce((low, value) => Math.min(low, value), 0);
    expect(worst(before, after, () => 2e-3 * range)).toBeLessThanOrEqual(1);
  }
  for (const { before, after } of moved(network, (await exported('deep-compression')).network)) {
    expect(new Set(after).size).toBeLessThanOrEqual(256);
    expect(after.filter((value) => value === 0).length).toBeGreaterThanOrEqual(Math.floor(0.2 * before.length));
  }
});
