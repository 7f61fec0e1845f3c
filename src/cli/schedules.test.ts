import { expect, it } from 'vitest';
import { splitSchedule, type ScheduleOptions } from './schedules.ts';

it.each<[ScheduleOptions & { seed: number }, object | undefined]>([
  [{ seed: 1 }, undefined],
  [
    { steps: 4, seed: 1 },
    { kind: 'iterative', steps: 4 },
  ],
  [
    { epochsPerStep: 0, rewindEpochs: 2, seed: 1 },
    { kind: 'iterative', epochsPerStep: 0, rewindEpochs: 2 },
  ],
  [
    { sparseEpochs: 5, seed: 1 },
    { kind: 'sparse', epochs: 5 },
  ],
  [
    { strength: 0.01, seed: 1 },
    { kind: 'sparse', strength: 0.01 },
  ],
  // For the service to refuse.
  [
    { steps: 2, strength: 0.01, seed: 1 },
    { kind: 'iterative', steps: 2, strength: 0.01 },
  ],
])('flags %j', (flags, schedule) => {
  expect(splitSchedule(flags)).toEqual([schedule, { seed: 1 }]);
});
