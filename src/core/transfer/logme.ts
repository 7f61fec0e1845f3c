import { alongLeft, alongSquares, type Decomposition } from './decomposition.ts';
import type { Measured } from './influence.ts';

const STEPS = 11;
const TOLERANCE = 1e-3;
const FLOOR = 1e-5;

/**
 * LogME: the log evidence of a Bayesian linear model from the features to each class's indicator, a value per image,
 * averaged over the classes that have images (You 2021). Where the features have fewer directions than dimensions, the
 * determinant's missing factors α are counted (the published code leaves them out).
 *
 * The features are not centred in it: FᵀF = V S² Vᵀ + N μμᵀ, and the inverse and determinant of that follow from the centred
 * decomposition by Sherman and Morrison's formula, so that one decomposition serves all scores.
 */
export function logMe(parts: Decomposition): number {
  const models = parts.members.flatMap((images, label) => (images.length === 0 ? [] : [fit(parts, label)]));
  return models.reduce((sum, { evidence }) => sum + evidence, 0) / parts.count / models.length;
}

/** The Bayesian linear model of one class's indicator at its final α and β. */
interface Model {
  /** Log evidence of all images together. */
  readonly evidence: number;
  readonly beta: number;
  readonly t: number;
  /** Weights along the directions V, and the prediction for an image at the mean. */
  readonly weights: Float64Array;
  readonly atMean: number;
}

function fit(parts: Decomposition, label: number): Model {
  const { count, dimensions, classes, members, sigma, projections, meanAlong, meanOutside } = parts;
  const mass = members[label].length;
  const share = mass / count;
  const target = sigma.map((_, k) => projections[k * classes + label]);
  const outside = Math.max(
    0,
    target.reduce((rest, along) => rest - along * along, mass - mass * share),
  );
  const weights = new Float64Array(sigma.length);
  let alpha = 1;
  let beta = 1;
  let residual = 0;
  let length = 0;
  let atMean = 0;
  for (let step = 0; step < STEPS; step++) {
    const t = alpha / beta;
    // μᵀ A⁻¹ μ, μᵀ A⁻² μ and μᵀ A⁻¹ b with A = S² + t, b = Fᵀy.
    let gamma = 0;
    let once = meanOutside / t;
    let twice = meanOutside / (t * t);
    let crossed = (mass * meanOutside) / t;
    for (let k = 0; k < sigma.length; k++) {
      const shrunk = sigma[k] + t;
      gamma += sigma[k] / shrunk;
      once += meanAlong[k] ** 2 / shrunk;
      twice += (meanAlong[k] / shrunk) ** 2;
      crossed += (meanAlong[k] * (Math.sqrt(sigma[k]) * target[k] + mass * meanAlong[k])) / shrunk;
    }
    const denominator = 1 + count * once;
    gamma += (t * count * twice) / denominator;
    const pull = mass - (count * crossed) / denominator;
    length = meanOutside * (pull / t) ** 2;
    residual = outside;
    atMean = (meanOutside * pull) / t;
    for (let k = 0; k < sigma.length; k++) {
      const root = Math.sqrt(sigma[k]);
      weights[k] = (root * target[k] + pull * meanAlong[k]) / (sigma[k] + t);
      length += weights[k] ** 2;
      residual += (target[k] - root * weights[k]) ** 2;
      atMean += meanAlong[k] * weights[k];
    }
    residual += count * (share - atMean) ** 2;
    alpha = gamma / (length + FLOOR);
    beta = (count - gamma) / (residual + FLOOR);
    if (Math.abs(alpha / beta - t) / t <= TOLERANCE) break;
  }
  const t = alpha / beta;
  let once = meanOutside / t;
  let logDeterminant = (dimensions - sigma.length) * Math.log(alpha);
  for (let k = 0; k < sigma.length; k++) {
    once += meanAlong[k] ** 2 / (sigma[k] + t);
    logDeterminant += Math.log(alpha + beta * sigma[k]);
  }
  logDeterminant += Math.log1p(count * once);
  const logEvidence =
    dimensions * Math.log(alpha) +
    count * Math.log(beta) -
    logDeterminant -
    beta * residual -
    alpha * length -
    count * Math.log(2 * Math.PI);
  return { evidence: logEvidence / 2, beta, t, weights, atMean };
}

/**
 * {@link logMe} with its influences. α and β maximise the evidence, so that an image moves it only through what they leave:
 * ½ (log β − log 2π − β e² − fᵀ (FᵀF + α/β)⁻¹ f), e the image's error. (A bootstrap of the evidence itself would be wrong:
 * drawing an image twice makes it better, so that replicates lie above the value that they should surround.)
 */
export function measureLogMe(parts: Decomposition): Measured {
  const { count, members, sigma, meanAlong, meanOutside, labels } = parts;
  const present = members.flatMap((images, label) => (images.length === 0 ? [] : [label]));
  const models = present.map((label) => ({ label, ...fit(parts, label) }));
  const columns = models.length;
  const perModel = (value: (k: number, model: Model) => number): Float64Array =>
    Float64Array.from({ length: sigma.length * columns }, (_, at) => value(Math.floor(at / columns), models[at % columns]));
  const fitted = alongLeft(
    parts,
    perModel((k, { weights }) => Math.sqrt(sigma[k]) * weights[k]),
    columns,
  );
  const towardsMean = alongLeft(
    parts,
    perModel((k, { t }) => (Math.sqrt(sigma[k]) * meanAlong[k]) / (sigma[k] + t)),
    columns,
  );
  const leverage = alongSquares(
    parts,
    perModel((k, { t }) => sigma[k] / (sigma[k] + t)),
    columns,
  );
  const influence = new Float64Array(count);
  let value = 0;
  models.forEach(({ label, evidence, beta, t, atMean }, column) => {
    const once = meanAlong.reduce((sum, along, k) => sum + along ** 2 / (sigma[k] + t), meanOutside / t);
    value += evidence / count / columns;
    for (let image = 0; image < count; image++) {
      const at = image * columns + column;
      const error = (labels[image] === label ? 1 : 0) - fitted[at] - atMean;
      const spread = leverage[at] + 2 * towardsMean[at] + once - (count * (towardsMean[at] + once) ** 2) / (1 + count * once);
      const moved = (Math.log(beta / (2 * Math.PI)) - beta * error * error - spread) / 2;
      influence[image] += (moved - evidence / count) / count / columns;
    }
  });
  return { value, influence };
}
