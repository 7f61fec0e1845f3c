// Process root of a job in the contract tests: it takes any file that begins with MODEL or DATASET and makes up results of the right shape.
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../src/core/failure.ts';
import { runChild } from '../src/jobs/run-child.ts';
import { comparisonOf, type KeptRun } from '../src/jobs/handlers/comparison.ts';
import type { Blobs, ImportedModel, JobHandlers } from '../src/jobs/types.ts';
import type { DatasetReport } from '../src/schema/datasets.ts';
import type { EvaluationResult } from '../src/schema/evaluations.ts';
import type { ModelSummary } from '../src/schema/models.ts';
import type { ProfileResult } from '../src/schema/profiles.ts';
import type { PrunePlanView } from '../src/schema/prunings.ts';

const engine = { backend: 'cpu', version: '0', threads: 1, device: 'cpu' } as const;
/** Too many bytes to plan with at once: these models have no layers. */
const cost = { macs: 10, flops: 20, params: 3, bytes: 1e12 };
const certain = { value: 0.9, low: 0.8, high: 0.95 };
const text = (value: string): Uint8Array => new TextEncoder().encode(value);

/** A layer of three kernels, 0.5, 0.25 and 0.75 alike. */
const dice = {
  diversity: 0.5,
  diversityExcess: 0.01,
  sAvg: [0.375, 0.625, 0.5],
  sAvgExcess: [0, 0, 0],
  sAvgQuantiles: { minimum: 0.375, q05: 0.375, q25: 0.4, median: 0.5, q75: 0.6, q95: 0.625, maximum: 0.625 },
  histogram: { from: 0.375, to: 0.625, counts: [1, 1, 1] },
  redundantShare: 0,
  redundantAbove: 0.9,
  effectiveKernels: 2,
  similarPairs: [{ first: 1, second: 2, similarity: 0.75 }],
};
const triangles = async (blobs: Blobs): Promise<string> =>
  (await blobs.write(new Uint8Array(Float32Array.of(0.5, 0.25, 0.75).buffer))).hash;

const profile: ProfileResult = {
  source: 'weights',
  diversity: 0.4,
  diversityUnweighted: 0.41,
  diversityExcess: 0.01,
  redundantShare: 0,
  kernels: 4,
  layers: [
    { layer: 'lone', kernels: 1, size: 4, dead: 0, note: 'One kernel.' },
    { layer: 'block/conv', kernels: 3, size: 4, dead: 0, dice },
  ],
  images: null,
  positionsPerImage: null,
  precision: 'exact',
  similarityError: 1e-7,
  seed: 0,
  notes: [],
  engine: null,
};

const summary = (name: string, format: ModelSummary['format']): ModelSummary => ({
  name,
  architecture: null,
  format,
  inputShape: [8, 8, 3],
  classNames: ['a', 'b'],
  classes: 2,
  cost,
  convolutions: 1,
  kernels: 4,
  preprocessing: { channelOrder: 'rgb', scale: 1, mean: [0, 0, 0], std: [1, 1, 1], resize: 'shorter-side-centre-crop' },
  assumptions: [],
  sourceAccuracy: null,
  family: null,
  licence: null,
  origin: null,
});

const imported = async (blobs: Blobs, name: string, format: ModelSummary['format']): Promise<ImportedModel> => ({
  network: await blobs.write(text(`network of ${name}`)),
  tfjs: await blobs.write(text(`0123456789 tfjs of ${name}`)),
  contentHash: 'c0'.repeat(32),
  summary: summary(name, format),
  profile,
  matrices: await triangles(blobs),
});

const report: DatasetReport = {
  classes: [
    { name: 'a', train: 1, validation: 1, test: 1 },
    { name: 'b', train: 1, validation: 1, test: 1 },
  ],
  counts: { train: 2, validation: 2, test: 2 },
  size: { minimum: [8, 8], median: [8, 8], maximum: [8, 8] },
  channels: 'rgb',
  splitsGiven: false,
  duplicates: 0,
  refused: { count: 0, files: [] },
  seed: 0,
};

const metrics: EvaluationResult['metrics'] = {
  images: 2,
  accuracy: certain,
  macroF1: certain,
  perClass: [],
  logLoss: certain,
  calibration: { expectedError: 0.1, bins: [] },
};

const stringOf = async (blobs: Blobs, hash: string): Promise<string> => new TextDecoder().decode(await blobs.read(hash));

const handlers: JobHandlers = {
  'import-model': async ({ input: { source, name }, blobs, progress }) => {
    progress({ phase: 'read model', done: 1, total: 2 });
    if (source.kind === 'zoo') return imported(blobs, name ?? source.name, 'zoo');
    if (source.kind !== 'upload') throw new Failure('download-failed', 'No hub in this test.');
    await blobs.write(text('half done'));
    if (!(await stringOf(blobs, source.blob)).startsWith('MODEL')) {
      throw new Failure('unsupported-format', `${source.fileName} is no model.`, { hint: 'Send a tfjs zip.', field: source.fileName });
    }
    return imported(blobs, name ?? source.fileName, 'tfjs');
  },
  'export-model': async ({ input: { model, format }, blobs }) => {
    if (format === 'keras') throw new Failure('unsupported-layer', 'Keras has no such layer.', { field: 'conv' });
    return { file: await blobs.write(text(`0123456789 ${format} of ${model.name}`)), losses: format === 'onnx' ? [] : ['It is rounded.'] };
  },
  'import-dataset': async ({ input, blobs }) => {
    if (!(await stringOf(blobs, input.blob)).startsWith('DATASET')) {
      throw new Failure('unsupported-format', `${input.fileName} is no archive.`, { hint: 'Send a zip or tar.', field: input.fileName });
    }
    const classes = ['a', 'a', 'b', 'b'];
    const sheet = classes.map((name, at) => ({ split: 'train', class: name, mediaType: 'image/png', data: btoa(`${name}${at}`) }));
    return {
      dataset: await blobs.write(text(`images of ${input.blob}`)),
      samples: await blobs.write(text(JSON.stringify(sheet))),
      report,
    };
  },
  profile: async ({ input: { request }, blobs }) => ({
    profile: { ...profile, source: request.source, seed: request.seed, engine },
    matrices: await triangles(blobs),
  }),
  recommend: async ({ input: { request, dataset, candidates, outcomes }, blobs }) => {
    const [first] = candidates;
    const chosen = 'zoo' in first ? `zoo:${first.zoo}` : first.model.id;
    const starters = candidates.flatMap((one) => ('zoo' in one ? [one] : []));
    const target = { id: dataset.blob, classes: 2, images: 4 };
    const outcome = { target, backbone: chosen, scores: {}, accuracy: 0.5, seeds: 1, seedSpread: null };
    return {
      recommendation: {
        ranking: [],
        chosen,
        summary: 'It leads.',
        images: 4,
        predictedBy: `${outcomes.length} outcomes`,
        rankBy: request.rankBy,
        leftOut: [],
        warnings: candidates.map((one) => ('zoo' in one ? `to be imported: ${one.zoo}` : `diversity ${one.weights?.diversity}`)),
        verification: null,
        pruningCurve: null,
        next: { model: chosen, dataset: dataset.id, target: { flops: 10 }, fineTune: { recipe: 'default' }, seed: request.seed },
        estimate: null,
        engine,
        seed: request.seed,
      },
      imported: await Promise.all(starters.map(async ({ zoo, hash }) => ({ name: zoo, hash, model: await imported(blobs, zoo, 'zoo') }))),
      verified: request.verify ? [{ dataset: dataset.blob, model: 'a', variant: '', epochs: request.verify.topK, outcome }] : [],
    };
  },
  prune: async ({ input: { request, model }, blobs, signal }) => {
    // A seed to be slow with, so that there is something to cancel.
    if (request.seed === 77) await sleep(60_000, undefined, { signal });
    const plan: PrunePlanView = {
      modelHash: model.contentHash,
      criterion: request.criterion,
      source: request.source,
      ranking: request.ranking,
      seed: request.seed,
      target: request.target,
      groups: [],
      skipped: [],
      notes: [],
      cost: { before: cost, after: cost },
    };
    if (request.planOnly) return { plan, artifact: null, report: null };
    return { plan, artifact: await imported(blobs, `${model.name}-pruned`, 'pruned'), report: null };
  },
  compare: async ({ input: { request, model, dataset } }) => {
    const labels = Int32Array.of(0, 1);
    const run = (test: number[]): KeptRun => ({
      seed: request.seed,
      cost,
      accuracyBefore: null,
      validation: test,
      test,
      epochs: 0,
      bestEpoch: null,
      proof: null,
      plan: null,
    });
    return comparisonOf([...request.criteria.map(() => [run([0, 1])]), [run([0, 0])]], {
      request,
      flops: 10,
      labels: { train: labels, validation: labels, test: labels },
      classes: 2,
      headReplaced: null,
      transfer: null,
      hashes: { model: model.contentHash, dataset: dataset.blob },
      engine,
    });
  },
  evaluate: async ({ input: { request } }) => ({
    split: request.split,
    metrics,
    confusion: [
      [1, 0],
      [0, 1],
    ],
    engine,
  }),
  predict: async ({ input: { images, top }, blobs }) => ({
    items: await Promise.all(
      images.map(async ({ file, blob }) => ({
        file,
        classes: [{ name: await stringOf(blobs, blob), probability: 1 }].slice(0, top),
      })),
    ),
    engine,
  }),
};

runChild(handlers, () => Promise.reject(new Failure('engine-unavailable', 'No engine in this test.')));
