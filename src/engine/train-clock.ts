import type { OnProgress } from '../core/progress.ts';
import type { Recipe } from './types.ts';

/** A training step runs an image forward and back, about three times the work of scoring it. */
const TRAIN_WORK = 3;

/** Turns the images done into progress with speed and time left, and keeps the speed of training alone. */
export interface TrainClock {
  /** `done` images of this epoch (from 0) are trained. */
  trained(epoch: number, done: number, metrics: Readonly<Record<string, number>>): void;
  /** `done` images of the validation after this epoch are scored. */
  validated(epoch: number, done: number): void;
  imagesPerSecond(): number;
}

export function createTrainClock(
  { epochs }: Recipe,
  images: { readonly train: number; readonly validation: number },
  from: { readonly epoch: number; readonly done: number },
  onProgress: OnProgress | undefined,
): TrainClock {
  const begun = performance.now();
  const epochWork = TRAIN_WORK * images.train + images.validation;
  let trainedImages = 0;
  let trainMs = 0;
  let mark = begun;
  let doneBefore = from.done;
  const imagesPerSecond = (): number => (trainMs === 0 ? 0 : (trainedImages * 1000) / trainMs);
  const secondsLeft = (epoch: number, workOfEpoch: number): number => {
    const before = from.epoch * epochWork + TRAIN_WORK * from.done;
    const done = epoch * epochWork + workOfEpoch - before;
    const all = epochs * epochWork - before;
    return ((performance.now() - begun) / 1000) * (all / done - 1);
  };
  return {
    imagesPerSecond,
    trained(epoch, done, metrics) {
      const now = performance.now();
      trainMs += now - mark;
      trainedImages += done - doneBefore;
      mark = now;
      doneBefore = done;
      onProgress?.({
        phase: `train epoch ${epoch + 1}/${epochs}`,
        done,
        total: images.train,
        imagesPerSecond: imagesPerSecond(),
        secondsLeft: secondsLeft(epoch, TRAIN_WORK * done),
        metrics,
      });
    },
    validated(epoch, done) {
      onProgress?.({
        phase: `validate epoch ${epoch + 1}/${epochs}`,
        done,
        total: images.validation,
        imagesPerSecond: imagesPerSecond(),
        secondsLeft: secondsLeft(epoch, TRAIN_WORK * images.train + done),
      });
      // Training goes on after this.
      mark = performance.now();
      doneBefore = 0;
    },
  };
}
