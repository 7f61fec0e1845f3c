import type { Recipe } from './types.ts';

/**
 * The learning rate of a step.
 * @param progress epochs done so far, with the fraction of the current one (step / steps per epoch).
 */
export function learningRateAt({ schedule, learningRate, epochs }: Recipe, progress: number): number {
  switch (schedule.kind) {
    case 'constant':
      return learningRate;
    case 'step':
      return learningRate * schedule.factor ** Math.floor(progress / schedule.everyEpochs);
    case 'cosine': {
      const { warmupEpochs } = schedule;
      if (progress < warmupEpochs) return learningRate * (progress / warmupEpochs);
      const share = (progress - warmupEpochs) / Math.max(epochs - warmupEpochs, Number.EPSILON);
      return (learningRate * (1 + Math.cos(Math.PI * Math.min(1, share)))) / 2;
    }
  }
}
