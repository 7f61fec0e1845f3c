import measured from './outcomes.json' with { type: 'json' };
import type { Outcome } from './outcome.ts';

/**
 * Fine-tunings of the starter backbones on targets that none of them had seen, measured by `npm run -s evidence -- selection`:
 * what rankings are calibrated on from the start.
 */
export const priorOutcomes: readonly Outcome[] = measured;
