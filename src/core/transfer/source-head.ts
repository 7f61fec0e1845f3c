import type { Measured } from './influence.ts';

/**
 * Scores from the probabilities that a source classifier gives to the target's images: count × sourceClasses, row-major,
 * each row summing to one.
 */
export interface SourceProbabilities {
  readonly sourceClasses: number;
  readonly values: Float64Array;
}

/**
 * LEEP (Nguyen 2020): mean log p(y) with p(y) = Σ_z P(y|z)·θ_z, P(y|z) from the empirical joint of target labels and source
 * probabilities. A source class without mass predicts nothing. An image counts by its own logarithm and by what it adds to P(y|z).
 *
 * @param labels count class indices below `classes`
 */
export function leep({ sourceClasses, values }: SourceProbabilities, labels: ArrayLike<number>, classes: number): Measured {
  const count = labels.length;
  const joint = new Float64Array(classes * sourceClasses);
  const mass = new Float64Array(sourceClasses);
  for (let image = 0, at = 0; image < count; image++) {
    for (let z = 0; z < sourceClasses; z++, at++) {
      joint[labels[image] * sourceClasses + z] += values[at];
      mass[z] += values[at];
    }
  }
  const given = joint.map((value, at) => (mass[at % sourceClasses] > 0 ? value / mass[at % sourceClasses] : 0));
  const probabilities = new Float64Array(count);
  // ∂ Σ log p / ∂ P(y|z): Σ over class y's images of θ_z / p.
  const weights = new Float64Array(classes * sourceClasses);
  for (let image = 0; image < count; image++) {
    const row = image * sourceClasses;
    const own = labels[image] * sourceClasses;
    for (let z = 0; z < sourceClasses; z++) probabilities[image] += given[own + z] * values[row + z];
    for (let z = 0; z < sourceClasses; z++) weights[own + z] += values[row + z] / probabilities[image];
  }
  const common = new Float64Array(sourceClasses);
  weights.forEach((weight, at) => (common[at % sourceClasses] += weight * given[at]));
  const value = probabilities.reduce((sum, probability) => sum + Math.log(probability), 0) / count;
  const influence = probabilities.map((probability, image) => {
    let moved = Math.log(probability) - value;
    for (let z = 0; z < sourceClasses; z++) {
      if (mass[z] > 0) {
        moved += (values[image * sourceClasses + z] * (weights[labels[image] * sourceClasses + z] - common[z])) / mass[z];
      }
    }
    return moved / count;
  });
  return { value, influence };
}

/** NCE (Tran 2019): −H(y | z) with z the source class of largest probability, natural logarithm. */
export function nce({ sourceClasses, values }: SourceProbabilities, labels: ArrayLike<number>, classes: number): Measured {
  const joint = new Int32Array(classes * sourceClasses);
  const totals = new Int32Array(sourceClasses);
  const answers = Int32Array.from(labels, (label, image) => {
    const row = image * sourceClasses;
    let z = 0;
    for (let other = 1; other < sourceClasses; other++) if (values[row + other] > values[row + z]) z = other;
    joint[label * sourceClasses + z]++;
    totals[z]++;
    return z;
  });
  const logs = Float64Array.from(answers, (z, image) => Math.log(joint[labels[image] * sourceClasses + z] / totals[z]));
  const value = logs.reduce((a, b) => a + b, 0) / labels.length;
  return { value, influence: logs.map((log) => (log - value) / labels.length) };
}
