import { symmetricEigenvalues } from '../linear/symmetric.ts';
import { createRandom, type Random } from '../random.ts';
import { mean, quantile, quantileOfSorted, sampleVariance } from '../stats/quantile.ts';
import type { Compare, KernelMatrix } from './similarity.ts';
import { pairsOf } from './triangle.ts';

/** Columns of an activation sample are split into this many random blocks to see how S_avg varies with the sample. */
const BLOCKS = 16;
const HISTOGRAM_BINS = 16;
const PAIRS_LISTED = 10;
/** A pair is redundant above this quantile of the permuted layer's similarities. */
const REDUNDANT_QUANTILE = 0.999;

/** Statistics of the similarity S of one layer's kernels (METHOD: weights or activations). Plain and serialisable. */
export interface DiceStatistics {
  /** 1 − mean off-diagonal S. */
  readonly diversity: number;
  /** Equation 4, one value a kernel. */
  readonly sAvg: readonly number[];
  readonly sAvgQuantiles: {
    readonly minimum: number;
    readonly q05: number;
    readonly q25: number;
    readonly median: number;
    readonly q75: number;
    readonly q95: number;
    readonly maximum: number;
  };
  /** Of S_avg: equal bins from the smallest to the largest value. */
  readonly histogram: { readonly from: number; readonly to: number; readonly counts: readonly number[] };
  /** Share of kernels with a partner above `redundantAbove`. */
  readonly redundantShare: number;
  /** The 99.9 % quantile of the permuted layer's S. */
  readonly redundantAbove: number;
  /** exp of the entropy of the eigenvalues of S / trace S: from 1 (all alike) to the number of kernels. */
  readonly effectiveKernels: number;
  /** The most similar pairs, most similar first. */
  readonly similarPairs: readonly { readonly first: number; readonly second: number; readonly similarity: number }[];
  /** Diversity minus the diversity of the same layer with each kernel's values permuted. */
  readonly diversityExcess: number;
  /** S_avg minus the permuted layer's, one value a kernel. */
  readonly sAvgExcess: readonly number[];
  /** Standard error that the sample of columns leaves on each S_avg and on the diversity; only of sampled columns. */
  readonly standardError?: { readonly sAvg: readonly number[]; readonly diversity: number };
}

export interface MatrixOptions {
  /** As in SimilarityOptions. */
  readonly rescale: boolean;
  /** Of the permuted null, and of the blocks of a sample. */
  readonly seed: number;
  /** True when the columns are a random sample (of images and positions) rather than all there is. */
  readonly sampled: boolean;
  readonly compare: Compare;
  readonly spectrum: Spectrum;
}

/** All eigenvalues of S from its triangle, descending, which may be lent: {@link similaritySpectrum}, or a faster twin of it. */
export type Spectrum = (triangle: Float64Array, count: number) => Float64Array;

export interface MatrixProfile {
  readonly statistics: DiceStatistics;
  /** S below the diagonal, as {@link Compare} lends it. */
  readonly triangle: Float64Array;
}

/**
 * Profile of one layer's kernels, or channels.
 *
 * @param matrix at least two rows of finite values
 */
export function profileMatrix(matrix: KernelMatrix, { rescale, seed, sampled, compare, spectrum }: MatrixOptions): MatrixProfile {
  const random = createRandom(seed);
  const { count, size } = matrix;
  const blocks = sampled ? Math.min(BLOCKS, size) : 1;
  const rows = sampled ? withShuffledColumns(matrix, random) : matrix;
  const permuted = compare(withShuffledRows(rows, random), { rescale });
  const permutedAverages = permuted.averages.slice();
  const redundantAbove = quantile(permuted.triangle, REDUNDANT_QUANTILE);
  const blockAverages = Array.from({ length: blocks > 1 ? blocks : 0 }, (_, block) => {
    const columns = { from: Math.floor((block * size) / blocks), to: Math.floor(((block + 1) * size) / blocks) };
    return compare(rows, { rescale, columns }).averages.slice();
  });
  // Last, because each comparison may overwrite the one before.
  const { triangle, averages: sAvg } = compare(rows, { rescale });

  const sorted = Float64Array.from(sAvg).sort();
  const diversity = 1 - mean(sAvg);
  const statistics = {
    diversity,
    sAvg: [...sAvg],
    sAvgQuantiles: {
      minimum: sorted[0],
      q05: quantileOfSorted(sorted, 0.05),
      q25: quantileOfSorted(sorted, 0.25),
      median: quantileOfSorted(sorted, 0.5),
      q75: quantileOfSorted(sorted, 0.75),
      q95: quantileOfSorted(sorted, 0.95),
      maximum: sorted[count - 1],
    },
    histogram: histogram(sorted),
    redundantShare: shareWithPartnerAbove(triangle, count, redundantAbove),
    redundantAbove,
    effectiveKernels: effectiveNumber(spectrum(triangle, count)),
    similarPairs: mostSimilar(triangle, count),
    diversityExcess: diversity - (1 - mean(permutedAverages)),
    sAvgExcess: Array.from(sAvg, (value, i) => value - permutedAverages[i]),
    ...(blocks > 1 && {
      standardError: {
        sAvg: Array.from({ length: count }, (_, i) => standardErrorOfMean(blockAverages.map((block) => block[i]))),
        diversity: standardErrorOfMean(blockAverages.map(mean)),
      },
    }),
  };
  return { statistics, triangle };
}

function withShuffledColumns({ count, size, values }: KernelMatrix, random: Random): KernelMatrix {
  const order = random.shuffle(Int32Array.from({ length: size }, (_, k) => k));
  const shuffled = values.slice();
  for (let row = 0; row < count; row++) for (let k = 0; k < size; k++) shuffled[row * size + k] = values[row * size + order[k]];
  return { count, size, values: shuffled };
}

function withShuffledRows({ count, size, values }: KernelMatrix, random: Random): KernelMatrix {
  const shuffled = values.slice();
  // Random.shuffle of each row, written out: it is a tenth of a profile's time where the engine must find out what it shuffles.
  for (let row = 0; row < count; row++) {
    for (let i = size - 1; i > 0; i--) {
      const from = row * size + random.integer(i + 1);
      const value = shuffled[row * size + i];
      shuffled[row * size + i] = shuffled[from];
      shuffled[from] = value;
    }
  }
  return { count, size, values: shuffled };
}

function histogram(sorted: Float64Array): DiceStatistics['histogram'] {
  const from = sorted[0];
  const to = sorted[sorted.length - 1];
  const counts = Array.from({ length: HISTOGRAM_BINS }, () => 0);
  for (const value of sorted) {
    counts[to > from ? Math.min(HISTOGRAM_BINS - 1, Math.floor(((value - from) / (to - from)) * HISTOGRAM_BINS)) : 0]++;
  }
  return { from, to, counts };
}

function shareWithPartnerAbove(triangle: Float64Array, count: number, threshold: number): number {
  const redundant = new Uint8Array(count);
  for (let i = 1, at = 0; i < count; i++) {
    for (let j = 0; j < i; j++, at++) {
      if (triangle[at] > threshold) redundant[i] = redundant[j] = 1;
    }
  }
  return mean(redundant);
}

/** {@link symmetricEigenvalues} of S. */
export function similaritySpectrum(triangle: Float64Array, count: number): Float64Array {
  // Only its lower triangle is read.
  const similarity = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    similarity.set(triangle.subarray(pairsOf(i), pairsOf(i) + i), i * count);
    similarity[i * count + i] = 1;
  }
  return symmetricEigenvalues(similarity, count);
}

/** exp(−Σ p ln p) over p = λ / Σλ. Eigenvalues below zero are rounding: S is positive semidefinite. */
function effectiveNumber(eigenvalues: Float64Array): number {
  const trace = eigenvalues.reduce((sum, value) => sum + Math.max(value, 0), 0);
  let entropy = 0;
  for (const value of eigenvalues) if (value > 0) entropy -= (value / trace) * Math.log(value / trace);
  return Math.exp(entropy);
}

/** Ties go to the pair with the lower first kernel, then the lower second. */
function mostSimilar(triangle: Float64Array, count: number): DiceStatistics['similarPairs'] {
  const pairs: { first: number; second: number; similarity: number }[] = [];
  for (let first = 0; first < count; first++) {
    for (let second = first + 1; second < count; second++) {
      const value = triangle[pairsOf(second) + first];
      if (pairs.length === PAIRS_LISTED && value <= pairs[PAIRS_LISTED - 1].similarity) continue;
      const rank = pairs.findIndex((pair) => pair.similarity < value);
      pairs.splice(rank < 0 ? pairs.length : rank, 0, { first, second, similarity: value });
      pairs.length = Math.min(pairs.length, PAIRS_LISTED);
    }
  }
  return pairs;
}

function standardErrorOfMean(values: readonly number[]): number {
  return Math.sqrt(sampleVariance(values) / values.length);
}
