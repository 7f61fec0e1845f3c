/**
 * Quantile q of values already in ascending order, interpolated linearly between order statistics at position
 * q · (n − 1): numpy's default, type 7 of Hyndman & Fan (1996). NaN for no values.
 */
export function quantileOfSorted(sorted: ArrayLike<number>, q: number): number {
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted.length === 0 ? Number.NaN : sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}

/** {@link quantileOfSorted} of finite values in any order, without sorting them all. */
export function quantile(values: ArrayLike<number>, q: number): number {
  const ordered = Float64Array.from(values);
  const below = Math.floor(q * (ordered.length - 1));
  select(ordered, below);
  // The next order statistic is the least of what is not smaller.
  for (let i = below + 2; i < ordered.length; i++) {
    if (ordered[i] < ordered[below + 1]) ordered[below + 1] = ordered[i];
  }
  return quantileOfSorted(ordered, q);
}

/** Puts the value of rank k at place k, none larger before it and none smaller behind it (Hoare 1961, FIND). */
function select(values: Float64Array, k: number): void {
  let low = 0;
  let high = values.length - 1;
  while (low < high) {
    const pivot = values[k];
    let i = low;
    let j = high;
    while (i <= j) {
      while (values[i] < pivot) i++;
      while (values[j] > pivot) j--;
      if (i > j) break;
      const swapped = values[i];
      values[i++] = values[j];
      values[j--] = swapped;
    }
    if (j < k) low = i;
    if (k < i) high = j;
  }
}

export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i];
  return sum / values.length;
}

/** Of a sample: squares about its mean over n − 1. NaN for one value. */
export function sampleVariance(values: readonly number[]): number {
  const centre = mean(values);
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
}
