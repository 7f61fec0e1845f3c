import { Failure } from '../../../core/failure.ts';
import { firstImages, type ImageSet } from '../../../core/images.ts';
import type { Network } from '../../../core/network/index.ts';
import { createPlanner, cut, type Plan } from '../../../core/prune/index.ts';
import type { Engine, Latency } from '../../../engine/types.ts';
import { pruneRequest, type PruneRequest, type PruneTarget } from '../../../schema/prunings.ts';
import type { RecommendRequest } from '../../../schema/recommendations.ts';
import type { Cut, Fit, Observed } from '../../recommendation/entries.ts';
import { classesOf } from '../classes.ts';
import { arithmeticWith } from '../dice.ts';
import { recalibrated } from '../recalibration.ts';
import { isMeasured, searchPlan } from '../search.ts';
import type { TargetImages } from './images.ts';
import type { Observing } from './observe.ts';

const LATENCY_RUNS = 40;
/** From quartile to quartile, as a share of the median: more than this is another program's doing. */
const STEADY_SPREAD = 0.2;
/** Training images that BatchNormalization statistics are taken on; their mean settles after a few hundred (METHOD.md §5). */
const RECALIBRATION_IMAGES = 2000;

/** What a candidate is cut with. */
export interface Fitting extends Observing {
  readonly request: RecommendRequest;
  readonly images: TargetImages;
  /** Looks at the cut network as at every candidate. */
  observe(network: Network): Promise<Observed>;
}

/**
 * How a candidate stands to the limits, and what it becomes when Dice pruning makes it fit: planned, cut, recalibrated on
 * training images and looked at again, not fine-tuned.
 */
export async function fit(network: Network, { flops, params }: { flops: number; params: number }, fitting: Fitting): Promise<Fit> {
  const { engine, request } = fitting;
  const { flopsMax, paramsMax, latencyMsMax, afterPruning } = request.constraints;
  const latency = latencyMsMax === undefined ? null : await latencyOf(engine, network);
  const latencyMs = latency?.medianMs ?? null;
  const isSteady = latency === null || (latency.highMs - latency.lowMs) / latency.medianMs <= STEADY_SPREAD;
  const over: PruneTarget[] = [];
  if (flopsMax !== undefined && flops > flopsMax) over.push({ flops: flopsMax });
  if (paramsMax !== undefined && params > paramsMax) over.push({ params: paramsMax });
  if (latencyMsMax !== undefined && latencyMs !== null && latencyMs > latencyMsMax) over.push({ latencyMs: latencyMsMax });
  if (over.length === 0 || !afterPruning) return { latencyMs, isSteady, cut: null };
  try {
    const cut = await cutTo(network, over, fitting);
    // Measured again it may be fast enough as it is.
    return cut.channelsRemoved === 0 ? { latencyMs: cut.latencyMs, isSteady, cut: null } : { latencyMs, isSteady, cut };
  } catch (error) {
    if (!(error instanceof Failure) || error.code === 'cancelled') throw error;
    return { latencyMs, isSteady, cut: { failed: [error.message, error.hint].filter(Boolean).join(' ') } };
  }
}

async function cutTo(network: Network, targets: readonly PruneTarget[], fitting: Fitting): Promise<Cut> {
  const { engine, request, images } = fitting;
  const plans: { target: PruneTarget; plan: Plan }[] = [];
  for (const target of targets) plans.push({ target, plan: await planFor(network, target, fitting) });
  // All costs fall together, so that the plan which goes furthest keeps to the other limits too.
  const { target, plan } = plans.reduce((a, b) => (b.plan.cost.after.flops < a.plan.cost.after.flops ? b : a));
  const smaller = await recalibratedCut(network, plan, fitting, images.train);
  return {
    target,
    groups: plan.groups.map(({ id, channels, removed }) => ({ id, channels, removed })),
    channelsRemoved: plan.groups.reduce((sum, { removed }) => sum + removed.length, 0),
    channels: plan.groups.reduce((sum, { channels }) => sum + channels, 0),
    latencyMs: request.constraints.latencyMsMax === undefined ? null : (await latencyOf(engine, smaller)).medianMs,
    observed: await fitting.observe(smaller),
  };
}

async function planFor(network: Network, target: PruneTarget, { request, engine, images, seed, progress, signal }: Fitting): Promise<Plan> {
  const asked = pruneRequestOf(request, target);
  const planner = createPlanner(network, { ...asked, arithmetic: arithmeticWith(engine) });
  if (!isMeasured(target)) return planner(target);
  const { train, validation } = images;
  const about = { engine, base: network, planner, request: asked, train, validation, classes: classesOf(network), seed, progress, signal };
  return (await searchPlan(target, about)).plan;
}

/** `POST /prune` with all its defaults, for the planner. */
export function pruneRequestOf({ dataset, seed }: Pick<RecommendRequest, 'dataset' | 'seed'>, target: PruneTarget): PruneRequest {
  return pruneRequest.parse({ model: `mdl_${'0'.repeat(26)}`, dataset, target, seed });
}

/** The network without the channels of a plan, with the BatchNormalization statistics that it then has. */
export function recalibratedCut(
  network: Network,
  plan: Pick<Cut, 'groups'>,
  { engine, seed, progress, signal }: Observing,
  train: ImageSet,
): Promise<Network> {
  return recalibrated(engine, cut(network, plan), firstImages(train, RECALIBRATION_IMAGES), { seed, progress, signal });
}

async function latencyOf(engine: Engine, network: Network): Promise<Latency> {
  const [latency] = await engine.latency([network], { batchSize: 1, runs: LATENCY_RUNS });
  return latency;
}
