import { type Network } from '../../core/network/index.ts';
import { criterionOf } from '../../core/prune/index.ts';
import { compareLogits } from '../../core/stats/index.ts';
import type { ProfileResult } from '../../schema/profiles.ts';
import type { PrunePlanView, PruneReport, Stage } from '../../schema/prunings.ts';
import type { JobContext, JobHandler } from '../types.ts';
import { classMatch, classNamesOf } from './classes.ts';
import { arithmeticWith } from './dice.ts';
import { inputSizeOf, packSplits } from './images.ts';
import { measure } from './measure.ts';
import { loadNetwork, profileWeights, registerable, stampOf, totalCost } from './models.ts';
import { planAlone } from './plan-alone.ts';
import { refuseUnplannable } from './planning.ts';
import { prunedBase, type PrunedBase } from './pruned.ts';
import { fittedBase, trainingDocument, withHeadFor, type FittedBase, type Run } from './stages.ts';

/** One image at a time, as a device answers, and batches as a server makes them; the first is what the stages tell. */
const LATENCY_BATCHES = [
  { batchSize: 1, runs: 30 },
  { batchSize: 8, runs: 15 },
  { batchSize: 32, runs: 10 },
];

/**
 * One whole pruning (METHOD.md §2–§5): the base made to fit the target's classes, the plan, its proof, the cut,
 * recalibration and fine-tuning, each stage measured; or the plan alone.
 */
export const prune: JobHandler<'prune'> = async (context) => {
  const { request, model, dataset } = context.input;
  const given = await loadNetwork(context.blobs, model);
  if (request.planOnly) {
    const images = once(() => packSplits(context, dataset, inputSizeOf(given), ['train', 'validation']));
    // Comparing needs no engine, and waits for none.
    const arithmetic = async () => arithmeticWith(criterionOf(request.criterion).compares ? undefined : await context.engine());
    return { plan: await planAlone(given, context.input, { ...context, images, arithmetic }), artifact: null, report: null };
  }
  refuseUnplannable(classMatch(given, dataset) === 'other' ? withHeadFor(given, dataset, request) : given, request);

  const images = await packSplits(context, dataset, inputSizeOf(given), ['train', 'validation', 'test']);
  const run: Run = { ...context, engine: await context.engine(), model, dataset, images };
  const fitted = await fittedBase(run, given, request);
  const pruned = await prunedBase(run, fitted.base, request);
  return reported(context, run, fitted, pruned);
};

/** Measures the stages, registers the artifact and tells all of it. Test images are looked at here and only here. */
async function reported(
  { blobs, cache, input: { request, model, dataset } }: JobContext<'prune'>,
  run: Run,
  { base, headReplaced, transfer, validation: known }: FittedBase,
  { plan, proof, parts, networks, tuned, final }: PrunedBase,
): Promise<{ plan: PrunePlanView; artifact: Awaited<ReturnType<typeof registerable>>; report: PruneReport }> {
  const { engine, images } = run;
  const latency: PruneReport['latency'] = [];
  for (const { batchSize, runs } of LATENCY_BATCHES) {
    const [ofBase, ofFinal] = await engine.latency([base, final], { batchSize, runs });
    latency.push({ batchSize, base: ofBase, final: ofFinal, speedUp: ofBase.medianMs / ofFinal.medianMs });
  }
  const [one] = latency;
  const testBase = await measure(run, base, images.test, 'base on test');
  const testFinal = await measure(run, final, images.test, 'final on test');
  const stages: Stage[] = [];
  for (const [name, network] of [['base', base] as const, ...networks]) {
    const isFinal = network === final;
    stages.push({
      name,
      validation: (network === base && known) || (await measure(run, network, images.validation, `${name} on validation`)).metrics,
      test: network === base ? testBase.metrics : isFinal ? testFinal.metrics : null,
      cost: totalCost(network),
      latencyMs: network === base ? one.base.medianMs : isFinal ? one.final.medianMs : null,
    });
  }
  const paired = compareLogits(testBase.logits, testFinal.logits, images.test.labels, classNamesOf(dataset).length, { seed: 0 });
  const artifact = await registerable(
    { blobs, cache },
    { ...final, metadata: { ...final.metadata, name: artifactName(base, plan) } },
    { format: 'pruned' },
  );
  const report: PruneReport = {
    headReplaced,
    transfer: transfer && trainingDocument(transfer),
    plan,
    proof,
    ...(parts.length > 0 && { schedule: [...parts] }),
    stages,
    fineTuning: tuned && trainingDocument(tuned),
    speedUp: plan.cost.before.flops / plan.cost.after.flops,
    speedUpMeasured: one.speedUp,
    latency,
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
    notes: [...plan.notes],
  };
  return { plan, artifact, report };
}

function artifactName({ metadata }: Network, { criterion, cost }: PrunePlanView): string {
  return `${metadata.name}-${criterion}-${(cost.before.flops / cost.after.flops).toFixed(1)}x`;
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
