import { alongLeft, alongSquares, type Decomposition } from './decomposition.ts';
import { type LeaveOneOutScore, scoreAnswers } from './leave-one-out.ts';

/** Ridge penalties to choose from, as multiples of the mean squared singular value. */
const PENALTIES = [1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100];

/**
 * Leave-one-out accuracy of a linear classifier: ridge regression on the class indicators with a free intercept, whose
 * prediction of an image without that image is y − (y − ŷ) / (1 − h), h its leverage, with no refitting (Allen's PRESS,
 * 1974). The penalty is the one with the least squared leave-one-out error.
 */
export function linearProbe(parts: Decomposition): LeaveOneOutScore {
  const { count, classes, labels, members, sigma, projections } = parts;
  const shares = members.map((images) => images.length / count);
  const rank = sigma.length;
  const average = sigma.reduce((a, b) => a + b, 0) / Math.max(1, rank);
  const kept = new Float64Array(rank * PENALTIES.length);
  for (let k = 0; k < rank; k++)
    PENALTIES.forEach((penalty, p) => (kept[k * PENALTIES.length + p] = sigma[k] / (sigma[k] + penalty * average)));
  const leverages = alongSquares(parts, kept, PENALTIES.length);

  let least = Number.POSITIVE_INFINITY;
  let best: Float64Array = new Float64Array(count * classes);
  for (let p = 0; p < PENALTIES.length; p++) {
    const answers = alongLeft(
      parts,
      projections.map((along, at) => along * kept[Math.floor(at / classes) * PENALTIES.length + p]),
      classes,
    );
    let squares = 0;
    for (let image = 0, at = 0; image < count; image++) {
      const free = Math.max(1 - 1 / count - leverages[image * PENALTIES.length + p], Number.EPSILON);
      for (let label = 0; label < classes; label++, at++) {
        const target = labels[image] === label ? 1 : 0;
        const error = (target - shares[label] - answers[at]) / free;
        answers[at] = target - error;
        squares += error * error;
      }
    }
    if (squares < least) {
      least = squares;
      best = answers;
    }
  }
  return scoreAnswers(best, labels, classes);
}
