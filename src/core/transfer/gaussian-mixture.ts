import type { Random } from '../random.ts';
import type { Features } from './features.ts';

const LLOYD_ROUNDS = 10;
const ROUNDS = 30;
const TOLERANCE = 1e-3;
/** Added to the diagonal of every covariance. */
const RIDGE = 1e-6;
/** A component whose logarithm is so far below the best one's has no share that twelve digits would show. */
const NEGLIGIBLE = 30;

export interface Mixture {
  readonly components: number;
  /** Probability of each component given each point: count × components. */
  readonly posteriors: Float64Array;
  /** Mean log likelihood of a point. */
  readonly logLikelihood: number;
}

interface Component {
  readonly mean: Float64Array;
  /** Lower triangle of the Cholesky factor of the covariance, d × d. */
  readonly lower: Float64Array;
  /** Log weight − ½ log determinant − ½ d log 2π. */
  readonly constant: number;
}

/**
 * Gaussian mixture with full covariances by expectation maximisation (Dempster 1977) from a first assignment, until the mean
 * log likelihood gains less than 1e-3 (scikit-learn's default), 30 rounds at most.
 *
 * @param points count × dimensions
 * @param assignment component of each point to begin with, each below `components`
 */
export function fitMixture(points: Features, assignment: ArrayLike<number>, components: number): Mixture {
  const count = assignment.length;
  const posteriors = new Float64Array(count * components);
  for (let i = 0; i < count; i++) posteriors[i * components + assignment[i]] = 1;
  let before = Number.NEGATIVE_INFINITY;
  for (let round = 1; round <= ROUNDS; round++) {
    const logLikelihood = expect(points, maximise(points, posteriors, components), posteriors);
    if (Math.abs(logLikelihood - before) < TOLERANCE) break;
    before = logLikelihood;
  }
  const logLikelihood = expect(points, maximise(points, posteriors, components), posteriors);
  return { components, posteriors, logLikelihood };
}

/** Weights, means and covariances from the posteriors. */
function maximise({ dimensions, values }: Features, posteriors: Float64Array, components: number): Component[] {
  const count = posteriors.length / components;
  return Array.from({ length: components }, (_, k) => {
    // As scikit-learn: a component without points keeps a trace of mass.
    let mass = 10 * Number.EPSILON;
    const mean = new Float64Array(dimensions);
    const members: number[] = [];
    for (let i = 0; i < count; i++) {
      const share = posteriors[i * components + k];
      if (share === 0) continue;
      members.push(i);
      mass += share;
      for (let d = 0; d < dimensions; d++) mean[d] += share * values[i * dimensions + d];
    }
    for (let d = 0; d < dimensions; d++) mean[d] /= mass;
    const covariance = new Float64Array(dimensions * dimensions);
    const away = new Float64Array(dimensions);
    for (const i of members) {
      const share = posteriors[i * components + k] / mass;
      for (let d = 0; d < dimensions; d++) away[d] = values[i * dimensions + d] - mean[d];
      for (let d = 0; d < dimensions; d++) {
        const weight = share * away[d];
        for (let e = 0; e <= d; e++) covariance[d * dimensions + e] += weight * away[e];
      }
    }
    const logDeterminant = factorise(covariance, dimensions);
    return {
      mean,
      lower: covariance,
      constant: Math.log(mass / count) - (logDeterminant + dimensions * Math.log(2 * Math.PI)) / 2,
    };
  });
}

/** Cholesky in place of the lower triangle plus the ridge; returns the logarithm of the determinant. */
function factorise(matrix: Float64Array, n: number): number {
  let logDeterminant = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i * n + j];
      if (i === j) rest += RIDGE;
      for (let k = 0; k < j; k++) rest -= matrix[i * n + k] * matrix[j * n + k];
      // The ridge keeps a pivot positive, up to rounding.
      matrix[i * n + j] = i === j ? Math.sqrt(Math.max(rest, RIDGE / 2)) : rest / matrix[j * n + j];
    }
    logDeterminant += 2 * Math.log(matrix[i * n + i]);
  }
  return logDeterminant;
}

/** Posteriors in place, and the mean log likelihood. */
function expect({ dimensions, values }: Features, mixture: readonly Component[], posteriors: Float64Array): number {
  const components = mixture.length;
  const count = posteriors.length / components;
  const logs = new Float64Array(components);
  const solved = new Float64Array(dimensions);
  let total = 0;
  for (let i = 0; i < count; i++) {
    const row = posteriors.subarray(i * components, (i + 1) * components);
    // The component that was best before comes first: the others can then be given up early.
    let best = 0;
    for (let k = 1; k < components; k++) if (row[k] > row[best]) best = k;
    const point = values.subarray(i * dimensions, (i + 1) * dimensions);
    logs[best] = logDensity(point, mixture[best], solved, Number.NEGATIVE_INFINITY);
    let largest = logs[best];
    for (let k = 0; k < components; k++) {
      if (k !== best) logs[k] = logDensity(point, mixture[k], solved, largest - NEGLIGIBLE);
      largest = Math.max(largest, logs[k]);
    }
    let sum = 0;
    for (let k = 0; k < components; k++) {
      row[k] = logs[k] < largest - NEGLIGIBLE ? 0 : Math.exp(logs[k] - largest);
      sum += row[k];
    }
    for (let k = 0; k < components; k++) row[k] /= sum;
    total += largest + Math.log(sum);
  }
  return total / count;
}

/** Log of weight times density, or −∞ once it is known to lie below `least`. */
function logDensity(point: Float32Array | Float64Array, { mean, lower, constant }: Component, solved: Float64Array, least: number): number {
  const n = mean.length;
  let log = constant;
  for (let d = 0; d < n; d++) {
    let rest = point[d] - mean[d];
    for (let e = 0, at = d * n; e < d; e++, at++) rest -= lower[at] * solved[e];
    solved[d] = rest / lower[d * n + d];
    log -= (solved[d] * solved[d]) / 2;
    if (log < least) return Number.NEGATIVE_INFINITY;
  }
  return log;
}

/**
 * k-means (Lloyd 1982) from k-means++ centres (Arthur & Vassilvitskii 2007): the cluster of each point. Clusters may end up
 * empty where points coincide.
 */
export function kMeans({ dimensions, values }: Features, clusters: number, random: Random): Int32Array {
  const count = values.length / dimensions;
  const centres = new Float64Array(clusters * dimensions);
  const squaredDistance = (i: number, k: number, most: number): number => {
    let sum = 0;
    for (let d = 0; d < dimensions && sum < most; d++) sum += (values[i * dimensions + d] - centres[k * dimensions + d]) ** 2;
    return sum;
  };
  const place = (k: number, i: number): void => centres.set(values.subarray(i * dimensions, (i + 1) * dimensions), k * dimensions);
  const nearest = new Float64Array(count).fill(Number.POSITIVE_INFINITY);
  place(0, random.integer(count));
  for (let k = 1; k < clusters; k++) {
    let total = 0;
    for (let i = 0; i < count; i++) total += nearest[i] = Math.min(nearest[i], squaredDistance(i, k - 1, nearest[i]));
    let left = random.next() * total;
    let chosen = 0;
    while (chosen < count - 1 && (left -= nearest[chosen]) > 0) chosen++;
    place(k, chosen);
  }
  const assignment = new Int32Array(count);
  for (let round = 0; round < LLOYD_ROUNDS; round++) {
    let moved = round === 0;
    for (let i = 0; i < count; i++) {
      let best = assignment[i];
      let least = squaredDistance(i, best, Number.POSITIVE_INFINITY);
      for (let k = 0; k < clusters; k++) {
        const distance = squaredDistance(i, k, least);
        if (distance < least) [best, least] = [k, distance];
      }
      moved ||= best !== assignment[i];
      assignment[i] = best;
    }
    if (!moved) break;
    recentre({ dimensions, values }, assignment, centres);
  }
  return assignment;
}

/** Each centre to the mean of its points; one without points stays. */
function recentre({ dimensions, values }: Features, assignment: Int32Array, centres: Float64Array): void {
  const sizes = new Int32Array(centres.length / dimensions);
  for (const cluster of assignment) sizes[cluster]++;
  sizes.forEach((size, k) => {
    if (size > 0) centres.fill(0, k * dimensions, (k + 1) * dimensions);
  });
  assignment.forEach((cluster, i) => {
    for (let d = 0; d < dimensions; d++) centres[cluster * dimensions + d] += values[i * dimensions + d] / sizes[cluster];
  });
}
