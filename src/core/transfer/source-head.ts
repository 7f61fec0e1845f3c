/**
 * Scores from the probabilities that a source classifier gives to the target's images: count × sourceClasses, row-major,
 * each row summing to one.
 */
export interface SourceProbabilities {
  readonly sourceClasses: number;
  readonly values: Float64Array;
}

/**
 * LEEP (Nguyen 2020): mean log Σ_z P(y|z)·θ_z, P(y|z) the empirical joint of target labels and source probabilities. A
 * source class without mass predicts nothing.
 *
 * @param labels count class indices below `classes`
 */
export function leep({ sourceClasses, values }: SourceProbabilities, labels: ArrayLike<number>, classes: number): number {
  const joint = new Float64Array(classes * sourceClasses);
  const mass = new Float64Array(sourceClasses);
  for (let at = 0; at < values.length; at++) {
    const z = at % sourceClasses;
    joint[labels[Math.floor(at / sourceClasses)] * sourceClasses + z] += values[at];
    mass[z] += values[at];
  }
  let sum = 0;
  for (let image = 0; image < labels.length; image++) {
    let probability = 0;
    for (let z = 0; z < sourceClasses; z++) {
      if (mass[z] > 0) probability += (joint[labels[image] * sourceClasses + z] / mass[z]) * values[image * sourceClasses + z];
    }
    sum += Math.log(probability);
  }
  return sum / labels.length;
}

/** NCE (Tran 2019): −H(y | z) with z the source class of largest probability, natural logarithm. */
export function nce({ sourceClasses, values }: SourceProbabilities, labels: ArrayLike<number>, classes: number): number {
  const joint = new Int32Array(classes * sourceClasses);
  const totals = new Int32Array(sourceClasses);
  for (let image = 0; image < labels.length; image++) {
    const row = image * sourceClasses;
    let z = 0;
    for (let other = 1; other < sourceClasses; other++) if (values[row + other] > values[row + z]) z = other;
    joint[labels[image] * sourceClasses + z]++;
    totals[z]++;
  }
  let sum = 0;
  joint.forEach((images, at) => {
    if (images > 0) sum += images * Math.log(images / totals[at % sourceClasses]);
  });
  return sum / labels.length;
}
