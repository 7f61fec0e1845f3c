/** A point of a curve that falls. */
export interface CurvePoint {
  readonly ratio: number;
  readonly accuracy: number;
}

/**
 * Where the loss of accuracy begins to accelerate: the point farthest above the straight line from the first to the last
 * point, both axes scaled to their range (Satopää et al. 2011; the elbow of Hajbi 2025, Figure 2).
 *
 * @param curve ascending ratios, the first without pruning
 * @returns its index; 0 where no point lies above the line, so that nothing can leave without an immediate loss
 */
export function elbowOf(curve: readonly CurvePoint[]): number {
  const first = curve[0];
  const last = curve[curve.length - 1];
  const [width, height] = [last.ratio - first.ratio, first.accuracy - last.accuracy];
  // A curve that does not fall at all has its end for an elbow.
  if (height <= 0) return curve.length - 1;
  let elbow = 0;
  let farthest = 0;
  for (const [at, { ratio, accuracy }] of curve.entries()) {
    const above = (accuracy - last.accuracy) / height - (last.ratio - ratio) / width;
    if (above > farthest) [elbow, farthest] = [at, above];
  }
  return elbow;
}
