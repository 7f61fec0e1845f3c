import type { ImageSet } from '../../core/images.ts';
import type { Network } from '../../core/network/index.ts';
import { createPlanner } from '../../core/prune/index.ts';
import { predict } from '../../core/stats/index.ts';
import type { ComparedCriterion, CompareRequest } from '../../schema/comparisons.ts';
import type { PruneRequest } from '../../schema/prunings.ts';
import type { Checkpoints } from '../../engine/types.ts';
import type { JobHandler } from '../types.ts';
import { classMatch } from './classes.ts';
import { comparisonOf, keptRun, labelOf, type KeptRun } from './comparison.ts';
import { inputSizeOf, packSplits } from './images.ts';
import { loadNetwork, stampOf, totalCost } from './models.ts';
import { refuseUnplannable } from './planning.ts';
import { createRunClock } from './run-clock.ts';
import { prunedBase } from './pruned.ts';
import { fineTuned, fittedBase, trainingDocument, withHeadFor, type Run } from './stages.ts';

/** Seeds of two runs are so far apart that no part of the one repeats the other's draws. */
const SEED_STEP = 1000;

/**
 * Criteria side by side (METHOD.md §8): from one base, to the same FLOPs, with the same fine-tuning and the same seeds, and
 * beside them the unpruned base fine-tuned identically. Finished runs are kept, so that a killed job goes on with the next.
 */
export const compare: JobHandler<'compare'> = async (context) => {
  const { request, model, dataset } = context.input;
  const given = await loadNetwork(context.blobs, model);
  const likely = classMatch(given, dataset) === 'other' ? withHeadFor(given, dataset, request) : given;
  const flops = flopsOf(likely, request);
  const pruneRequests = request.criteria.map((criterion) => pruneRequestOf(request, criterion, flops));
  for (const one of pruneRequests) refuseUnplannable(likely, one);

  const images = await packSplits(context, dataset, inputSizeOf(given), ['train', 'validation', 'test']);
  const engine = await context.engine();
  const run: Run = { ...context, engine, model, dataset, images };
  const ways = [...pruneRequests, null];
  const clock = createRunClock(ways.length * request.seeds + (likely === given ? 0 : 1), context.progress);
  const { base, headReplaced, transfer } = await fittedBase({ ...run, progress: clock.begin('transfer') }, given, request);
  if (transfer) clock.finished();

  const kept: KeptRun[][] = ways.map(() => []);
  // All criteria with the first seed, then with the next: what is there when the job is stopped can be compared.
  for (let at = 0; at < request.seeds; at++) {
    const seed = request.seed + at * SEED_STEP;
    for (const [way, asked] of ways.entries()) {
      const label = asked === null ? 'unpruned' : labelOf(request.criteria[way]);
      const title = `${label}, seed ${at + 1} of ${request.seeds}:`;
      // A run has checkpoints of its own.
      const checkpoints: Run['checkpoints'] = (name) => context.checkpoints(`${way}-${at}-${name}`);
      const result = await remembered(checkpoints('run'), () => {
        const own: Run = { ...run, checkpoints, progress: clock.begin(title) };
        return asked === null ? unprunedRun(own, base, { ...request, seed }) : prunedRun(own, base, { ...asked, seed });
      });
      // It is not gone on with any more: what it holds of weights and moments makes room.
      await checkpoints('fine-tune').save(new Uint8Array());
      kept[way].push(result);
      clock.finished();
      context.log(`${title} ${(100 * shareRight(result.validation, images.validation)).toFixed(1)} % of the validation images`);
    }
  }
  return comparisonOf(kept, {
    request,
    flops,
    labels: { train: images.train.labels, validation: images.validation.labels, test: images.test.labels },
    classes: dataset.report.classes.length,
    headReplaced,
    transfer: transfer && trainingDocument(transfer),
    hashes: { model: model.contentHash, dataset: dataset.blob },
    engine: stampOf(engine),
  });
};

/** FLOPs that every pruned model may have. */
function flopsOf(network: Network, { target, layers, roundTo, minChannels, protect, seed }: CompareRequest): number {
  if ('flops' in target) return target.flops;
  const planner = createPlanner(network, { criterion: 'l1', layers, roundTo, minChannels, protect, seed });
  return planner(target).cost.after.flops;
}

function pruneRequestOf(request: CompareRequest, criterion: ComparedCriterion, flops: number): PruneRequest {
  const { criteria: _criteria, seeds: _seeds, ...shared } = request;
  return { ...shared, ...criterion, target: { flops }, planOnly: false };
}

async function prunedRun(run: Run, base: Network, request: PruneRequest): Promise<KeptRun> {
  const { plan, proof, parts, networks, tuned, final } = await prunedBase(run, base, request);
  const before = networks.findLast(([stage]) => stage !== 'fineTuned')?.[1] ?? base;
  return {
    ...(await measured(run, final)),
    seed: request.seed,
    accuracyBefore: shareRight(await answersOf(run, before, run.images.validation), run.images.validation),
    epochs: [tuned?.history, ...parts.map(({ training }) => training?.history)].reduce((sum, history = []) => sum + history.length, 0),
    bestEpoch: tuned?.bestEpoch ?? null,
    proof: proof.relativeDifference,
    plan,
  };
}

async function unprunedRun(run: Run, base: Network, request: CompareRequest): Promise<KeptRun> {
  const tuned = await fineTuned(run, base, request, base);
  return {
    ...(await measured(run, tuned?.network ?? base)),
    seed: request.seed,
    accuracyBefore: null,
    epochs: tuned?.history.length ?? 0,
    bestEpoch: tuned?.bestEpoch ?? null,
    proof: null,
    plan: null,
  };
}

/** What a finished network answers; each looks at the test images once. */
async function measured(run: Run, network: Network): Promise<Pick<KeptRun, 'cost' | 'validation' | 'test'>> {
  return {
    cost: totalCost(network),
    validation: await answersOf(run, network, run.images.validation),
    test: await answersOf(run, network, run.images.test),
  };
}

async function answersOf({ engine, dataset, progress, signal }: Run, network: Network, images: ImageSet): Promise<number[]> {
  const logits = await engine.logits(network, images, { onProgress: (one) => progress({ ...one, phase: 'measure' }), signal });
  return Array.from(predict(logits, dataset.report.classes.length).predicted);
}

const shareRight = (answers: readonly number[], { labels, count }: ImageSet): number =>
  answers.filter((answer, image) => answer === labels[image]).length / count;

/** The run that an earlier attempt of this job finished, or else this one. */
async function remembered(checkpoints: Checkpoints, make: () => Promise<KeptRun>): Promise<KeptRun> {
  const bytes = await checkpoints.load();
  if (bytes !== undefined) return keptRun.parse(JSON.parse(new TextDecoder().decode(bytes)));
  const made = await make();
  await checkpoints.save(new TextEncoder().encode(JSON.stringify(made)));
  return made;
}
