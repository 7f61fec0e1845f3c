/** Confidence of the one-sided bounds. */
const CONFIDENCE = 0.95;
/** Halvings of the interval that a limit is looked for in. */
const HALVINGS = 50;

/**
 * One-sided 95 % upper bound on how much less often the second of two classifiers is right, from the images of one set:
 * Clopper–Pearson limits (1934) of the shares lost and gained, combined by the method of variance estimates recovery
 * (Zou & Donner 2008) with the correlation of two counts of one multinomial. With none lost or gained it is
 * 1 − 0.05^(1/images), about 3 / images.
 *
 * @param lost images that only the first classifier gets right
 * @param gained images that only the second gets right
 */
export function dropBound(lost: number, gained: number, images: number): number {
  const [p, q] = [lost / images, gained / images];
  const above = upperLimit(lost, images) - p;
  const below = q - lowerLimit(gained, images);
  const correlation = p === 0 || q === 0 ? 0 : -Math.sqrt((p * q) / ((1 - p) * (1 - q)));
  return Math.min(1, p - q + Math.sqrt(above * above + below * below - 2 * correlation * above * below));
}

/** The smallest drop that a set of this size can certify: the bound when nothing is lost. */
export const leastCertifiableDrop = (images: number): number => dropBound(0, 0, images);

/** The share at which this many successes or fewer have a probability of 5 %. */
function upperLimit(successes: number, trials: number): number {
  if (successes === trials) return 1;
  return solve((share) => atMost(successes, trials, share) > 1 - CONFIDENCE);
}

/** The share at which this many successes or more have a probability of 5 %. */
function lowerLimit(successes: number, trials: number): number {
  if (successes === 0) return 0;
  return solve((share) => 1 - atMost(successes - 1, trials, share) < 1 - CONFIDENCE);
}

/** The share up to which the condition holds. */
function solve(holds: (share: number) => boolean): number {
  let [low, high] = [0, 1];
  for (let step = 0; step < HALVINGS; step++) {
    const middle = (low + high) / 2;
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** Probability of at most this many successes, for a share in (0, 1). */
function atMost(successes: number, trials: number, share: number): number {
  // Terms as logarithms: (1 − share)^trials alone underflows for large sets.
  const odds = Math.log(share) - Math.log1p(-share);
  let logTerm = trials * Math.log1p(-share);
  let sum = 0;
  for (let k = 0; k <= successes; k++) {
    sum += Math.exp(logTerm);
    logTerm += Math.log((trials - k) / (k + 1)) + odds;
  }
  return Math.min(1, sum);
}
