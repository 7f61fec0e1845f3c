import { type Estimate, wilson } from '../stats/index.ts';
import type { Measured } from './influence.ts';

/** How a simple classifier on frozen features does when each image is predicted from all others. */
export interface LeaveOneOutScore extends Measured {
  /** Share of images that are predicted rightly; Wilson interval. */
  readonly accuracy: Estimate;
  /** 1 where the image is predicted rightly, one value an image. */
  readonly correct: Uint8Array;
}

/**
 * @param answers of each image and class, count × classes: the largest is the prediction, the lower class on a tie
 */
export function scoreAnswers(answers: Float64Array, labels: ArrayLike<number>, classes: number): LeaveOneOutScore {
  const count = labels.length;
  const correct = new Uint8Array(count);
  for (let image = 0, row = 0; image < count; image++, row += classes) {
    let best = 0;
    for (let label = 1; label < classes; label++) if (answers[row + label] > answers[row + best]) best = label;
    if (best === labels[image]) correct[image] = 1;
  }
  const right = correct.reduce((a, b) => a + b, 0);
  const value = right / count;
  return {
    value,
    influence: Float64Array.from(correct, (one) => (one - value) / count),
    accuracy: wilson(right, count),
    correct,
  };
}
