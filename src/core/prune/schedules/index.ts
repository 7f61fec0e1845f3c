export { compose, stepTargets } from './iterative.ts';
export { scheduleOf, type AskedSchedule, type Schedule } from './schedule.ts';
export type { PhaseSetting, SparsePhase, SparseTraining } from './sparse.ts';
export { sparseTrainings } from './sparse-trainings.ts';
