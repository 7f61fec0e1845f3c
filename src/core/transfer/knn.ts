import type { LinearAlgebra } from '../linear/algebra.ts';
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
export function knnScore(features: Features, labels: ArrayLike<number>, classes: number, linear: LinearAlgebra): LeaveOneOutScore {
  const count = labels.length;
  const neighbours = Math.min(NEIGHBOURS, count - 1);
  const similarity = linear.gramOfRows(rowsOf(unitRows(features)));
  const votes = new Float64Array(count * classes);
  // One vote weighs more than any sum of similarities, which only break ties.
  const voteWeight = 2 * NEIGHBOURS + 1;
  const nearest = new Int32Array(neighbours);
  for (let image = 0, row = 0; image < count; image++, row += count) {
    let found = 0;
    for (let other = 0; other < count; other++) {
      const near = similarity[row + other];
      if (other === image || (found === neighbours && near <= similarity[row + nearest[found - 1]])) continue;
      // Insertion, nearest first; of equally near ones the earlier image stays before.
      let at = found < neighbours ? found++ : found - 1;
      for (; at > 0 && near > similarity[row + nearest[at - 1]]; at--) nearest[at] = nearest[at - 1];
      nearest[at] = other;
    }
    for (const other of nearest) votes[image * classes + labels[other]] += voteWeight + similarity[row + other];
  }
  return scoreAnswers(votes, labels, classes);
}

/** Rows of length one in float32, which tells neighbours apart; a row of zeros stays. */
function unitRows({ dimensions, values }: Features): Features {
  const unit = new Float32Array(values);
  for (let row = 0; row < unit.length; row += dimensions) {
    let square = 0;
    for (let at = row; at < row + dimensions; at++) square += unit[at] * unit[at];
    const length = Math.sqrt(square) || 1;
    for (let at = row; at < row + dimensions; at++) unit[at] /= length;
  }
  return { dimensions, values: unit };
}
