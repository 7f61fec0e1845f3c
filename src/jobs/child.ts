// Process root of one job; src/jobs/supervisor.ts starts it.
import { openEngine } from '../engine/index.ts';
import { handlers } from './handlers/index.ts';
import { runChild } from './run-child.ts';

runChild(handlers, openEngine);
