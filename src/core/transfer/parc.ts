import { gramOfColumns, gramOfRows } from '../linear/gram.ts';
import { symmetricEigen } from '../linear/symmetric.ts';
import { centred, type Features, rowsOf } from './features.ts';

/**
 * PARC (Bolya 2021): 100 × Spearman correlation, over all pairs of images, of 1 − Pearson between their standardised
 * features and 1 − Pearson between their one-hot labels.
 *
 * @param components features are first projected on this many principal components; null leaves them as they are
 */
export function parc(features: Features, labels: ArrayLike<number>, classes: number, components: number | null = 32): number {
  const reduced = components !== null && components < features.dimensions ? principalComponents(features, components) : features;
  const count = labels.length;
  const correlation = gramOfRows(rowsOf(unitDeviations(standardised(reduced))));
  // Between one-hot rows the correlation is 1 for the same class and −1 / (classes − 1) otherwise.
  const different = classes / (classes - 1);
  const distances = new Float64Array((count * (count - 1)) / 2);
  const targets = new Float64Array(distances.length);
  for (let i = 1, at = 0; i < count; i++) {
    for (let j = 0; j < i; j++, at++) {
      distances[at] = 1 - correlation[i * count + j];
      targets[at] = labels[i] === labels[j] ? 0 : different;
    }
  }
  return 100 * pearson(averageRanks(distances), averageRanks(targets));
}

/** Coordinates of the images on the first principal components; as many as there are when they are fewer. */
function principalComponents(features: Features, components: number): Features {
  const { dimensions, values } = centred(features);
  const count = values.length / dimensions;
  const wide = count < dimensions;
  const side = wide ? count : dimensions;
  const kept = Math.min(components, side);
  const rows = rowsOf({ dimensions, values });
  const eigen = symmetricEigen(wide ? gramOfRows(rows) : gramOfColumns(rows), side);
  const projected = new Float64Array(count * kept);
  for (let image = 0; image < count; image++) {
    for (let k = 0; k < kept; k++) {
      let coordinate = 0;
      if (wide) coordinate = eigen.vectors[k * side + image] * Math.sqrt(Math.max(0, eigen.values[k]));
      else for (let d = 0; d < dimensions; d++) coordinate += values[image * dimensions + d] * eigen.vectors[k * side + d];
      projected[image * kept + k] = coordinate;
    }
  }
  return { dimensions: kept, values: projected };
}

/** Each dimension to mean 0 and variance 1; a constant one to 0. */
function standardised(features: Features): Features {
  const { dimensions, values } = centred(features);
  const squares = new Float64Array(dimensions);
  values.forEach((value, at) => (squares[at % dimensions] += value * value));
  const scale = squares.map((square) => (square === 0 ? 0 : Math.sqrt(values.length / dimensions / square)));
  return { dimensions, values: Float64Array.from(values, (value, at) => value * scale[at % dimensions]) };
}

/** Rows minus their mean, to length one, so that dot products are Pearson correlations. */
function unitDeviations({ dimensions, values }: Features): Features {
  const unit = Float64Array.from(values);
  for (let row = 0; row < unit.length; row += dimensions) {
    const deviations = unit.subarray(row, row + dimensions);
    const mean = deviations.reduce((a, b) => a + b) / dimensions;
    const length = Math.sqrt(deviations.reduce((sum, value) => sum + (value - mean) ** 2, 0));
    deviations.forEach((value, d) => (deviations[d] = length === 0 ? 0 : (value - mean) / length));
  }
  return { dimensions, values: unit };
}

/** Ranks from 0, tied values sharing the mean of theirs. */
function averageRanks(values: Float64Array): Float64Array {
  const order = Uint32Array.from(values, (_, i) => i).sort((i, j) => values[i] - values[j]);
  const ranks = new Float64Array(values.length);
  for (let from = 0, to = 0; from < order.length; from = to) {
    while (to < order.length && values[order[to]] === values[order[from]]) to++;
    for (let at = from; at < to; at++) ranks[order[at]] = (from + to - 1) / 2;
  }
  return ranks;
}

function pearson(x: Float64Array, y: Float64Array): number {
  const meanX = x.reduce((a, b) => a + b) / x.length;
  const meanY = y.reduce((a, b) => a + b) / y.length;
  let xy = 0;
  let xx = 0;
  let yy = 0;
  for (let i = 0; i < x.length; i++) {
    xy += (x[i] - meanX) * (y[i] - meanY);
    xx += (x[i] - meanX) ** 2;
    yy += (y[i] - meanY) ** 2;
  }
  return xy / Math.sqrt(xx * yy);
}
