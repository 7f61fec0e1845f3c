import { expect, it } from 'vitest';
import type { Progress } from '../../core/progress.ts';
import { createRunClock } from './run-clock.ts';

it('tells what is left of all runs, from those that were run here', () => {
  let ms = 0;
  const told: Progress[] = [];
  const clock = createRunClock(
    4,
    (progress) => told.push(progress),
    () => ms,
  );
  // Kept from an earlier attempt: it says nothing about how long a run takes.
  clock.finished();
  const first = clock.begin('dice');
  ms = 5000;
  first({ phase: 'train epoch 1/2', done: 10, total: 20, imagesPerSecond: 100, secondsLeft: 15 });
  ms = 24_000;
  first({ phase: 'measure', done: 1, total: 2 });
  clock.finished();
  const second = clock.begin('l1');
  ms = 30_000;
  second({ phase: 'train epoch 1/2', done: 5, total: 20, secondsLeft: 18 });
  expect(told).toEqual([
    { phase: 'dice train epoch 1/2', done: 1.25, total: 4, imagesPerSecond: 100, secondsLeft: 15 + 2 * 20 },
    { phase: 'dice measure', done: 1.25, total: 4, secondsLeft: undefined },
    { phase: 'l1 train epoch 1/2', done: 2.25, total: 4, secondsLeft: 24 + 24 - 6 },
  ]);
});
