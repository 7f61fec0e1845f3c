export { criteria, criterionOf } from './criteria.ts';
export type { Criterion } from './criteria/criterion.ts';
export { cut, masked, type Removal } from './cut.ts';
export type { Activations, ByWeight, Evidence, FeatureMaps, FeatureMapStatistics, Gradients, Need, Source } from './evidence.ts';
export { elbowOf } from './elbow.ts';
export { featureMapStatistics, joinStatistics } from './feature-maps.ts';
export { dependencyGroups, type DependencyGroup, type Member } from './groups.ts';
export { hessianProduct } from './hessian-product.ts';
export {
  checkPlan,
  createPlanner,
  planPruning,
  prunableGroups,
  type Plan,
  type PlannedGroup,
  type Planner,
  type PlannerOptions,
  type PlanOptions,
} from './plan.ts';
export { kernelMagnitudes, kernelWeights, type Magnitudes } from './magnitudes.ts';
export { replayPlan, type PlanToReplay } from './replay.ts';
export type { RankingName } from './ranking.ts';
export {
  compose,
  scheduleOf,
  sparseTrainings,
  stepTargets,
  type AskedSchedule,
  type PhaseSetting,
  type Schedule,
  type SparsePhase,
  type SparseTraining,
} from './schedules/index.ts';
export type { StoredSimilarities } from './similarity.ts';
export { amountOf, type PruneTarget } from './target.ts';
export type { Arithmetic, GroupRows, GroupView } from './view.ts';
