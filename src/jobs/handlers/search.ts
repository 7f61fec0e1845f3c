import { Failure } from '../../core/failure.ts';
import type { ImageSet } from '../../core/images.ts';
import type { Network } from '../../core/network/index.ts';
import { cut, elbowOf, type Plan, type Planner, type PruneTarget as PlannedTarget } from '../../core/prune/index.ts';
import { dropBound, leastCertifiableDrop, predict, wilson } from '../../core/stats/index.ts';
import type { Engine } from '../../engine/types.ts';
import type { PruneRequest, PruneTarget, SearchStep } from '../../schema/prunings.ts';
import type { JobContext } from '../types.ts';
import { recalibrated } from './recalibration.ts';

/** Ratios that are tried one after the other. */
const STEP = 0.05;
const STEPS = 19;
/** Halvings between the last ratio that holds and the first that does not: to 0.6 points of ratio. */
const REFINEMENTS = 3;
/** The elbow is looked for up to here; beyond it every network has fallen. */
const ELBOW_STEPS = 18;
const LATENCY_HALVINGS = 7;
const LATENCY_RUNS = 40;
/** Leaves every group what its width rules hold. */
const SMALLEST = 1 - 1e-6;

/** Targets that only measuring can meet. */
export type MeasuredTarget = Exclude<PruneTarget, PlannedTarget>;

export interface Search extends Pick<JobContext<'prune'>, 'progress' | 'signal'> {
  readonly engine: Engine;
  readonly base: Network;
  readonly planner: Planner;
  readonly request: PruneRequest;
  readonly train: ImageSet;
  /** Never test images: the ratio is chosen on these. */
  readonly validation: ImageSet;
  readonly classes: number;
  /** Of the recalibration. */
  readonly seed: number;
}

/** A plan with what was measured to find it. */
export interface FoundPlan {
  readonly plan: Plan;
  readonly steps: readonly SearchStep[];
}

export const isMeasured = (target: PruneTarget): target is MeasuredTarget =>
  'latencyMs' in target || 'accuracyDropMax' in target || 'elbow' in target;

/** Whether validation accuracy decides. */
export const looksAtAccuracy = (target: PruneTarget): boolean => 'accuracyDropMax' in target || 'elbow' in target;

/**
 * The plan of the ratio that meets a measured target.
 *
 * @throws Failure `target-unreachable` with the best that can be reached, `invalid-request` where nothing has to leave
 */
export function searchPlan(target: MeasuredTarget, search: Search): Promise<FoundPlan> {
  if ('latencyMs' in target) return atLatency(target.latencyMs, search);
  return 'elbow' in target ? atElbow(search) : withinDrop(target, search);
}

/** Bisects the ratio: the largest network whose median latency, batch 1, is at or under the target. */
async function atLatency(targetMs: number, { engine, base, planner, progress }: Search): Promise<FoundPlan> {
  const field = 'target.latencyMs';
  const steps: SearchStep[] = [];
  const measure = async (ratio: number): Promise<{ plan: Plan; ms: number; baseMs: number }> => {
    const plan = planner({ ratio });
    const [{ medianMs: baseMs }, { medianMs: ms }] = await engine.latency([base, cut(base, plan)], { batchSize: 1, runs: LATENCY_RUNS });
    steps.push(stepOf(ratio, plan, { latencyMs: ms }));
    progress({ phase: `latency at ratio ${ratio.toFixed(2)}`, done: steps.length, total: LATENCY_HALVINGS + 1 });
    return { plan, ms, baseMs };
  };
  let best = await measure(SMALLEST);
  if (best.baseMs <= targetMs) {
    throw new Failure('invalid-request', `The model takes ${best.baseMs.toFixed(2)} ms already, and the target is ${targetMs} ms.`, {
      hint: 'Give a target below the latency of the model.',
      field,
    });
  }
  if (best.ms > targetMs) {
    throw new Failure('target-unreachable', `${targetMs} ms cannot be reached: the smallest network takes ${best.ms.toFixed(2)} ms.`, {
      hint: `Give a target of at least ${best.ms.toFixed(2)} ms, or choose a base with fewer layers.`,
      field,
    });
  }
  let [under, over] = [SMALLEST, 0];
  for (let halving = 0; halving < LATENCY_HALVINGS; halving++) {
    const ratio = (under + over) / 2;
    const tried = await measure(ratio);
    if (tried.ms > targetMs) over = ratio;
    else [under, best] = [ratio, tried];
  }
  const note = `Ratio ${under.toFixed(3)} was found by bisection: ${best.ms.toFixed(2)} ms, batch 1, on ${engine.info.backend} against ${best.baseMs.toFixed(2)} ms of the base.`;
  return { plan: { ...best.plan, notes: [...best.plan.notes, note] }, steps };
}

/** Raises the ratio step by step as long as the drop of validation accuracy before fine-tuning keeps to the budget. */
async function withinDrop(
  { accuracyDropMax, certify }: { readonly accuracyDropMax: number; readonly certify: boolean },
  search: Search,
): Promise<FoundPlan> {
  const { validation } = search;
  const field = 'target.accuracyDropMax';
  const points = (share: number): string => `${(100 * share).toFixed(2)} points`;
  const least = leastCertifiableDrop(validation.count);
  if (certify && accuracyDropMax < least) {
    throw new Failure(
      'target-unreachable',
      `${validation.count} validation images cannot certify a drop of ${points(accuracyDropMax)}: even with none lost the bound is ${points(least)}.`,
      { hint: `Give at least ${least.toFixed(4)}, more validation images, or "certify": false to go by the estimate.`, field },
    );
  }
  const measure = await accuracies(search);
  const steps: SearchStep[] = [];
  const dropOf = ({ drop, dropBound: bound }: SearchStep): number => (certify ? bound : drop) ?? 1;
  const found: { low: number; failed: number; best?: { ratio: number; plan: Plan; step: SearchStep } } = { low: 0, failed: 1 };
  const tryAt = async (ratio: number): Promise<boolean> => {
    const plan = search.planner({ ratio });
    if (plan.groups.every(({ removed }) => removed.length === 0)) {
      found.low = ratio;
      return true;
    }
    const step = await measure(ratio, plan);
    steps.push(step);
    search.progress({ phase: `accuracy at ratio ${ratio.toFixed(2)}`, done: steps.length, total: STEPS + REFINEMENTS });
    const holds = dropOf(step) <= accuracyDropMax;
    if (holds) [found.low, found.best] = [ratio, { ratio, plan, step }];
    else found.failed = ratio;
    return holds;
  };
  for (let at = 1; at <= STEPS && (await tryAt(at * STEP)); at++);
  for (let refinement = 0; refinement < REFINEMENTS && found.failed < 1; refinement++) await tryAt((found.low + found.failed) / 2);
  const { best } = found;
  if (best === undefined) {
    const smallest = Math.min(...steps.map(dropOf));
    throw new Failure('target-unreachable', `A drop of ${points(accuracyDropMax)} cannot be kept to: the least is ${points(smallest)}.`, {
      hint: `Give at least ${smallest.toFixed(4)}, or a ratio and let fine-tuning recover the rest.`,
      field,
    });
  }
  const { ratio, plan, step } = best;
  const bound = certify ? `one-sided 95 % bound ${points(step.dropBound ?? 1)}` : 'not certified';
  const note = `Ratio ${ratio.toFixed(3)} keeps to the budget on ${validation.count} validation images before fine-tuning: drop ${points(step.drop ?? 1)}, ${bound}.`;
  return { plan: { ...plan, notes: [...plan.notes, note] }, steps };
}

/** The elbow of validation accuracy before fine-tuning against the ratio (Hajbi 2025, Figure 2). */
async function atElbow(search: Search): Promise<FoundPlan> {
  const measure = await accuracies(search);
  const steps: SearchStep[] = [];
  const plans: Plan[] = [];
  for (let at = 1; at <= ELBOW_STEPS; at++) {
    const plan = search.planner({ ratio: at * STEP });
    plans.push(plan);
    steps.push(await measure(at * STEP, plan));
    search.progress({ phase: `accuracy at ratio ${(at * STEP).toFixed(2)}`, done: at, total: ELBOW_STEPS });
  }
  const curve = steps.map(({ ratio, accuracy }) => ({ ratio, accuracy: accuracy?.value ?? 0 }));
  const elbow = elbowOf([{ ratio: 0, accuracy: measure.base }, ...curve]);
  const chosen = Math.max(0, elbow - 1);
  const note =
    elbow === 0
      ? `Accuracy falls from the first step on: there is no elbow, and the smallest ratio tried, ${STEP}, was taken.`
      : `Ratio ${steps[chosen].ratio.toFixed(2)} is the elbow of the accuracy on ${search.validation.count} validation images.`;
  return { plan: { ...plans[chosen], notes: [...plans[chosen].notes, note] }, steps };
}

/** Measures validation accuracy of plans, against the base's. */
async function accuracies({ engine, base, request, train, validation, classes, seed, progress, signal }: Search) {
  const right = async (network: Network): Promise<boolean[]> => {
    const { predicted } = predict(await engine.logits(network, validation, { signal }), classes);
    return Array.from(predicted, (answer, image) => answer === validation.labels[image]);
  };
  const before = await right(base);
  const count = (flags: readonly boolean[]): number => flags.filter(Boolean).length;
  const measure = async (ratio: number, plan: Plan): Promise<SearchStep> => {
    const pruned = cut(base, plan);
    const after = await right(request.recalibrate ? await recalibrated(engine, pruned, train, { seed, progress, signal }) : pruned);
    const lost = count(before.map((was, image) => was && !after[image]));
    const gained = count(after.map((is, image) => is && !before[image]));
    return stepOf(ratio, plan, {
      accuracy: wilson(count(after), after.length),
      drop: (lost - gained) / after.length,
      dropBound: dropBound(lost, gained, after.length),
    });
  };
  return Object.assign(measure, { base: count(before) / before.length });
}

function stepOf(ratio: number, { cost }: Plan, measured: Partial<SearchStep>): SearchStep {
  return { ratio, flops: cost.after.flops, accuracy: null, drop: null, dropBound: null, latencyMs: null, ...measured };
}
