import type { ImageSet } from '../../core/images.ts';
import { type Network, replaceHead } from '../../core/network/index.ts';
import { cut } from '../../core/prune/index.ts';
import { createRandom } from '../../core/random.ts';
import { compareLogits } from '../../core/stats/index.ts';
import type { TrainResult } from '../../engine/types.ts';
import type { ProfileResult } from '../../schema/profiles.ts';
import type { PrunePlanView, PruneReport, Stage, StageName, Training } from '../../schema/prunings.ts';
import type { DatasetRef, JobHandler } from '../types.ts';
import { classesOf, classMatch, classNamesOf } from './classes.ts';
import { estimateJob } from './estimate.ts';
import { inputSizeOf, packSplits } from './images.ts';
import { measure, type Measuring } from './measure.ts';
import { loadNetwork, profileWeights, registerable, stampOf, totalCost } from './models.ts';
import { planFor, refuseUnplannable, remembered, unknownClasses } from './planning.ts';
import { provePlan } from './proof.ts';
import { recalibrated } from './recalibration.ts';
import { recipeOf } from './recipes.ts';
import { looksAtAccuracy } from './search.ts';

const LATENCY_RUNS = 30;

/** Seeds of the parts of one run differ, so that no part repeats another's draws. */
const SEEDS = { head: 1, recalibration: 2, transfer: 3, fineTuning: 4, evidence: 5 } as const;

/**
 * One whole pruning (METHOD.md §2–§5): the base made to fit the target's classes, the plan, its proof, the cut,
 * recalibration and fine-tuning, each stage measured; or the plan alone.
 */
export const prune: JobHandler<'prune'> = async (context) => {
  const { request, model, dataset } = context.input;
  const given = await loadNetwork(context.blobs, model);
  const replaced = (): Network => replaceHead(given, classNamesOf(dataset), createRandom(request.seed + SEEDS.head));
  const likely = classMatch(given, dataset) === 'other' ? replaced() : given;
  refuseUnplannable(likely, request);
  const seeds = { evidence: request.seed + SEEDS.evidence, recalibration: request.seed + SEEDS.recalibration };
  if (request.planOnly) {
    const pack = once(() => packSplits(context, dataset, inputSizeOf(given), ['train', 'validation']));
    if (looksAtAccuracy(request.target)) {
      const measuring = { ...context, engine: await context.engine(), dataset };
      if (!(await headFits(measuring, given, (await pack()).validation))) throw unknownClasses();
    }
    const planned = await planFor(likely, { ...context, request, seeds, images: pack });
    const estimate = estimateJob(likely, planned, { request, dataset, replaced: likely !== given });
    return { plan: { ...planned, estimate }, artifact: null, report: null };
  }

  const images = await packSplits(context, dataset, inputSizeOf(given), ['train', 'validation', 'test']);
  const engine = await context.engine();
  const measuring: Measuring = { ...context, engine, dataset };
  const fits = await headFits(measuring, given, images.validation);
  const headed = fits ? named(given, dataset) : replaced();
  const train = (network: Network, name: string, seed: number, teacher?: Network): Promise<TrainResult> => {
    const recipe = recipeOf(request.fineTune, request.seed + seed);
    return engine.train(network, images.train, images.validation, teacher ? recipe : { ...recipe, distillation: undefined }, {
      onProgress: (progress) => context.progress({ ...progress, phase: `${name} ${progress.phase}` }),
      signal: context.signal,
      checkpoints: context.checkpoints(name),
      teacher,
    });
  };

  if (!fits)
    context.log(
      `head ${classesOf(given)} → ${classesOf(headed)} classes, replaced; the base is fine-tuned on ${images.train.count} images`,
    );
  const transfer = fits ? null : await train(headed, 'base', SEEDS.transfer);
  const base = transfer?.network ?? headed;

  const planned = await remembered(context.checkpoints('plan'), () =>
    planFor(base, { ...context, request, seeds, images: async () => images }),
  );
  const pruned = cut(base, planned);
  const proof = await provePlan(engine, base, pruned, planned, images.validation);
  context.log(
    `masked ≡ compacted on ${proof.images} images, largest difference ${proof.relativeDifference.toExponential(1)} of the outputs' scale`,
  );

  const networks: Partial<Record<StageName, Network>> = { base, pruned };
  if (request.recalibrate) {
    networks.recalibrated = await recalibrated(engine, pruned, images.train, { ...context, seed: seeds.recalibration });
  }
  const start = networks.recalibrated ?? pruned;
  const tuned = request.fineTune.epochs === 0 ? null : await train(start, 'fine-tune', SEEDS.fineTuning, base);
  if (tuned) networks.fineTuned = tuned.network;
  const final = tuned?.network ?? start;

  const [baseMs, finalMs] = await engine.latency([base, final], { batchSize: 1, runs: LATENCY_RUNS });
  const testBase = await measure(measuring, base, images.test, 'base on test');
  const testFinal = await measure(measuring, final, images.test, 'final on test');
  const stages: Stage[] = [];
  for (const [name, network] of Object.entries(networks) as [StageName, Network][]) {
    const isFinal = network === final;
    stages.push({
      name,
      validation: (await measure(measuring, network, images.validation, `${name} on validation`)).metrics,
      test: network === base ? testBase.metrics : isFinal ? testFinal.metrics : null,
      cost: totalCost(network),
      latencyMs: network === base ? baseMs : isFinal ? finalMs : null,
    });
  }
  const paired = compareLogits(testBase.logits, testFinal.logits, images.test.labels, classNamesOf(dataset).length, { seed: 0 });
  const artifact = await registerable(
    context.blobs,
    { ...final, metadata: { ...final.metadata, name: artifactName(base, planned) } },
    { format: 'pruned' },
  );
  const report: PruneReport = {
    headReplaced: fits ? null : { from: classesOf(given), to: classesOf(headed) },
    transfer: transfer && trainingDocument(transfer),
    plan: planned,
    proof,
    stages,
    fineTuning: tuned && trainingDocument(tuned),
    speedUp: planned.cost.before.flops / planned.cost.after.flops,
    speedUpMeasured: baseMs / finalMs,
    difference: {
      accuracy: paired.accuracy,
      macroF1: paired.macroF1,
      mcnemarP: paired.mcNemar.pValue,
      images: paired.count,
      split: 'test',
    },
    layers: layerChanges(profileWeights(base, { layers: 'conv', seed: 0 }), artifact.profile),
    hashes: { model: model.contentHash, dataset: dataset.blob, artifact: artifact.contentHash },
    seed: request.seed,
    engine: stampOf(engine),
    notes: [...planned.notes],
  };
  return { plan: planned, artifact, report };
};

/**
 * Whether the head answers the dataset's classes. One that does not name its classes does when it is surely better on the
 * validation images than always answering their commonest class; CIFAR's ten are not the ten digits.
 */
async function headFits(measuring: Measuring, network: Network, validation: ImageSet): Promise<boolean> {
  const match = classMatch(network, measuring.dataset);
  if (match !== 'unnamed') return match === 'same';
  const { metrics } = await measure(measuring, network, validation, 'head on validation');
  const commonest = Math.max(...metrics.perClass.map(({ images }) => images)) / metrics.images;
  return metrics.accuracy.low > commonest;
}

/** A model that did not name its classes takes the dataset's names. */
function named(network: Network, dataset: DatasetRef): Network {
  return { ...network, metadata: { ...network.metadata, classNames: classNamesOf(dataset) } };
}

function artifactName({ metadata }: Network, { criterion, cost }: PrunePlanView): string {
  return `${metadata.name}-${criterion}-${(cost.before.flops / cost.after.flops).toFixed(1)}x`;
}

function trainingDocument({ history, bestEpoch, imagesPerSecond }: TrainResult): Training {
  return { epochs: history.length, bestEpoch, imagesPerSecond, history: [...history] };
}

function layerChanges(before: ProfileResult, after: ProfileResult): PruneReport['layers'] {
  return before.layers.map((layer, i) => ({
    layer: layer.layer,
    kernelsBefore: layer.kernels,
    kernelsAfter: after.layers[i].kernels,
    diversityBefore: layer.dice?.diversity ?? null,
    diversityAfter: after.layers[i].dice?.diversity ?? null,
  }));
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => (made ??= make());
}
