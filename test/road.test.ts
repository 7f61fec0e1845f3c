import { buffer } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { fromBufferPromise } from 'yauzl';
import { buildBackbone } from '../src/backbones/index.ts';
import { createRandom } from '../src/core/random.ts';
import { encodeNetwork } from '../src/formats/network.ts';
import { dataset } from '../src/schema/datasets.ts';
import { evaluation, prediction } from '../src/schema/evaluations.ts';
import { job as jobSchema } from '../src/schema/jobs.ts';
import { model } from '../src/schema/models.ts';
import { profile } from '../src/schema/profiles.ts';
import { pruneRequest, pruning, type Pruning } from '../src/schema/prunings.ts';
import { recommendation } from '../src/schema/recommendations.ts';
import { jobProcesses } from './job-processes.ts';
import { startService, type Answer, type Service } from './service.ts';

const SIDE = 32;
const CLASSES = ['checks', 'discs', 'stripes'];

let service: Service;
beforeAll(async () => {
  // One thread: only then are two runs the same bit for bit.
  service = await startService({ engine: { backend: undefined, threads: 1 } });
});
afterAll(() => service.stop());

interface Shape {
  readonly size: number;
  readonly channels: 1 | 3 | 4;
}
const usual: Shape = { size: SIDE, channels: 3 };

const pngOf = (pixels: Uint8Array, { size, channels }: Shape = usual): Promise<Buffer> =>
  sharp(pixels, { raw: { width: size, height: size, channels } })
    .png()
    .toBuffer();

/** A noisy pattern of a class, size × size × channels. */
function pattern(kind: string, index: number, { size, channels }: Shape = usual): Uint8Array {
  const random = createRandom(1000 * CLASSES.indexOf(kind) + index);
  const period = 3 + Math.floor(random.next() * 3);
  const pixels = new Uint8Array(size * size * channels);
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      const inside =
        kind === 'stripes'
          ? y % (2 * period) < period
          : kind === 'checks'
            ? (Math.floor(x / period) + Math.floor(y / period)) % 2 === 0
            : Math.hypot(x - size / 2, y - size / 2) < size / 6 + period;
      for (let c = 0; c < channels; c++) {
        pixels[(y * size + x) * channels + c] = c === 3 ? 255 : (inside ? 180 : 60) + random.next() * 60;
      }
    }
  }
  return pixels;
}

/** Image folders of three classes: most images are 32 × 32 in colour, some larger, grey or with alpha. */
async function archive(): Promise<Uint8Array> {
  const tar = pack();
  for (const kind of CLASSES) {
    for (let index = 0; index < 40; index++) {
      const shape: Shape = { ...usual, ...[{ size: 48 }, { channels: 1 as const }, { channels: 4 as const }][index] };
      tar.entry({ name: `${kind}/${index}.png` }, await pngOf(pattern(kind, index, shape), shape));
    }
  }
  tar.finalize();
  return buffer(tar);
}

const unzip = async (bytes: Buffer): Promise<Map<string, Buffer>> => {
  const zip = await fromBufferPromise(bytes);
  const files = new Map<string, Buffer>();
  for await (const entry of zip.eachEntry()) files.set(entry.fileName, await buffer(await zip.openReadStreamPromise(entry)));
  return files;
};

/** Probabilities by plain tfjs of one 32 × 32 image: what somebody gets who has nothing but the artifact. */
async function probabilitiesOf(zip: Buffer, pixels: Uint8Array): Promise<Float32Array> {
  const files = await unzip(zip);
  const file = JSON.parse(String(files.get('model.json')));
  const weights = files.get('weights.bin') ?? Buffer.alloc(0);
  const opened = await tf.loadLayersModel(
    tf.io.fromMemory({
      modelTopology: file.modelTopology,
      weightSpecs: file.weightsManifest[0].weights,
      weightData: new Uint8Array(weights).buffer,
    }),
  );
  const { scale, mean, std } = file.userDefinedMetadata.preprocessing;
  const image = Float32Array.from(pixels, (value, at) => (value * scale - mean[at % 3]) / std[at % 3]);
  const output = opened.predict(tf.tensor4d(image, [1, SIDE, SIDE, 3])) as tf.Tensor2D;
  const ends = opened.layers.at(-1)?.getClassName();
  return (await (ends === 'Softmax' ? output : tf.softmax(output)).data()) as Float32Array;
}

let datasetId: string;
let baseId: string;
let whole: Pruning;

const request = () => ({
  model: baseId,
  dataset: datasetId,
  target: { ratio: 0.3 },
  fineTune: { epochs: 5, batchSize: 16 },
  deterministic: true,
  seed: 3,
});

test('from an archive and backbones to a recommendation and its plan', { timeout: 180_000 }, async () => {
  const added = await service.upload('/datasets?fileName=patterns.tar&seed=1', await archive());
  const data = dataset.parse(await service.made(added, 'dataset'));
  datasetId = data.id;
  expect(data.report.classes.map(({ name }) => name)).toEqual(CLASSES);
  expect(data.report).toMatchObject({ channels: 'mixed', splitsGiven: false, refused: { count: 0 } });
  expect((await service.call(`/datasets/${datasetId}/samples?limit=3`)).body.items).toHaveLength(3);

  const classNames = ['cat', 'dog'];
  const fresh = encodeNetwork(buildBackbone('cifar-resnet20', { classNames, inputShape: [SIDE, SIDE, 3], seed: 1 }));
  const untrained = model.parse(await service.made(await service.upload('/models?name=untrained', fresh), 'model'));
  expect(untrained).toMatchObject({ name: 'untrained', classNames, inputShape: [SIDE, SIDE, 3] });
  const base = model.parse(await service.made(await service.post('/models', { source: 'zoo:vgg-small' }), 'model'));
  expect(base.weightDiversity).toBeGreaterThan(0);
  baseId = base.id;

  const asked = await service.post('/profiles', { model: baseId, source: 'activations', dataset: datasetId, images: 500 });
  const made = profile.parse(await service.made(asked, 'profile'));
  const probe = data.report.counts.train;
  expect(made.images).toBe(probe);
  expect(made.notes).toEqual([`The train split has ${probe} images; all were used instead of 500.`]);
  expect(made.diversity).toBeGreaterThan(0);
  // Core's own arithmetic would be exact: the rounding of float32 shows that the compiled kernels ran.
  expect(made.similarityError).toBeGreaterThan(1e-10);
  expect(made.similarityError).toBeLessThan(1e-6);
  const layer = encodeURIComponent(made.layers[0].layer);
  const matrix = await service.call(`/profiles/${made.id}/layers/${layer}/matrix`, { headers: { accept: 'application/octet-stream' } });
  expect(matrix.bytes).toHaveLength(4 * made.layers[0].kernels ** 2);

  const compared = await service.post('/recommend', { dataset: datasetId, candidates: [baseId, untrained.id] });
  const ranked = recommendation.parse(await service.made(compared, 'recommendation'));
  expect(ranked.ranking.map(({ rank }) => rank)[0]).toBe(1);
  expect(ranked.ranking).toHaveLength(2);
  const planned = await service.post('/prune', { ...ranked.next, planOnly: true });
  const { plan } = pruning.parse(planned.status === 200 ? planned.body : await service.made(planned, 'pruning'));
  expect(plan.cost.after.flops).toBeLessThan(plan.cost.before.flops);
});

test('pruned and fine-tuned, the artifact predicts in plain tfjs what the service predicts', { timeout: 180_000 }, async () => {
  whole = pruning.parse(await service.made(await service.post('/prune', request()), 'pruning'));
  expect(pruneRequest.parse(whole.request)).toEqual(whole.request);
  expect(whole.report?.stages.map(({ name }) => name)).toEqual(['base', 'pruned', 'recalibrated', 'fineTuned']);
  expect(whole.report?.engine.threads).toBe(1);
  expect(whole.report?.headReplaced).toEqual({ from: 6, to: 3 });
  expect(whole.report?.proof.relativeDifference).toBeLessThan(1e-4);
  const artifact = model.parse((await service.call(`/models/${whole.artifact}`)).body);
  expect(artifact).toMatchObject({ parentId: baseId, classNames: CLASSES, format: 'pruned' });
  expect(artifact.cost.flops).toBe(whole.plan.cost.after.flops);

  const zip = Buffer.from(await (await fetch(`${service.url}/models/${artifact.id}/content?format=tfjs`)).arrayBuffer());
  for (const kind of CLASSES) {
    const pixels = pattern(kind, 500);
    const answer = await service.upload(`/models/${artifact.id}/predict?fileName=${kind}.png&top=3`, await pngOf(pixels));
    expect(answer.status).toBe(200);
    const [{ classes }] = prediction.parse(answer.body).items;
    const plain = await probabilitiesOf(zip, pixels);
    for (const [at, name] of CLASSES.entries()) {
      expect(classes.find((each) => each.name === name)?.probability, `${kind}: ${name}`).toBeCloseTo(plain[at], 4);
    }
  }

  const asked = await service.post('/evaluate', { model: artifact.id, dataset: datasetId });
  const measured = evaluation.parse(await service.made(asked, 'evaluation'));
  expect(measured.metrics).toEqual(whole.report?.stages.at(-1)?.test);
});

test('a job whose process is killed while it fine-tunes ends with the same artifact', { timeout: 180_000 }, async () => {
  // Without the artifact the same request is work again.
  expect((await service.call(`/models/${whole.artifact}`, { method: 'DELETE' })).status).toBe(204);
  const answer = await service.post('/prune', request());
  const path = answer.headers.get('location') ?? '';
  const epoch = async (): Promise<number> => {
    const { state, progress, error } = jobSchema.parse((await service.call(path)).body);
    if (state !== 'queued' && state !== 'running') throw new Error(`ended too soon: ${state} ${error?.detail}`);
    return Number(/^fine-tune .*?(\d+)\/\d+/.exec(progress?.phase ?? '')?.[1] ?? 0);
  };
  while ((await epoch()) < 2) await sleep(30);
  const killed = jobProcesses();
  expect(killed).toHaveLength(1);
  process.kill(killed[0], 'SIGKILL');

  const again = pruning.parse(await service.made(answer, 'pruning'));
  expect((await service.call(path)).body).toMatchObject({ state: 'succeeded', attempt: 2 });
  const events = (await service.call(`${path}/events?limit=1000`)).body.items as { type: string }[];
  expect(events.map(({ type }) => type)).toContain('interrupted');
  expect(again.report?.hashes).toEqual(whole.report?.hashes);
  expect(again.report?.fineTuning?.history).toEqual(whole.report?.fineTuning?.history);
  expect(again.report?.difference).toEqual(whole.report?.difference);
});

const notes = 'Just some text that is neither a model nor an archive nor an image.';
const truncated = async (): Promise<Uint8Array> => (await archive()).subarray(0, 30_000);
const refusals: [string, () => Promise<Answer>, RegExp][] = [
  ['text as a model', () => service.upload('/models?fileName=notes.txt', notes), /unsupported-format|malformed-file/],
  ['text as a dataset', () => service.upload('/datasets?fileName=notes.txt', notes), /unsupported-format|malformed-file/],
  ['a truncated archive', async () => service.upload('/datasets?fileName=half.tar', await truncated()), /malformed-file/],
  ['a zoo name that is not there', () => service.post('/models', { source: 'zoo:nothing-of-the-kind' }), /not-found/],
];

test.each(refusals)('%s leaves no row, file or process behind', { timeout: 60_000 }, async (_, send, code) => {
  const state = async () => ({
    ...(await service.files()),
    models: (await service.call('/models')).body,
    datasets: (await service.call('/datasets')).body,
  });
  const before = await state();
  const failed = await service.ended(await send());
  expect(failed).toMatchObject({ state: 'failed', result: null });
  expect(failed.error?.code).toMatch(code);
  expect(failed.error?.hint).toBeTypeOf('string');
  expect(await state()).toEqual(before);
  expect(jobProcesses()).toEqual([]);
});

test('what is no image is refused by name', { timeout: 60_000 }, async () => {
  const before = await service.files();
  const answer = await service.upload(`/models/${baseId}/predict?fileName=notes.txt`, notes);
  expect(answer.status).toBeGreaterThanOrEqual(400);
  expect(answer.body).toMatchObject({
    code: expect.stringMatching(/unsupported-format|malformed-file/),
    detail: expect.stringContaining('notes.txt'),
  });
  expect(await service.files()).toEqual(before);
});
