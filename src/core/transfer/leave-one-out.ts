import { type Estimate, wilson } from '../stats/index.ts';

/** How a simple classifier on frozen features does when each image is predicted from all others. */
export interface LeaveOneOutScore {
  /** Share of images that are predicted rightly; Wilson interval. */
  readonly accuracy: Estimate;
  /** 1 where the image is predicted rightly, one value an image. */
  readonly correct: Uint8Array;
}

/**
 * @param answers of each image and class, count × classes: the largest is the prediction, the lower class on a tie
 */
export function scoreAnswers(answers: Float64Array, labels: ArrayLike<number>, classes: number): LeaveOneOutScore {
  const correct = Uint8Array.from(labels, (label, image) => {
    const row = answers.subarray(image * classes, (image + 1) * classes);
    return row.indexOf(row.reduce((a, b) => Math.max(a, b))) === label ? 1 : 0;
  });
  return {
    accuracy: wilson(
      correct.reduce((a, b) => a + b, 0),
      labels.length,
    ),
    correct,
  };
}
