import type { RankedCandidate, Recommendation } from '../schema/recommendations.ts';
import { pc } from './colour.ts';
import { fixed, percentWithInterval, si, table } from './format.ts';

/** A recommendation as a table and words: what, how sure, why. */
export function recommendationView(r: Recommendation): string {
  const rows = r.ranking.map((c, i) => [
    i > 0 && c.rank === r.ranking[i - 1].rank ? '=' : String(c.rank),
    c.name,
    percentWithInterval(c.predictedAccuracy),
    c.probabilityBest.toFixed(2),
    fixed(c.scores.weightDiversity, 3),
    fixed(c.scores.activationDiversity, 3),
    flops(c),
    c.scores.logMe.value.toFixed(3),
    c.excluded ? pc.yellow(c.excluded) : '',
  ]);
  return [
    table(['>#', 'backbone', 'predicted %', '>P(best)', '>Dice weights', '>Dice activations', '>FLOPs', '>LogME', ''], rows),
    pc.dim(`  predicted: ${r.predictedBy}`),
    '',
    r.summary,
    ...chosen(r).reasons.map((reason) => `  · ${reason}`),
    ...r.warnings.map((warning) => pc.yellow(`  ! ${warning}`)),
  ].join('\n');
}

/** The candidate that the recommendation names. */
export function chosen(r: Recommendation): RankedCandidate {
  const found = r.ranking.find(({ model }) => model === r.chosen);
  if (!found) throw new Error(`Recommendation ${r.id} chose a model that it did not rank.`);
  return found;
}

function flops({ cost, flopsAfterPruning }: RankedCandidate): string {
  return flopsAfterPruning === null ? si(cost.flops) : `${si(cost.flops)} → ${si(flopsAfterPruning)}`;
}
