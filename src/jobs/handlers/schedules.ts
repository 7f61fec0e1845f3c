import type { Network } from '../../core/network/index.ts';
import {
  amountOf,
  compose,
  cut,
  planPruning,
  prunableGroups,
  scheduleOf,
  sparseTrainings,
  stepTargets,
  type PruneTarget as KnownTarget,
  type Schedule,
} from '../../core/prune/index.ts';
import type { TrainResult } from '../../engine/types.ts';
import type { PrunePlanView, PruneReport, PruneRequest, SchedulePart } from '../../schema/prunings.ts';
import { arithmeticWith } from './dice.ts';
import { measure } from './measure.ts';
import { totalCost } from './models.ts';
import { planFor, remembered } from './planning.ts';
import { provePlan } from './proof.ts';
import { recipeOf, sparseRecipeOf } from './recipes.ts';
import { isMeasured } from './search.ts';
import { seedOf, trained, trainingDocument, type Run } from './stages.ts';

type Proof = PruneReport['proof'];

/** What a schedule made of a base: the plan in all, and the network whose channels have left. */
export interface Scheduled {
  readonly plan: PrunePlanView;
  readonly proof: Proof;
  readonly pruned: Network;
  /** The whole network after sparse training, where there was one: what was cut. */
  readonly sparse: Network | undefined;
  readonly parts: readonly SchedulePart[];
}

/**
 * Chooses and cuts as the request's schedule says, with the trainings that belong to it. Plans and trainings are kept in
 * checkpoints, so that a killed job goes on where it was.
 */
export async function scheduled(run: Run, base: Network, request: PruneRequest): Promise<Scheduled> {
  const schedule = scheduleOf(request);
  switch (schedule.kind) {
    case 'one-shot':
      return { ...(await planAndCut(run, base, request, { name: 'plan' })), sparse: undefined, parts: [] };
    case 'sparse':
      return afterSparseTraining(run, base, request, schedule);
    case 'iterative':
      return inSteps(run, base, request, schedule);
  }
}

async function planAndCut(
  run: Run,
  network: Network,
  request: PruneRequest,
  { name, original }: { readonly name: string; readonly original?: Network },
): Promise<{ plan: PrunePlanView; proof: Proof; pruned: Network }> {
  const plan = await planned(run, network, request, { name, original });
  return { plan, ...(await provenCut(run, network, plan)) };
}

function planned(
  run: Run,
  network: Network,
  request: PruneRequest,
  { name, original }: { readonly name: string; readonly original?: Network },
): Promise<PrunePlanView> {
  const { engine, images, model } = run;
  const seeds = { evidence: seedOf(request, 'evidence'), recalibration: seedOf(request, 'recalibration') };
  return remembered(run.checkpoints(name), () =>
    planFor(network, {
      ...run,
      modelHash: model.contentHash,
      engine: async () => engine,
      arithmetic: async () => arithmeticWith(engine),
      request,
      seeds,
      images: async () => images,
      original,
    }),
  );
}

async function provenCut(run: Run, network: Network, plan: PrunePlanView): Promise<{ proof: Proof; pruned: Network }> {
  const pruned = cut(network, plan);
  const proof = await provePlan(run.engine, network, pruned, plan, run.images.validation);
  run.log(
    `masked ≡ compacted on ${proof.images} images, largest difference ${proof.relativeDifference.toExponential(1)} of the outputs' scale`,
  );
  return { proof, pruned };
}

/** The criterion's sparse training of the whole network, then one cut (METHOD.md §4). */
async function afterSparseTraining(
  run: Run,
  base: Network,
  request: PruneRequest,
  { epochs, strength }: Extract<Schedule, { kind: 'sparse' }>,
): Promise<Scheduled> {
  const groups = prunableGroups(base, request);
  const parts: SchedulePart[] = [];
  const asked = { name: 'plan' };
  let plan: PrunePlanView | undefined;
  let sparse = base;
  for (const [at, phase] of sparseTrainings[request.criterion].phases.entries()) {
    if (phase.chosen) plan ??= await planned(run, sparse, request, asked);
    const hook = phase.hook(sparse, {
      groups,
      removals: plan?.groups ?? [],
      strength: strength ?? 0,
      choose: (now) => planPruning(now, { ...request, target: knownTarget(request) }).groups,
    });
    const recipe = sparseRecipeOf(request.fineTune, Math.max(1, Math.round(phase.share * epochs)), seedOf(request, 'schedule') + at);
    const result = await trained(run, sparse, { name: phase.name, recipe, hook });
    sparse = result.network;
    parts.push(await partOf(run, phase.name, sparse, { training: result }));
  }
  plan ??= await planned(run, sparse, request, asked);
  return { plan, ...(await provenCut(run, sparse, plan)), sparse, parts };
}

/**
 * Channels leave in steps, each chosen by the weights as trained so far. With rewinding (Frankle & Carbin 2019, structured)
 * the weights then go back to those of the early network, cut likewise.
 */
async function inSteps(
  run: Run,
  base: Network,
  request: PruneRequest,
  { steps, epochsPerStep, rewindEpochs }: Extract<Schedule, { kind: 'iterative' }>,
): Promise<Scheduled> {
  const rewinds = rewindEpochs !== null;
  const parts: SchedulePart[] = [];
  const plans: PrunePlanView[] = [];
  const proofs: Proof[] = [];
  let target: KnownTarget | null = null;
  const train = async (network: Network, step: number, epochs: number): Promise<Network> => {
    if (epochs === 0) return network;
    const title = step === 0 ? 'early' : `step ${step}`;
    const recipe = recipeOf({ ...request.fineTune, epochs }, seedOf(request, 'schedule') + step);
    const result = await trained(run, network, {
      name: title.replace(' ', '-'),
      recipe: step === 0 ? { ...recipe, patience: undefined, result: 'last' } : recipe,
      teacher: rewinds ? undefined : base,
    });
    parts.push(await partOf(run, title, result.network, { target, training: result }));
    return result.network;
  };
  let current = rewinds ? await train(base, 0, rewindEpochs) : base;
  for (const [at, next] of stepTargets(knownTarget(request), totalCost(base), steps).entries()) {
    const judged = rewinds ? await train(current, at + 1, epochsPerStep) : current;
    if (isReached(judged, next)) continue;
    const asked = { name: `plan-${at + 1}`, original: base };
    const { plan, proof, pruned } = await planAndCut(run, judged, { ...request, target: next }, asked);
    plans.push(plan);
    proofs.push(proof);
    target = next;
    current = rewinds ? cut(current, plan) : pruned;
    if (!rewinds && at < steps - 1) current = await train(current, at + 1, epochsPerStep);
  }
  return {
    plan: { ...compose(base, plans), target: request.target },
    proof: proofs.reduce((worst, proof) => (proof.relativeDifference > worst.relativeDifference ? proof : worst)),
    pruned: current,
    sparse: undefined,
    parts,
  };
}

/** Widths are coarse: a step may come so far under its target that the next has nothing to do. */
function isReached(network: Network, target: KnownTarget): boolean {
  if ('ratio' in target) return false;
  const [metric, amount] = amountOf(target);
  return totalCost(network)[metric] <= amount;
}

function knownTarget({ target }: PruneRequest): KnownTarget {
  if (isMeasured(target)) throw new Error('A schedule that chooses while it trains was given a target to search.');
  return target;
}

async function partOf(
  run: Run,
  name: string,
  network: Network,
  { target = null, training }: { readonly target?: KnownTarget | null; readonly training: TrainResult },
): Promise<SchedulePart> {
  const { metrics } = await measure(run, network, run.images.validation, `${name} on validation`);
  const cost = totalCost(network);
  run.log(
    `${name}: ${training.history.length} epochs at ${(cost.flops / 1e6).toFixed(1)}M FLOPs, then ${(100 * metrics.accuracy.value).toFixed(1)} % of the validation images`,
  );
  return {
    name,
    target: target && structuredClone(target),
    cost,
    validationAccuracy: metrics.accuracy,
    training: trainingDocument(training),
  };
}
