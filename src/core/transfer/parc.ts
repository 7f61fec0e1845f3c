import { type Decomposition, principalCoordinates } from './decomposition.ts';
import type { LinearAlgebra } from '../linear/algebra.ts';
import { centreOf, type Features, rowsOf, takeImages } from './features.ts';
import type { Measured } from './influence.ts';
import { ascending } from './radix.ts';

/** Principal components that the features are first projected on, as published. */
const COMPONENTS = 32;
/** Images whose pairs are looked at, as published: pairs grow with the square. */
const IMAGES_MAX = 500;

/**
 * PARC (Bolya 2021): 100 × Spearman correlation, over all pairs of images, of 1 − Pearson between their standardised
 * features and 1 − Pearson between their one-hot labels. The labels know two distances only, so the correlation is
 * √(12 s d) (A − ½) up to ties, s and d the shares of pairs of one class and of different classes, and A the probability that
 * a pair of different classes lies further apart than one of the same. Of more than 500 images it takes as many, spread
 * evenly over each class; the others then have no influence.
 *
 * @param parts the features themselves where they have no more than 32 dimensions, otherwise their principal components
 */
export function parc(parts: Decomposition): Measured {
  const { dimensions, centred, labels, linear } = parts;
  return ofSomeImages(dimensions > COMPONENTS ? signed(principalCoordinates(parts, COMPONENTS)) : centred, labels, linear);
}

/**
 * Each component turned so that its largest value is positive, as scikit-learn does for the published code: a correlation
 * over components depends on their signs, which a decomposition leaves open.
 */
function signed({ dimensions, values }: Features): Features {
  const largest = new Float64Array(dimensions);
  values.forEach((value, at) => {
    if (Math.abs(value) > Math.abs(largest[at % dimensions])) largest[at % dimensions] = value;
  });
  return { dimensions, values: values.map((value, at) => (largest[at % dimensions] < 0 ? -value : value)) };
}

function ofSomeImages(features: Features, labels: ArrayLike<number>, linear: LinearAlgebra): Measured {
  if (labels.length <= IMAGES_MAX) return ofAllPairs(features, labels, linear);
  const images = spread(labels, IMAGES_MAX / labels.length);
  const { value, influence } = ofAllPairs(
    takeImages(features, images),
    images.map((image) => labels[image]),
    linear,
  );
  const whole = new Float64Array(labels.length);
  images.forEach((image, i) => (whole[image] = influence[i]));
  return { value, influence: whole };
}

/** Such a share of each class's images, evenly spaced. */
function spread(labels: ArrayLike<number>, share: number): number[] {
  const seen = new Map<number, number>();
  return Array.from(labels, (_, image) => image).filter((image) => {
    const before = seen.get(labels[image]) ?? 0;
    seen.set(labels[image], before + share);
    return Math.floor(before + share) > Math.floor(before) || before === 0;
  });
}

function ofAllPairs(features: Features, labels: ArrayLike<number>, linear: LinearAlgebra): Measured {
  const count = labels.length;
  const correlation = linear.gramOfRows(rowsOf(unitDeviations(standardised(features))));
  // Float32 tells pairs apart, and ties what differs by rounding alone.
  const distances = new Float32Array((count * (count - 1)) / 2);
  const same = new Uint8Array(distances.length);
  for (let i = 1, at = 0; i < count; i++) {
    for (let j = 0; j < i; j++, at++) {
      distances[at] = 1 - correlation[i * count + j];
      same[at] = labels[i] === labels[j] ? 1 : 0;
    }
  }
  const pairs = distances.length;
  const alike = same.reduce((sum, one) => sum + one, 0);
  const influence = new Float64Array(count);
  if (alike === 0 || alike === pairs) return { value: Number.NaN, influence };

  // Of each pair: the share of pairs of the other sort that lie on the side where the correlation wants them, ties by half.
  const order = ascending(distances);
  const placed = new Float64Array(pairs);
  let below = 0;
  let tied = 0;
  let cubes = 0;
  for (let from = 0, to = 0; from < pairs; from = to) {
    tied = 0;
    while (to < pairs && distances[order[to]] === distances[order[from]]) tied += same[order[to++]];
    const different = to - from - tied;
    const differentBelow = from - below;
    for (let at = from; at < to; at++) {
      placed[order[at]] = same[order[at]] === 1 ? 1 - (differentBelow + different / 2) / (pairs - alike) : (below + tied / 2) / alike;
    }
    below += tied;
    cubes += (to - from) ** 3;
  }
  const [shareAlike, shareDifferent] = [alike / pairs, 1 - alike / pairs];
  let separation = 0;
  for (let at = 0; at < pairs; at++) if (same[at] === 1) separation += placed[at] / alike;
  // Ranks as shares have variance (1 − Σ tied³ / pairs³) / 12.
  const scale = Math.sqrt((12 * shareAlike * shareDifferent) / (1 - cubes / pairs ** 3));
  const value = 100 * scale * (separation - 0.5);
  // A pair moves A by how it is placed, and the shares by being of one class or not.
  const byShare = ((separation - 0.5) * (shareDifferent - shareAlike)) / 2;
  for (let i = 1, at = 0; i < count; i++) {
    for (let j = 0; j < i; j++, at++) {
      const moved = same[at] === 1 ? (placed[at] - separation + byShare) / alike : (placed[at] - separation - byShare) / (pairs - alike);
      influence[i] += 100 * scale * moved;
      influence[j] += 100 * scale * moved;
    }
  }
  return { value, influence };
}

/** Each dimension to mean 0 and variance 1; a constant one to 0. */
function standardised(features: Features): Features {
  const { dimensions, values } = centreOf(features).centred;
  const squares = new Float64Array(dimensions);
  for (let row = 0; row < values.length; row += dimensions) for (let d = 0; d < dimensions; d++) squares[d] += values[row + d] ** 2;
  const scale = squares.map((square) => (square === 0 ? 0 : Math.sqrt(values.length / dimensions / square)));
  for (let row = 0; row < values.length; row += dimensions) for (let d = 0; d < dimensions; d++) values[row + d] *= scale[d];
  return { dimensions, values };
}

/** Rows minus their mean, to length one, so that dot products are Pearson correlations. */
function unitDeviations({ dimensions, values }: Features): Features {
  const unit = new Float64Array(values);
  for (let row = 0; row < unit.length; row += dimensions) {
    let mean = 0;
    let square = 0;
    for (let at = row; at < row + dimensions; at++) mean += unit[at] / dimensions;
    for (let at = row; at < row + dimensions; at++) square += (unit[at] -= mean) * unit[at];
    const length = Math.sqrt(square);
    for (let at = row; at < row + dimensions; at++) unit[at] = length === 0 ? 0 : unit[at] / length;
  }
  return { dimensions, values: unit };
}
