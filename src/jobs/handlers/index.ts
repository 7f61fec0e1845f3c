import type { JobHandlers } from '../types.ts';
import { compare } from './compare.ts';
import { evaluate } from './evaluate.ts';
import { exportModel } from './export-model.ts';
import { importDataset } from './import-dataset.ts';
import { importModel } from './import-model.ts';
import { predict } from './predict.ts';
import { profile } from './profile.ts';
import { prune } from './prune.ts';
import { recommend } from './recommend/index.ts';

/** What each kind of job does. */
export const handlers: JobHandlers = {
  'import-model': importModel,
  'export-model': exportModel,
  'import-dataset': importDataset,
  profile,
  recommend,
  prune,
  compare,
  evaluate,
  predict,
};
