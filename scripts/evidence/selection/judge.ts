import { createRandom } from '../../../src/core/random.ts';
import { mean, percentileEstimate, regretAtK, REPLICATES, weightedKendallTau, type Estimate } from '../../../src/core/stats/index.ts';

/** How one score ranked the backbones of one target. */
export interface Ranking {
  /** Weighted Kendall τ with the true accuracies; NaN where the score ranks nothing. */
  readonly tau: number;
  /** Points of accuracy (0 to 1) that its first choice, or the best of its first three, falls short of the best backbone. */
  readonly regret1: number;
  readonly regret3: number;
}

/** @param scores of the backbones, higher is better; null where there is none: it then ranks last. */
export function judge(scores: readonly (number | null)[], accuracies: readonly number[]): Ranking {
  const known = scores.filter((score) => score !== null);
  if (known.length === 0) return { tau: Number.NaN, regret1: Number.NaN, regret3: Number.NaN };
  const filled = scores.map((score) => score ?? Math.min(...known) - 1);
  return {
    tau: weightedKendallTau(filled, accuracies),
    regret1: regretAtK(filled, accuracies, 1),
    regret3: regretAtK(filled, accuracies, 3),
  };
}

/** What a choice without looking comes to, on average. */
export function judgeRandom(accuracies: readonly number[]): Ranking {
  const best = Math.max(...accuracies);
  const triples = accuracies.flatMap((a, i) =>
    accuracies.slice(i + 1).flatMap((b, j) => accuracies.slice(i + j + 2).map((c) => Math.max(a, b, c))),
  );
  return { tau: 0, regret1: best - mean(accuracies), regret3: best - mean(triples) };
}

export interface Verdict {
  readonly tau: Estimate;
  readonly regret1: Estimate;
  readonly regret3: Estimate;
  /** Targets that the score ranked. */
  readonly targets: number;
}

/** Means over the targets with 95 % intervals of a bootstrap over the targets. */
export function verdictOf(rankings: readonly Ranking[]): Verdict {
  const ranked = rankings.filter(({ regret1 }) => Number.isFinite(regret1));
  return {
    // A score that ties all backbones of a target orders nothing there.
    tau: meanOver(ranked.map(({ tau }) => (Number.isFinite(tau) ? tau : 0))),
    regret1: meanOver(ranked.map(({ regret1 }) => regret1)),
    regret3: meanOver(ranked.map(({ regret3 }) => regret3)),
    targets: ranked.length,
  };
}

/** Over the targets, by a bootstrap; the same draws for every figure, so that two of them differ by the scores alone. */
export function meanOver(values: readonly number[]): Estimate {
  const random = createRandom(0);
  const replicates = Float64Array.from({ length: REPLICATES }, () => mean(values.map(() => values[random.integer(values.length)])));
  return percentileEstimate(mean(values), replicates);
}
