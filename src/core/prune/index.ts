export { criteria, criterionOf, type Criterion } from './criteria.ts';
export { cut, masked, type Removal } from './cut.ts';
export { dependencyGroups, type DependencyGroup, type Member } from './groups.ts';
export { planPruning, type Plan, type PlannedGroup, type PlanOptions } from './plan.ts';
export type { PruneTarget } from './target.ts';
export type { Activations, GroupRows, GroupView } from './view.ts';
