/** A figure with the bounds of its two-sided 95 % interval. */
export interface Estimate {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** The 97.5 % quantile of the standard normal distribution. */
const Z = 1.959963984540054;

/**
 * A proportion with its 95 % Wilson score interval (Wilson 1927). No trials: value 0, interval [0, 1].
 */
export function wilson(successes: number, trials: number): Estimate {
  if (trials === 0) return { value: 0, low: 0, high: 1 };
  const value = successes / trials;
  const centre = value + (Z * Z) / (2 * trials);
  const half = Z * Math.sqrt((value * (1 - value)) / trials + (Z * Z) / (4 * trials * trials));
  const scale = 1 + (Z * Z) / trials;
  return { value, low: Math.max(0, (centre - half) / scale), high: Math.min(1, (centre + half) / scale) };
}

export interface McNemar {
  /** Images that only the first, or only the second classifier gets right. */
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** Two-sided. */
  readonly pValue: number;
}

/**
 * McNemar's test (1947) that two classifiers are right equally often on the same images. Always the exact binomial form:
 * it needs no choice of when a χ² approximation is good enough.
 *
 * @param onlyFirst images that only the first gets right
 * @param onlySecond images that only the second gets right
 */
export function mcNemar(onlyFirst: number, onlySecond: number): McNemar {
  const trials = onlyFirst + onlySecond;
  const fewer = Math.min(onlyFirst, onlySecond);
  // Terms of the binomial distribution at ½ as logarithms: 2^−trials alone underflows past a thousand trials.
  let logTerm = -trials * Math.LN2;
  let tail = 0;
  for (let k = 0; k <= fewer; k++) {
    tail += Math.exp(logTerm);
    logTerm += Math.log((trials - k) / (k + 1));
  }
  return { onlyFirst, onlySecond, pValue: Math.min(1, 2 * tail) };
}
