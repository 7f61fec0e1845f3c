import { gramOfRows } from '../linear/gram.ts';
import { type Features, rowsOf } from './features.ts';
import { type LeaveOneOutScore, scoreAnswers } from './leave-one-out.ts';

const NEIGHBOURS = 5;

/**
 * Leave-one-out accuracy of 5 nearest neighbours by cosine similarity: each image takes the class of most of its five
 * nearest others; on a tie of votes the class of larger summed similarity. Takes count² numbers of memory.
 *
 * @param features count × dimensions, at least two images
 * @param labels count class indices below `classes`
 */
export function knnScore(features: Features, labels: ArrayLike<number>, classes: number): LeaveOneOutScore {
  const count = labels.length;
  const neighbours = Math.min(NEIGHBOURS, count - 1);
  const similarity = gramOfRows(rowsOf(unitRows(features)));
  const votes = new Float64Array(count * classes);
  // One vote weighs more than any sum of similarities, which only break ties.
  const voteWeight = 2 * NEIGHBOURS + 1;
  for (let image = 0; image < count; image++) {
    const row = similarity.subarray(image * count, (image + 1) * count);
    row[image] = Number.NEGATIVE_INFINITY;
    for (let taken = 0; taken < neighbours; taken++) {
      let nearest = 0;
      for (let other = 1; other < count; other++) if (row[other] > row[nearest]) nearest = other;
      votes[image * classes + labels[nearest]] += voteWeight + row[nearest];
      row[nearest] = Number.NEGATIVE_INFINITY;
    }
  }
  return scoreAnswers(votes, labels, classes);
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
