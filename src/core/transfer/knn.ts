import { gramOfRows } from '../linear/gram.ts';
import { type Estimate, wilson } from '../stats/index.ts';
import { type Features, rowsOf } from './features.ts';

const NEIGHBOURS = 5;

export interface KnnScore {
  /** Share of images that the others predict rightly; Wilson interval. */
  readonly accuracy: Estimate;
  /** 1 where the image is predicted rightly, one value an image. */
  readonly correct: Uint8Array;
}

/**
 * Leave-one-out accuracy of 5 nearest neighbours by cosine similarity: each image takes the class of most of its five
 * nearest others; on a tie of votes the class of larger summed similarity. Takes count² numbers of memory.
 *
 * @param features count × dimensions, at least two images
 * @param labels count class indices below `classes`
 */
export function knnScore(features: Features, labels: ArrayLike<number>, classes: number): KnnScore {
  const count = labels.length;
  const neighbours = Math.min(NEIGHBOURS, count - 1);
  const similarity = gramOfRows(rowsOf(unitRows(features)));
  const correct = new Uint8Array(count);
  // One vote weighs more than any sum of similarities, which only break ties.
  const voteWeight = 2 * NEIGHBOURS + 1;
  for (let image = 0; image < count; image++) {
    const row = similarity.subarray(image * count, (image + 1) * count);
    row[image] = Number.NEGATIVE_INFINITY;
    const votes = new Float64Array(classes);
    for (let taken = 0; taken < neighbours; taken++) {
      let nearest = 0;
      for (let other = 1; other < count; other++) if (row[other] > row[nearest]) nearest = other;
      votes[labels[nearest]] += voteWeight + row[nearest];
      row[nearest] = Number.NEGATIVE_INFINITY;
    }
    let winner = 0;
    for (let label = 1; label < classes; label++) if (votes[label] > votes[winner]) winner = label;
    correct[image] = winner === labels[image] ? 1 : 0;
  }
  return {
    accuracy: wilson(
      correct.reduce((a, b) => a + b, 0),
      count,
    ),
    correct,
  };
}

/** Rows of length one; a row of zeros stays. */
function unitRows({ dimensions, values }: Features): Features {
  const unit = Float32Array.from(values);
  for (let row = 0; row < unit.length; row += dimensions) {
    let square = 0;
    for (let at = row; at < row + dimensions; at++) square += unit[at] * unit[at];
    const length = Math.sqrt(square) || 1;
    for (let at = row; at < row + dimensions; at++) unit[at] /= length;
  }
  return { dimensions, values: unit };
}
