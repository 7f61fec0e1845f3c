import { createRandom } from '../random.ts';
import type { Estimate } from '../stats/index.ts';
import { classGram, type ClassGram, type Features, imagesByClass, spectrumOf, withoutImages } from './features.ts';

const STEPS = 11;
const TOLERANCE = 1e-3;
const FLOOR = 1e-5;
const GROUPS = 10;

/**
 * LogME: the log evidence of a Bayesian linear model from the features to each class's indicator, a value per image,
 * averaged over the classes (You 2021). Where the features have fewer directions than dimensions, the determinant's
 * missing factors α are counted (the published code leaves them out).
 *
 * @param features count × dimensions
 * @param labels count class indices below `classes`
 */
export function logMe(features: Features, labels: ArrayLike<number>, classes: number): number {
  return meanEvidence(classGram(features, labels, classes), classSizes(labels, classes));
}

function classSizes(labels: ArrayLike<number>, classes: number): number[] {
  return imagesByClass(labels, classes).map((images) => images.length);
}

function meanEvidence(gram: ClassGram, sizes: readonly number[]): number {
  const { sigma, projections } = spectrumOf(gram);
  const sum = sizes.reduce((total, mass, label) => {
    const squares = sigma.map((_, k) => projections[k * sizes.length + label] ** 2);
    return total + evidence(sigma, squares, { ...gram, mass });
  }, 0);
  return sum / sizes.length;
}

/** @param target its squared length `mass`, and the squares of its projections on the left singular vectors */
function evidence(
  sigma: Float64Array,
  squares: Float64Array,
  { count, dimensions, mass }: { count: number; dimensions: number; mass: number },
): number {
  const outside = Math.max(
    0,
    squares.reduce((rest, square) => rest - square, mass),
  );
  let alpha = 1;
  let beta = 1;
  let residual = 0;
  let length = 0;
  for (let step = 0; step < STEPS; step++) {
    const t = alpha / beta;
    let gamma = 0;
    length = 0;
    residual = outside;
    for (let k = 0; k < sigma.length; k++) {
      const shrunk = sigma[k] + t;
      gamma += sigma[k] / shrunk;
      length += (sigma[k] * squares[k]) / (shrunk * shrunk);
      residual += squares[k] * (t / shrunk) ** 2;
    }
    alpha = gamma / (length + FLOOR);
    beta = (count - gamma) / (residual + FLOOR);
    if (Math.abs(alpha / beta - t) / t <= TOLERANCE) break;
  }
  let logDeterminant = (dimensions - sigma.length) * Math.log(alpha);
  for (const value of sigma) logDeterminant += Math.log(alpha + beta * value);
  const logEvidence =
    dimensions * Math.log(alpha) +
    count * Math.log(beta) -
    logDeterminant -
    beta * residual -
    alpha * length -
    count * Math.log(2 * Math.PI);
  return logEvidence / 2 / count;
}

/**
 * {@link logMe} with a 95 % interval from a stratified delete-a-group jackknife over images (ten groups). Not from a
 * bootstrap: drawing an image twice makes the evidence better, so that replicates lie above the value that they should
 * surround, and each would cost a decomposition.
 *
 * @param options seed of the groups
 */
export function logMeEstimate(features: Features, labels: ArrayLike<number>, classes: number, { seed }: { seed: number }): Estimate {
  const whole = classGram(features, labels, classes);
  const sizes = classSizes(labels, classes);
  const value = meanEvidence(whole, sizes);
  const without = stratifiedGroups(labels, classes, seed).map((images) => {
    const left = sizes.slice();
    for (const image of images) left[labels[image]]--;
    return meanEvidence(withoutImages(whole, features, labels, images), left);
  });
  const centre = without.reduce((a, b) => a + b, 0) / GROUPS;
  const error = Math.sqrt((without.reduce((sum, x) => sum + (x - centre) ** 2, 0) * (GROUPS - 1)) / GROUPS);
  return { value, low: value - JACKKNIFE_T * error, high: value + JACKKNIFE_T * error };
}

/** The 97.5 % quantile of Student's t with GROUPS − 1 degrees of freedom. */
const JACKKNIFE_T = 2.2621571628540993;

/** Ten groups of images; every class is dealt out evenly. */
function stratifiedGroups(labels: ArrayLike<number>, classes: number, seed: number): number[][] {
  const random = createRandom(seed);
  const groups: number[][] = Array.from({ length: GROUPS }, () => []);
  let next = 0;
  for (const images of imagesByClass(labels, classes)) {
    for (const image of random.shuffle(images)) groups[next++ % GROUPS].push(image);
  }
  return groups;
}
