import type { Recipe } from './types.ts';

/** A recipe whose learning rate is settled. */
export type RatedRecipe = Recipe & { readonly learningRate: number };

/** Where a cycle starts and where it ends, as shares of its peak (Smith and Topin 2018, with PyTorch's defaults). */
const CYCLE_START = 1 / 25;
const CYCLE_END = 4e-6;

/** Half a cosine from `from` (share 0) to `to` (share 1). */
const halfCosine = (from: number, to: number, share: number): number =>
  to + ((from - to) * (1 + Math.cos(Math.PI * Math.min(1, share)))) / 2;

/**
 * The learning rate of a step.
 * @param progress epochs done so far, with the fraction of the current one (step / steps per epoch).
 */
export function learningRateAt({ schedule, learningRate, epochs }: RatedRecipe, progress: number): number {
  switch (schedule.kind) {
    case 'constant':
      return learningRate;
    case 'step':
      return learningRate * schedule.factor ** Math.floor(progress / schedule.everyEpochs);
    case 'cosine': {
      const { warmupEpochs } = schedule;
      if (progress < warmupEpochs) return learningRate * (progress / warmupEpochs);
      const share = (progress - warmupEpochs) / Math.max(epochs - warmupEpochs, Number.EPSILON);
      return halfCosine(learningRate, 0, share);
    }
    case 'one-cycle': {
      const rise = schedule.risingShare * epochs;
      if (progress < rise) return halfCosine(CYCLE_START * learningRate, learningRate, progress / rise);
      return halfCosine(learningRate, CYCLE_END * learningRate, (progress - rise) / Math.max(epochs - rise, Number.EPSILON));
    }
  }
}
