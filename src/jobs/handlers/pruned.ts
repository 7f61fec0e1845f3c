import type { Network } from '../../core/network/index.ts';
import type { TrainResult } from '../../engine/types.ts';
import type { PruneRequest, StageName } from '../../schema/prunings.ts';
import { recalibrated } from './recalibration.ts';
import { scheduled, type Scheduled } from './schedules.ts';
import { fineTuned, seedOf, type Run } from './stages.ts';

export interface PrunedBase extends Pick<Scheduled, 'plan' | 'proof' | 'parts'> {
  /** Every stage after the base that there is, in their order. */
  readonly networks: readonly (readonly [Exclude<StageName, 'base'>, Network])[];
  readonly tuned: TrainResult | null;
  readonly final: Network;
}

/**
 * From a base that knows the classes to the pruned network: plan, cut and proof by the request's schedule, recalibration and
 * fine-tuning.
 */
export async function prunedBase(run: Run, base: Network, request: PruneRequest): Promise<PrunedBase> {
  const { plan, proof, sparse, pruned, parts } = await scheduled(run, base, request);
  const networks: [Exclude<StageName, 'base'>, Network][] = [
    ...(sparse ? [['sparse', sparse] satisfies [StageName, Network]] : []),
    ['pruned', pruned],
  ];
  if (request.recalibrate) {
    const seed = seedOf(request, 'recalibration');
    networks.push(['recalibrated', await recalibrated(run.engine, pruned, run.images.train, { ...run, seed })]);
  }
  const [, start] = networks[networks.length - 1];
  const tuned = await fineTuned(run, start, request, base);
  if (tuned) networks.push(['fineTuned', tuned.network]);
  return { plan, proof, parts, networks, tuned, final: tuned?.network ?? start };
}
