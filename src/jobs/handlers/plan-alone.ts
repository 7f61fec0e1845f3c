import type { Network } from '../../core/network/index.ts';
import { scheduleOf } from '../../core/prune/index.ts';
import type { PrunePlanView } from '../../schema/prunings.ts';
import type { JobContext, JobInput } from '../types.ts';
import { classMatch } from './classes.ts';
import { estimateJob } from './estimate.ts';
import { planFor, refuseUnplannable, unknownClasses, type Planning } from './planning.ts';
import { looksAtAccuracy } from './search.ts';
import { headFits, seedOf, withHeadFor } from './stages.ts';

/** What a plan alone is made with; a criterion of weights and a target of cost need neither engine nor images. */
export interface PlanningAlone extends Pick<JobContext<'prune'>, 'engine' | 'progress' | 'signal'> {
  readonly images: Planning['images'];
  readonly arithmetic: Planning['arithmetic'];
  /** Of the kernels as they are given: a new head makes the classes, which stay. */
  readonly similarities?: Planning['similarities'];
  readonly magnitudes?: Planning['magnitudes'];
}

/** The plan with an estimate of the whole job; nothing is trained. */
export async function planAlone(
  given: Network,
  { request, model, dataset }: JobInput<'prune'>,
  tools: PlanningAlone,
): Promise<PrunePlanView> {
  const likely = classMatch(given, dataset) === 'other' ? withHeadFor(given, dataset, request) : given;
  refuseUnplannable(likely, request);
  if (looksAtAccuracy(request.target)) {
    const measuring = { ...tools, engine: await tools.engine(), dataset };
    if (!(await headFits(measuring, given, (await tools.images()).validation)).fits) throw unknownClasses();
  }
  const seeds = { evidence: seedOf(request, 'evidence'), recalibration: seedOf(request, 'recalibration') };
  const planned = await planFor(likely, { ...tools, request, modelHash: model.contentHash, seeds });
  const trains = scheduleOf(request).kind !== 'one-shot';
  const notes = trains ? [...planned.notes, 'Chosen by the weights as they are: the schedule trains before it chooses.'] : planned.notes;
  return { ...planned, notes, estimate: estimateJob(likely, planned, { request, dataset, replaced: likely !== given }) };
}
