import { growing, growingFree, searching } from './growing.ts';
import { groupLasso, groupNormPenalty, penalised, slimmingPenalty } from './penalties.ts';
import { softPruning } from './soft.ts';
import type { SparseTraining } from './sparse.ts';

/**
 * The sparse training of each criterion that has one. The strengths are for the few hundred steps of a small set under AdamW:
 * of powers of ten (dacp: between the two best) those after which a ResNet-20 that lost 40 % of its channels knew most
 * validation images after 144 steps. For slimming none made a difference in so few.
 */
export const sparseTrainings: Readonly<Record<string, SparseTraining>> = {
  'group-norm': penalised(groupNormPenalty, 1e-3),
  'bn-scale': penalised(slimmingPenalty, 1e-3),
  dacp: penalised(groupLasso, 3e-3),
  sfp: { required: true, everyEpoch: true, phases: [softPruning] },
  'growing-reg': { required: true, everyEpoch: false, phases: [growing] },
  'growing-reg-2': { required: true, everyEpoch: false, phases: [searching, growingFree] },
};
