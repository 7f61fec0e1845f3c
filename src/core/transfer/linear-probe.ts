import { gramOfColumns, gramOfRows } from '../linear/gram.ts';
import { symmetricEigen } from '../linear/symmetric.ts';
import { centred, type Features, imagesByClass, rowsOf } from './features.ts';
import { type LeaveOneOutScore, scoreAnswers } from './leave-one-out.ts';

/** Ridge penalties to choose from, as multiples of the mean squared singular value. */
const PENALTIES = [1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100];

/**
 * Leave-one-out accuracy of a linear classifier: ridge regression on the class indicators with a free intercept, whose
 * prediction of an image without that image is y − (y − ŷ) / (1 − h), h its leverage, with no refitting (Allen's PRESS,
 * 1974). The penalty is the one with the least squared leave-one-out error.
 *
 * @param features count × dimensions, at least two images
 * @param labels count class indices below `classes`
 */
export function linearProbe(features: Features, labels: ArrayLike<number>, classes: number): LeaveOneOutScore {
  const count = labels.length;
  const shares = imagesByClass(labels, classes).map((images) => images.length / count);
  const { sigma, left } = leftVectors(centred(features));
  const rank = sigma.length;
  const projections = new Float64Array(rank * classes);
  for (let image = 0; image < count; image++) {
    for (let k = 0; k < rank; k++) projections[k * classes + labels[image]] += left[image * rank + k];
  }
  const average = sigma.reduce((a, b) => a + b, 0) / Math.max(1, rank);

  let least = Number.POSITIVE_INFINITY;
  let best: Float64Array = new Float64Array(count * classes);
  for (const penalty of PENALTIES) {
    const kept = sigma.map((value) => value / (value + penalty * average));
    const answers = new Float64Array(count * classes);
    let squares = 0;
    for (let image = 0; image < count; image++) {
      const row = left.subarray(image * rank, (image + 1) * rank);
      const free = 1 - row.reduce((sum, u, k) => sum + u * u * kept[k], 1 / count);
      for (let label = 0; label < classes; label++) {
        const fitted = row.reduce((sum, u, k) => sum + u * kept[k] * projections[k * classes + label], shares[label]);
        const target = labels[image] === label ? 1 : 0;
        const error = (target - fitted) / Math.max(free, Number.EPSILON);
        answers[image * classes + label] = target - error;
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

/** Squared singular values above rounding, and the left singular vectors: count × rank. */
function leftVectors(features: Features): { sigma: Float64Array; left: Float64Array } {
  const rows = rowsOf(features);
  const { count, size, values } = rows;
  const wide = count < size;
  const side = wide ? count : size;
  const eigen = symmetricEigen(wide ? gramOfRows(rows) : gramOfColumns(rows), side);
  const floor = Math.max(count, size) * Number.EPSILON * Math.max(eigen.values[0], 0);
  const rank = eigen.values.filter((value) => value > floor).length;
  const left = new Float64Array(count * rank);
  for (let image = 0; image < count; image++) {
    for (let k = 0; k < rank; k++) {
      const vector = k * side;
      let coordinate = 0;
      if (wide) coordinate = eigen.vectors[vector + image];
      else {
        for (let d = 0; d < size; d++) coordinate += values[image * size + d] * eigen.vectors[vector + d];
        coordinate /= Math.sqrt(eigen.values[k]);
      }
      left[image * rank + k] = coordinate;
    }
  }
  return { sigma: eigen.values.slice(0, rank), left };
}
