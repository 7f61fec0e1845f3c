import { mean, type Estimate } from '../../../src/core/stats/index.ts';
import { rankCandidates, type Ranking } from '../../../src/core/transfer/index.ts';
import { meanOver } from './judge.ts';
import { outcomesOf, type Judged } from './rows.ts';

/** How often what the default ranking claims is so. Shares, means over the targets with 95 % intervals of a bootstrap over them. */
export interface Calibration {
  /** Of single fine-tunings, that lie within the 95 % interval of their prediction. */
  readonly accuracy: Estimate;
  /** Of the differences to the chosen backbone, seed by seed, that lie within their 95 % interval. */
  readonly difference: Estimate;
  /** Of targets, whose first choice is the best by its true accuracy, and the chance to be so that was told. */
  readonly chosenIsBest: Estimate;
  readonly chosenProbability: Estimate;
  /** Leads called more than chance, and how many of them are leads. */
  readonly leads: { readonly called: number; readonly true: number };
}

const SEED = 0;

/** @param taught whether another target's fine-tunings may teach the ranking of a target */
export function calibrationOf(judged: readonly Judged[], taught: (target: Judged, other: Judged) => boolean): Calibration {
  const targets = judged.map((target) => {
    const outcomes = outcomesOf(judged.filter((other) => taught(target, other)));
    return claimsOf(target, rankCandidates(target.candidates, target.labels, {}, { seed: SEED, outcomes }));
  });
  return {
    accuracy: meanOver(targets.map(({ accuracies }) => mean(accuracies.map(Number)))),
    difference: meanOver(targets.map(({ differences }) => mean(differences.map(Number)))),
    chosenIsBest: meanOver(targets.map(({ chosenIsBest }) => Number(chosenIsBest))),
    chosenProbability: meanOver(targets.map(({ chosenProbability }) => chosenProbability)),
    leads: {
      called: targets.reduce((sum, { leads }) => sum + leads.length, 0),
      true: targets.reduce((sum, { leads }) => sum + leads.filter(Boolean).length, 0),
    },
  };
}

interface Claims {
  readonly accuracies: readonly boolean[];
  readonly differences: readonly boolean[];
  readonly chosenIsBest: boolean;
  readonly chosenProbability: number;
  readonly leads: readonly boolean[];
}

function claimsOf({ candidates, accuracies }: Judged, ranking: Ranking): Claims {
  const runs = new Map(candidates.map(({ id }, i) => [id, accuracies[i]]));
  const runsOf = (id: string): readonly number[] => runs.get(id) ?? [];
  const within = (value: number, estimate: Estimate | null): boolean[] =>
    estimate === null ? [] : [value >= estimate.low && value <= estimate.high];
  const chosen = runsOf(ranking.chosen);
  const others = ranking.candidates.filter(({ id }) => id !== ranking.chosen);
  return {
    accuracies: ranking.candidates.flatMap(({ id, predictedAccuracy }) =>
      runsOf(id).flatMap((accuracy) => within(accuracy, predictedAccuracy)),
    ),
    differences: others.flatMap(({ id, behindChosen }) =>
      runsOf(id).flatMap((accuracy, seed) => within(accuracy - chosen[seed], behindChosen)),
    ),
    chosenIsBest: others.every(({ id }) => mean(runsOf(id)) <= mean(chosen)),
    chosenProbability: ranking.candidates.find(({ id }) => id === ranking.chosen)?.probabilityBest ?? 0,
    leads: others.flatMap(({ id, behindChosen }) => (behindChosen && behindChosen.high < 0 ? [mean(runsOf(id)) < mean(chosen)] : [])),
  };
}
