/** Positions when sorted by (first, second) descending: 0 is the largest. */
function descendingRanks(first: ArrayLike<number>, second: ArrayLike<number>): number[] {
  const ranks = Array.from(first, () => 0);
  Array.from(first, (_, i) => i)
    .sort((i, j) => first[j] - first[i] || second[j] - second[i])
    .forEach((index, rank) => (ranks[index] = rank));
  return ranks;
}

/**
 * Weighted Kendall τ (Vigna 2015): a swap of two items counts 1/(r_i + 1) + 1/(r_j + 1) by their ranks from the top, averaged
 * over ranking by x and by y, as scipy's `weightedtau` does by default. NaN when one side is all ties.
 */
export function weightedKendallTau(x: ArrayLike<number>, y: ArrayLike<number>): number {
  const tau = (ranks: readonly number[]): number => {
    let agreement = 0;
    let untiedX = 0;
    let untiedY = 0;
    for (let i = 0; i < x.length; i++) {
      for (let j = 0; j < i; j++) {
        const weight = 1 / (ranks[i] + 1) + 1 / (ranks[j] + 1);
        agreement += weight * Math.sign(x[i] - x[j]) * Math.sign(y[i] - y[j]);
        if (x[i] !== x[j]) untiedX += weight;
        if (y[i] !== y[j]) untiedY += weight;
      }
    }
    return agreement / Math.sqrt(untiedX * untiedY);
  };
  return (tau(descendingRanks(x, y)) + tau(descendingRanks(y, x))) / 2;
}

/**
 * What choosing by the scores costs: the best true accuracy minus the best among the k highest scored (ties in score to
 * the lower index).
 */
export function regretAtK(scores: ArrayLike<number>, accuracies: ArrayLike<number>, k: number): number {
  const chosen = Array.from(scores, (_, i) => i)
    .sort((i, j) => scores[j] - scores[i] || i - j)
    .slice(0, k);
  return Math.max(...Array.from(accuracies)) - Math.max(...chosen.map((i) => accuracies[i]));
}
