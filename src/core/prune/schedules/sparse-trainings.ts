import { growing, growingFree, searching } from './growing.ts';
import { groupLasso, groupNormPenalty, penalised, slimmingPenalty } from './penalties.ts';
import { softPruning } from './soft.ts';
import type { SparseTraining } from './sparse.ts';

/** The sparse training of each criterion that has one. */
export const sparseTrainings: Readonly<Record<string, SparseTraining>> = {
  'group-norm': penalised(groupNormPenalty, 1e-3),
  'bn-scale': penalised(slimmingPenalty, 1e-3),
  dacp: penalised(groupLasso, 3e-3),
  sfp: { required: true, everyEpoch: true, phases: [softPruning] },
  'growing-reg': { required: true, everyEpoch: false, phases: [growing] },
  'growing-reg-2': { required: true, everyEpoch: false, phases: [searching, growingFree] },
};
