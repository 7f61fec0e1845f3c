import { Failure } from '../../core/failure.ts';
import type { ImageSet } from '../../core/images.ts';
import type { Network } from '../../core/network/index.ts';
import {
  checkPlan,
  createPlanner,
  criterionOf,
  cut,
  replayPlan,
  scheduleOf,
  type Arithmetic,
  type Magnitudes,
  type Plan,
  type StoredSimilarities,
} from '../../core/prune/index.ts';
import type { Checkpoints } from '../../engine/types.ts';
import { plan as planSchema, type PrunePlanView, type PruneRequest } from '../../schema/prunings.ts';
import type { JobContext } from '../types.ts';
import { classesOf } from './classes.ts';
import { collectEvidence, needsOf } from './evidence.ts';
import { isMeasured, searchPlan } from './search.ts';

export interface Planning extends Pick<JobContext<'prune'>, 'engine' | 'progress' | 'signal'> {
  readonly request: PruneRequest;
  /** Content hash of the model that is pruned. */
  readonly modelHash: string;
  /** Read when the criterion or the target looks at images. */
  images(): Promise<{ readonly train: ImageSet; readonly validation: ImageSet }>;
  readonly seeds: { readonly evidence: number; readonly recalibration: number };
  /** Dice similarities and magnitudes of the network's kernels, where they are known already. */
  readonly similarities?: StoredSimilarities;
  readonly magnitudes?: Magnitudes;
  /** Asked for by criteria that look at every pair of kernels. */
  arithmetic(): Promise<Arithmetic>;
  /** The network before earlier steps of a schedule. */
  readonly original?: Network;
}

/**
 * The plan that a request asks for: what its criterion looks at is collected, channels are scored once, and the target is
 * met, by search where only measuring can meet it.
 *
 * @throws Failure as `planPruning` and `searchPlan`
 */
export async function planFor(base: Network, planning: Planning): Promise<PrunePlanView> {
  const { request, modelHash, seeds, similarities, magnitudes, original } = planning;
  if (request.plan) return documentOf({ ...replayPlan(base, request.plan), modelHash, target: request.target });
  const needs = needsOf(request);
  const evidence =
    needs.length === 0
      ? {}
      : await collectEvidence(base, needs, {
          ...planning,
          engine: await planning.engine(),
          images: (await planning.images()).train,
          seed: seeds.evidence,
        });
  const arithmetic = criterionOf(request.criterion).pairwise ? await planning.arithmetic() : undefined;
  const planner = createPlanner(base, { ...request, evidence, similarities, magnitudes, arithmetic, original });
  const { target } = request;
  if (!isMeasured(target)) return documentOf({ ...planner(target), modelHash });
  const { plan, steps } = await searchPlan(target, {
    ...planning,
    ...(await planning.images()),
    engine: await planning.engine(),
    base,
    planner,
    classes: classesOf(base),
    seed: seeds.recalibration,
  });
  return { ...documentOf({ ...plan, modelHash, target }), search: [...steps] };
}

/** Refuses what cannot be planned before anything is run or trained. */
export function refuseUnplannable(network: Network, request: PruneRequest): void {
  scheduleOf(request);
  if (request.plan) return void cut(network, request.plan);
  const { target } = request;
  const measured = isMeasured(target);
  // A plan alone, of weights alone, is made at once and refuses by itself.
  if (request.planOnly && !measured && needsOf(request).length === 0) return;
  checkPlan(network, { ...request, target: measured ? { ratio: 0.5 } : target });
}

/** A target of accuracy needs a network that knows the classes; a plan alone trains none. */
export function unknownClasses(): Failure {
  return new Failure('invalid-request', 'The model does not know these classes yet, so its accuracy cannot be planned with.', {
    hint: 'Leave "planOnly" away: the base is then fine-tuned first. Or give a target of ratio or cost.',
    field: 'target',
  });
}

/** The plan that an earlier attempt of this job made, or else this one: what was trained since fits only that. */
export async function remembered(checkpoints: Checkpoints, make: () => Promise<PrunePlanView>): Promise<PrunePlanView> {
  const bytes = await checkpoints.load();
  if (bytes !== undefined) return planSchema.parse(JSON.parse(new TextDecoder().decode(bytes)));
  const made = await make();
  await checkpoints.save(new TextEncoder().encode(JSON.stringify(made)));
  return made;
}

function documentOf(planned: Omit<Plan, 'target'> & Pick<PrunePlanView, 'modelHash' | 'target'>): PrunePlanView {
  return structuredClone(planned) as PrunePlanView;
}
