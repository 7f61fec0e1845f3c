import { alongLeft, alongSquares, type Decomposition } from './decomposition.ts';
import type { Measured } from './influence.ts';

/** For each direction: the share of it that class means explain, Σ_c (Uᵀ 1_c)² / n_c. */
function betweenClasses({ sigma, projections, members }: Decomposition): Float64Array {
  return Float64Array.from(sigma, (_, k) =>
    members.reduce(
      (sum, images, label) => (images.length === 0 ? sum : sum + projections[k * members.length + label] ** 2 / images.length),
      0,
    ),
  );
}

/**
 * Influences of Σ_c b_cᵀ (G + τ)⁻¹ b_c / n_c at a fixed τ, G = FᵀF and b_c the sum of class c's features, both centred:
 * an image moves G, its class's b_c and n_c.
 *
 * @param kept of each direction, σ / (σ + τ)
 */
function influences(parts: Decomposition, kept: Float64Array): Float64Array {
  const { count, classes, members, labels, projections } = parts;
  const fitted = alongLeft(
    parts,
    projections.map((along, at) => along * kept[Math.floor(at / classes)]),
    classes,
  );
  const explained = members.map((_, label) => kept.reduce((sum, weight, k) => sum + weight * projections[k * classes + label] ** 2, 0));
  const sizes = members.map((images) => Math.max(1, images.length));
  return Float64Array.from({ length: count }, (_, image) => {
    const own = labels[image];
    let moved = (2 * fitted[image * classes + own]) / sizes[own] - explained[own] / sizes[own] ** 2;
    for (let label = 0; label < classes; label++) moved -= fitted[image * classes + label] ** 2 / sizes[label];
    return moved;
  });
}

/**
 * H-score (Bao 2019): tr(pinv(cov F) · cov g), g the class mean of each image's features. With fewer images than dimensions
 * it is the number of classes less one, whatever the features.
 */
export function hScore(parts: Decomposition): Measured {
  const value = betweenClasses(parts).reduce((a, b) => a + b, 0);
  return { value, influence: influences(parts, new Float64Array(parts.sigma.length).fill(1)) };
}

/**
 * Regularised H-score (Ibrahim 2022): tr(pinv(Σ_LW) · (1 − α) · cov g) with Ledoit and Wolf's shrinkage α. As published,
 * Σ_LW divides by count and cov g by count − 1.
 */
export function regularisedHScore(parts: Decomposition): Measured {
  const { count, dimensions, sigma } = parts;
  const lengths = squaredLengths(parts);
  const average = sigma.reduce((a, b) => a + b, 0) / dimensions;
  const { alpha, moved } = shrinkage(parts, lengths);
  // Every direction is shrunk and none has a share to explain: no class differs from another.
  if (alpha === 1) return { value: 0, influence: new Float64Array(count) };
  const odds = alpha / (1 - alpha);
  const penalty = odds * average;
  const kept = sigma.map((value) => value / (value + penalty));
  const between = betweenClasses(parts);
  const scale = count / (count - 1);
  const value = scale * between.reduce((sum, explained, k) => sum + explained * kept[k], 0);
  const byPenalty = between.reduce((sum, explained, k) => sum + (explained * kept[k]) / (sigma[k] + penalty), 0);
  const influence = influences(parts, kept).map((direct, image) => {
    const penaltyMoved = (average * moved[image]) / (1 - alpha) ** 2 + (odds * lengths[image]) / dimensions;
    return scale * (direct - byPenalty * penaltyMoved);
  });
  return { value, influence };
}

function squaredLengths({ count, centred: { dimensions, values } }: Decomposition): Float64Array {
  const lengths = new Float64Array(count);
  for (let image = 0, at = 0; image < count; image++) {
    for (let d = 0; d < dimensions; d++, at++) lengths[image] += values[at] * values[at];
  }
  return lengths;
}

/** Ledoit and Wolf's (2004) optimal weight of the average variance, and how much each image moves it. */
function shrinkage(parts: Decomposition, lengths: Float64Array): { alpha: number; moved: Float64Array } {
  const { count, dimensions, sigma, centred } = parts;
  const average = sigma.reduce((a, b) => a + b, 0) / count / dimensions;
  const fourth = lengths.reduce((sum, square) => sum + square * square, 0) / count;
  const squares = sigma.reduce((sum, value) => sum + (value / count) ** 2, 0);
  const noise = (fourth - squares) / (dimensions * count);
  const spread = squares / dimensions - average * average;
  if (spread === 0 || noise >= spread) return { alpha: 1, moved: new Float64Array(count) };
  const alpha = noise / spread;

  const { products } = parts.linear;
  const rows = { count, size: dimensions, values: centred.values };
  const third = new Float64Array(dimensions);
  for (let at = 0; at < rows.values.length; at++) third[at % dimensions] += lengths[Math.floor(at / dimensions)] * rows.values[at];
  const skew = products(rows, { count: 1, size: dimensions, values: third });
  const along = alongSquares(
    parts,
    sigma.map((value) => (value * value) / count),
    1,
  );
  const moved = lengths.map((length, image) => {
    const fourthMoved = (length * length - fourth - (4 * skew[image]) / count) / count;
    const squaresMoved = (2 * (along[image] - squares)) / count;
    const noiseMoved = (fourthMoved - squaresMoved) / (dimensions * count) - noise / count;
    const spreadMoved = squaresMoved / dimensions - (2 * average * (length / dimensions - average)) / count;
    return (noiseMoved - alpha * spreadMoved) / spread;
  });
  return { alpha, moved };
}
