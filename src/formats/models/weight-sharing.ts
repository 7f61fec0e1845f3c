/** Assignments that still change after so many steps change little. */
const STEPS_MAX = 100;

export interface Sharing {
  /** The shared values, ascending. */
  readonly codebook: Float32Array;
  /** For each value the place of its shared one. */
  readonly codes: Uint8Array;
}

/**
 * Weight sharing by k-means in one dimension (Lloyd 1982) from centres spread evenly over the values' range, which Han 2016 (§3.2)
 * found to keep the rare large weights best. Clusters that lose all their values are left out.
 *
 * @param values finite
 * @param clusters most shared values, at most 256
 */
export function sharedWeights(values: Float32Array, clusters: number): Sharing {
  const sorted = Float32Array.from(values).sort();
  const sums = new Float64Array(sorted.length + 1);
  for (let i = 0; i < sorted.length; i++) sums[i + 1] = sums[i] + sorted[i];
  const distinct = sorted.filter((value, i) => i === 0 || value !== sorted[i - 1]);
  // Few enough values share already, and are the best clusters there are.
  let centres = distinct.length <= clusters ? [...distinct] : spread(sorted, clusters);
  for (let step = 0; step < STEPS_MAX; step++) {
    const edges = edgesOf(sorted, centres);
    const means: number[] = [];
    for (let k = 0; k + 1 < edges.length; k++) {
      if (edges[k + 1] > edges[k]) means.push((sums[edges[k + 1]] - sums[edges[k]]) / (edges[k + 1] - edges[k]));
    }
    const settled = means.length === centres.length && means.every((mean, k) => mean === centres[k]);
    centres = means;
    if (settled) break;
  }
  const codebook = Float32Array.from(centres);
  return { codebook, codes: Uint8Array.from(values, (value) => nearest(codebook, value)) };
}

function spread(sorted: Float32Array, clusters: number): number[] {
  const [low, high] = [sorted[0], sorted[sorted.length - 1]];
  if (clusters < 2) return [(low + high) / 2];
  return Array.from({ length: clusters }, (_, k) => low + ((high - low) * k) / (clusters - 1));
}

/** First place of each centre's values among the sorted ones, and their number at the end. */
function edgesOf(sorted: Float32Array, centres: readonly number[]): number[] {
  const between = centres.slice(1).map((centre, k) => firstAbove(sorted, (centre + centres[k]) / 2));
  return [0, ...between, sorted.length];
}

function firstAbove(sorted: Float32Array, limit: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle] > limit) high = middle;
    else low = middle + 1;
  }
  return low;
}

function nearest(codebook: Float32Array, value: number): number {
  const above = firstAbove(codebook, value);
  if (above === 0 || above === codebook.length) return Math.min(above, codebook.length - 1);
  return value - codebook[above - 1] <= codebook[above] - value ? above - 1 : above;
}
