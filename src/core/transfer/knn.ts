import { type Estimate, wilson } from '../stats/index.ts';
import type { Features } from './features.ts';

const NEIGHBOURS = 5;

export interface KnnScore {
  /** Share of images that the others predict rightly; Wilson interval. */
  readonly accuracy: Estimate;
  /** 1 where the image is predicted rightly, one value an image. */
  readonly correct: Uint8Array;
}

/**
 * Leave-one-out accuracy of 5 nearest neighbours by cosine similarity: each image takes the class of most of its five
 * nearest others; on a tie of votes the class of larger summed similarity.
 *
 * @param features count × dimensions, at least two images
 * @param labels count class indices below `classes`
 */
export function knnScore(features: Features, labels: ArrayLike<number>, classes: number): KnnScore {
  const count = labels.length;
  const neighbours = Math.min(NEIGHBOURS, count - 1);
  const similarity = new Float32Array(count * neighbours).fill(Number.NEGATIVE_INFINITY);
  const nearest = new Int32Array(count * neighbours);
  const insert = (image: number, other: number, value: number): void => {
    const first = image * neighbours;
    let at = first + neighbours - 1;
    if (!(value > similarity[at])) return;
    for (; at > first && value > similarity[at - 1]; at--) {
      similarity[at] = similarity[at - 1];
      nearest[at] = nearest[at - 1];
    }
    similarity[at] = value;
    nearest[at] = other;
  };
  const { dimensions, values } = unitRows(features);
  for (let i = 1; i < count; i++) {
    for (let j = 0; j < i; j++) {
      let dot = 0;
      for (let a = i * dimensions, b = j * dimensions; a < (i + 1) * dimensions; a++, b++) dot += values[a] * values[b];
      insert(i, j, dot);
      insert(j, i, dot);
    }
  }
  const correct = new Uint8Array(count);
  // One vote weighs more than any sum of similarities, which only break ties.
  const voteWeight = 2 * NEIGHBOURS + 1;
  for (let image = 0; image < count; image++) {
    const votes = new Float64Array(classes);
    for (let at = image * neighbours; at < (image + 1) * neighbours; at++) votes[labels[nearest[at]]] += voteWeight + similarity[at];
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
function unitRows({ dimensions, values }: Features): { dimensions: number; values: Float32Array } {
  const unit = Float32Array.from(values);
  for (let row = 0; row < unit.length; row += dimensions) {
    let square = 0;
    for (let at = row; at < row + dimensions; at++) square += unit[at] * unit[at];
    const length = Math.sqrt(square) || 1;
    for (let at = row; at < row + dimensions; at++) unit[at] /= length;
  }
  return { dimensions, values: unit };
}
