import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packTriangle, similarityMatrix } from '../core/dice/index.ts';
import { kernelLayers } from '../core/network/index.ts';
import * as make from '../core/network/testing.ts';
import { planPruning } from '../core/prune/index.ts';
import { encodeNetwork, networkHash } from '../formats/network.ts';
import { pruneRequest } from '../schema/prunings.ts';
import { openBlobs, type Blobs } from '../store/blobs.ts';
import { openCache, type Cache } from '../store/cache.ts';
import { summarise } from './handlers/models.ts';
import { isPlannedAtOnce, planAtOnce, type KnownSimilarities } from './plan-at-once.ts';
import type { JobInput } from './types.ts';

// Over the size at which pairs of kernels are compared anew.
const network = make.withRandomWeights([
  make.input([8, 8, 3]),
  make.conv('c1', 'input', 24),
  make.conv('c2', 'c1', 48),
  make.conv('wide', 'c2', 3000),
  make.globalAverage('pool', 'wide'),
  make.dense('classes', 'pool', 2),
]);
const id = (prefix: string): string => `${prefix}_${'0'.repeat(26)}`;

let folder: string;
let blobs: Blobs;
let cache: Cache;
let inputOf: (change: object) => JobInput<'prune'>;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'espalier-plan-'));
  blobs = openBlobs(folder);
  cache = openCache(join(folder, 'cache'), 1e6);
  const { hash } = await blobs.write(encodeNetwork(network));
  const summary = summarise(network, { format: 'safetensors' });
  const model = { id: id('mdl'), name: 'wide', blob: hash, contentHash: networkHash(network), summary };
  const classes = ['a', 'b'].map((name) => ({ name, train: 5, validation: 5, test: 5 }));
  const report = { classes, counts: { train: 10, validation: 10, test: 10 } } as JobInput<'prune'>['dataset']['report'];
  const dataset = { id: id('dst'), name: 'pets', blob: 'd'.repeat(64), report };
  inputOf = (change) => ({
    request: pruneRequest.parse({
      model: model.id,
      dataset: dataset.id,
      target: { ratio: 0.4 },
      protect: ['wide'],
      planOnly: true,
      ...change,
    }),
    model,
    dataset,
  });
});
afterAll(() => rmSync(folder, { recursive: true }));

/** The layers' triangles as a profile stores them; of the widest there is no need here. */
async function stored(of: (triangle: Float32Array) => Float32Array): Promise<KnownSimilarities> {
  const layers = kernelLayers(network, 'conv').filter(({ node }) => node.id !== 'wide');
  const triangles = layers.map(({ kernels }) =>
    of(Float32Array.from(packTriangle(similarityMatrix(kernels, { rescale: true }), kernels.count))),
  );
  const bytes = Buffer.concat(triangles.map((triangle) => new Uint8Array(triangle.buffer)));
  return { blob: (await blobs.write(bytes)).hash, layers: layers.map(({ node, kernels }) => ({ layer: node.id, kernels: kernels.count })) };
}

describe('planAtOnce', () => {
  const options = { layers: 'conv', target: { ratio: 0.4 }, protect: ['wide'], seed: 0 } as const;

  it('plans by weights as the planner does', async () => {
    const plan = await planAtOnce({ blobs, cache }, inputOf({ criterion: 'l1' }), null);
    expect(plan).toMatchObject(planPruning(network, { ...options, criterion: 'l1' }));
    expect(plan.modelHash).toBe(networkHash(network));
  });

  it('keeps the magnitudes of the kernels, and then reads no weights', async () => {
    const input = inputOf({ criterion: 'l2' });
    const expected = planPruning(network, { ...options, criterion: 'l2' });
    await planAtOnce({ blobs, cache }, input, null);
    const kept = (await cache.read(input.model.blob, 'magnitudes-1')) ?? new Uint8Array();
    expect(kept.length).toBe(8 * 2 * (24 + 48 + 3000 + 2));
    expect(await planAtOnce({ blobs, cache }, input, null)).toMatchObject(expected);
    // Only what was kept can have made this plan.
    await cache.write(input.model.blob, 'magnitudes-1', new Uint8Array(new Float64Array(kept.slice().buffer).toReversed().buffer));
    expect((await planAtOnce({ blobs, cache }, input, null)).groups).not.toEqual(expected.groups);
    // A file that is not the network's is made again.
    await cache.write(input.model.blob, 'magnitudes-1', new Uint8Array(8));
    expect(await planAtOnce({ blobs, cache }, input, null)).toMatchObject(expected);
  });

  it('takes the similarities that a profile stored', async () => {
    const expected = planPruning(network, { ...options, criterion: 'dice' });
    expect(await planAtOnce({ blobs, cache }, inputOf({ criterion: 'dice' }), await stored((triangle) => triangle))).toMatchObject(
      expected,
    );
    const other = await planAtOnce({ blobs, cache }, inputOf({ criterion: 'dice' }), await stored((triangle) => triangle.toReversed()));
    expect(other.groups).not.toEqual(expected.groups);
  });
});

describe('isPlannedAtOnce', () => {
  const known: KnownSimilarities = { blob: 'b'.repeat(64), layers: [] };

  it.each([
    ['l1', {}, null, true],
    ['dice', {}, null, false],
    ['dice', {}, known, true],
    ['dice', { source: 'weights-excess' }, known, false],
    ['dice', { source: 'activations' }, known, false],
    ['dice', { layers: 'all' }, known, false],
    ['dice-greedy', {}, known, false],
    ['dice-hybrid', {}, known, false],
    ['fpgm', {}, known, false],
    ['taylor', {}, known, false],
    ['l1', { target: { latencyMs: 1 } }, known, false],
    ['l1', { target: { elbow: true } }, known, false],
  ])('%s %j with %j: %s', (criterion, change, similarities, expected) => {
    expect(isPlannedAtOnce(inputOf({ criterion, ...change }), similarities)).toBe(expected);
  });
});
