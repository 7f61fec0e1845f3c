import { Failure } from '../failure.ts';
import { quantileOfSorted } from '../stats/quantile.ts';

export interface Selection {
  /** Indices of the kernels that leave, ascending. */
  readonly removed: number[];
  /** The same indices, most extreme first. */
  readonly order: number[];
  readonly tauMin: number;
  readonly tauMax: number;
}

export interface SelectionOptions {
  /** Share of the kernels that leave at most, in [0, 1). */
  readonly ratio: number;
  /** Quantile of τmin in [0, 1], by default ratio / 2. */
  readonly alpha?: number;
  /** Quantile of τmax in [0, 1], by default 1 − ratio / 2. */
  readonly beta?: number;
}

/** Differences of S_avg below this are rounding: equal kernels tie although their sums run in another order. */
const TIE = 1e-12;

/** ⌊ratio · count⌋, the most kernels that leave; 0.29 · 100 is 28.999… in binary, and the ratio that was meant gives 29. */
export const limitOf = (count: number, ratio: number): number => Math.floor(ratio * count + 1e-9);

/**
 * Dice selection, Algorithm 1 of Hajbi 2025. Kernels with S_avg below τmin = Q_α (uninformative) or above τmax = Q_β
 * (redundant) are candidates; at most ⌊ratio · N⌋ of them leave, the farthest from the median first, ties to the lower
 * index. Quantiles interpolate linearly.
 *
 * @param sAvg average similarity of each kernel of one layer or group
 * @throws Failure `invalid-request` for a ratio or quantile out of range
 */
export function algorithm1(sAvg: ArrayLike<number>, options: SelectionOptions): Selection {
  const { ratio, alpha, beta } = validated(options);
  const sorted = Float64Array.from(sAvg).sort();
  const tauMin = quantileOfSorted(sorted, alpha);
  const tauMax = quantileOfSorted(sorted, beta);
  const middle = quantileOfSorted(sorted, 0.5);
  const extremity = Array.from(sAvg, (value) => Math.round(Math.abs(value - middle) / TIE));
  const order = Array.from(sAvg, (_, i) => i)
    .filter((i) => sAvg[i] < tauMin || sAvg[i] > tauMax)
    .sort((a, b) => extremity[b] - extremity[a] || a - b)
    .slice(0, limitOf(sAvg.length, ratio));
  return { removed: [...order].sort((a, b) => a - b), order, tauMin, tauMax };
}

/**
 * Greedy Dice selection (Hajbi 2025, §3.2): the kernel farthest outside [τmin, τmax] leaves, ties to the lower index;
 * then S_avg and both thresholds are computed anew over the kernels that are left, until ⌊ratio · N⌋ have left or none is
 * outside. S_avg follows from row sums that lose one term a step, so a step is O(N) and the sorting of the quantiles.
 *
 * @param similarity S, count × count
 * @returns indices in the order in which they leave
 * @throws Failure `invalid-request` for a ratio or quantile out of range
 */
export function greedy(similarity: Float64Array, count: number, options: SelectionOptions): number[] {
  const { ratio, alpha, beta } = validated(options);
  const left = Array.from({ length: count }, (_, i) => i);
  const sums = new Float64Array(count);
  for (let i = 0; i < count; i++) for (let j = 0; j < count; j++) if (j !== i) sums[i] += similarity[i * count + j];
  const order: number[] = [];
  for (const limit = limitOf(count, ratio); order.length < limit;) {
    const averages = Float64Array.from(left, (i) => sums[i] / (left.length - 1));
    const sorted = averages.slice().sort();
    const tauMin = quantileOfSorted(sorted, alpha);
    const tauMax = quantileOfSorted(sorted, beta);
    let farthest = -1;
    let distance = 0;
    for (let at = 0; at < left.length; at++) {
      const outside = Math.round(Math.max(tauMin - averages[at], averages[at] - tauMax) / TIE);
      if (outside > distance) [farthest, distance] = [at, outside];
    }
    if (farthest < 0) break;
    const [leaving] = left.splice(farthest, 1);
    for (const i of left) sums[i] -= similarity[i * count + leaving];
    order.push(leaving);
  }
  return order;
}

/**
 * Redundancy-aware selection (Hajbi 2025, ch. 2): kernels with S_ij over a threshold form groups, joined through common
 * partners; of each group its medoid (largest sum of S to the others, ties to the lower index) stays. The threshold is
 * the one that leaves N − ⌊ratio · N⌋ groups: groups join in the order of a maximum spanning tree of S, made once.
 *
 * @param similarity S, count × count
 * @returns for a ratio in [0, 1), the indices that leave, those most similar to their representative first
 */
export function representatives(similarity: Float64Array, count: number): (ratio: number) => number[] {
  const joins = maximumSpanningTree(similarity, count);
  const like = (a: number, b: number): number => similarity[a * count + b];
  return (ratio) => {
    const groups = Array.from({ length: count }, (_, i) => [i]);
    for (const { first, second } of joins.slice(0, limitOf(count, ratio))) {
      const joined = groups[first];
      joined.push(...groups[second]);
      for (const member of groups[second]) groups[member] = joined;
    }
    const leaving: { index: number; similarity: number }[] = [];
    for (const group of new Set(groups)) {
      group.sort((a, b) => a - b);
      let medoid = group[0];
      let most = Number.NEGATIVE_INFINITY;
      for (const member of group) {
        const sum = group.reduce((total, other) => total + like(member, other), 0);
        if (sum > most + TIE) [medoid, most] = [member, sum];
      }
      for (const index of group) if (index !== medoid) leaving.push({ index, similarity: like(index, medoid) });
    }
    return leaving.sort((a, b) => b.similarity - a.similarity || a.index - b.index).map(({ index }) => index);
  };
}

/** Prim's algorithm, O(N²); edges from the most to the least similar pair. */
function maximumSpanningTree(similarity: Float64Array, count: number): { first: number; second: number; similarity: number }[] {
  const outside = new Set(Array.from({ length: count }, (_, i) => i));
  const nearest = new Int32Array(count);
  const best = new Float64Array(count).fill(Number.NEGATIVE_INFINITY);
  const edges: { first: number; second: number; similarity: number }[] = [];
  for (let newest = 0; outside.size > 1;) {
    outside.delete(newest);
    let next = -1;
    for (const i of outside) {
      const value = similarity[i * count + newest];
      if (value > best[i]) [best[i], nearest[i]] = [value, newest];
      if (next < 0 || best[i] > best[next]) next = i;
    }
    edges.push({ first: Math.min(next, nearest[next]), second: Math.max(next, nearest[next]), similarity: best[next] });
    newest = next;
  }
  return edges.sort((a, b) => b.similarity - a.similarity || a.first - b.first || a.second - b.second);
}

function validated({ ratio, alpha = ratio / 2, beta = 1 - ratio / 2 }: SelectionOptions): Required<SelectionOptions> {
  if (!(ratio >= 0 && ratio < 1)) {
    throw new Failure('invalid-request', `A pruning ratio of ${ratio} is not possible.`, {
      hint: 'Give a ratio of at least 0 and below 1.',
      field: 'ratio',
    });
  }
  if (!(alpha >= 0 && alpha <= beta && beta <= 1)) {
    throw new Failure('invalid-request', `Quantiles alpha ${alpha} and beta ${beta} are not in order.`, {
      hint: 'Give 0 ≤ alpha ≤ beta ≤ 1.',
      field: alpha >= 0 && alpha <= 1 ? 'beta' : 'alpha',
    });
  }
  return { ratio, alpha, beta };
}
