import { Failure } from '../failure.ts';
import { describeModel, fitOutcomes } from './outcome-model.ts';
import {
  type Contender,
  differenceOf,
  estimateOf,
  mayBeEqual,
  predictAccuracies,
  redrawerOf,
  type Replicated,
  replicateScores,
  sharesOfBest,
} from './predictions.ts';
import { describeCandidate, describeChoice, describeDoubts } from './rank-words.ts';
import type { Candidate, Constraints, RankBy, Ranked, Ranking, RankOptions } from './ranking-types.ts';
import { type ScoreId, scoreTable } from './scores.ts';

/** A candidate on its way to being ranked. */
export interface Standing {
  readonly candidate: Candidate;
  /** Null where it has no scores. */
  readonly contender: Contender | null;
  readonly accuracy: Replicated | null;
  /** What it is ranked by: the accuracy, or a score. */
  readonly figure: Replicated | null;
  readonly probabilityBest: number;
  readonly excluded: string | null;
}

/**
 * Ranks candidate bases for a target by the accuracy that fine-tuning them is predicted to reach ({@link predictAccuracies}),
 * or by a score. Two candidates whose difference has an interval that holds 0 tie. P(best) counts all that is uncertain:
 * the images (paired stratified bootstrap), the seed of a fine-tuning, and how well scores foretell accuracy.
 *
 * @param labels class of each image that the scores are of
 * @throws Failure `target-unreachable` naming the nearest when the constraints rule out every candidate, `unusable-dataset`
 *   when none has scores
 */
export function rankCandidates(
  candidates: readonly Candidate[],
  labels: ArrayLike<number>,
  constraints: Constraints,
  { seed, rankBy = 'default', outcomes = [] }: RankOptions,
): Ranking {
  const model = fitOutcomes(outcomes);
  const standings = standingsOf(candidates, labels, constraints, { model, seed, rankBy }).sort(byFigure);
  const eligible = standings.filter(({ excluded }) => excluded === null);
  if (eligible.length === 0) throw nothingLeft(standings, constraints);
  const [chosen] = eligible;
  let leader = chosen;
  let rank = 1;
  const ranked = standings.map((standing, position): Ranked => {
    const { candidate, accuracy, figure, excluded } = standing;
    if (excluded !== null || !tied(standing, leader)) {
      leader = standing;
      rank = position + 1;
    }
    const rivals = excluded === null ? eligible.filter((other) => other !== standing && tied(standing, other)) : [];
    const behindChosen = accuracy === null || chosen.accuracy === null ? null : differenceOf(accuracy, chosen.accuracy);
    return {
      id: candidate.id,
      rank,
      tiedWith: rivals.map((other) => other.candidate.id),
      predictedAccuracy: accuracy && estimateOf(accuracy),
      probabilityBest: standing.probabilityBest,
      behindChosen,
      rankedBy: rankBy === 'default' ? null : figure && estimateOf(figure),
      flopsAfterPruning: prunedFlops(standing, constraints),
      excluded,
      reasons: describeCandidate(standing, { images: labels.length, chosen, constraints, rankBy }),
    };
  });
  return {
    candidates: ranked,
    chosen: chosen.candidate.id,
    summary: describeChoice(eligible, { tiedWith: ranked[0].tiedWith.length, rankBy }),
    predictedBy: describeModel(model),
    warnings: describeDoubts(eligible, labels, constraints),
  };
}

function standingsOf(
  candidates: readonly Candidate[],
  labels: ArrayLike<number>,
  constraints: Constraints,
  { model, seed, rankBy }: { model: ReturnType<typeof fitOutcomes>; seed: number; rankBy: RankBy },
): Standing[] {
  const contenders = candidates.map(({ scored, ...rest }): Contender | null => ('failed' in scored ? null : { scored, ...rest }));
  const present = contenders.filter((contender) => contender !== null);
  const redraw = redrawerOf(labels, seed);
  const accuracies = predictAccuracies(present, labels, { model, redraw, seed });
  const figures = rankBy === 'default' ? accuracies : replicateScores(present, scoresOf(rankBy), { redraw, seed });
  const standings = candidates.map((candidate, i) => {
    const contender = contenders[i];
    const at = contender === null ? -1 : present.indexOf(contender);
    const [accuracy, figure] = [accuracies[at] ?? null, figures[at] ?? null];
    return { candidate, contender, accuracy, figure, excluded: exclusion(candidate, constraints) ?? unscored(candidate, figure, rankBy) };
  });
  const shares = sharesOfBest(standings.map(({ accuracy, excluded }) => (excluded === null ? accuracy : null)));
  return standings.map((standing, i) => ({ ...standing, probabilityBest: shares[i] }));
}

function scoresOf(rankBy: Exclude<RankBy, 'default'>): readonly ScoreId[] {
  return rankBy === 'diversity' ? ['dice-weights', 'dice-activations'] : [rankBy];
}

/** Negative when a comes first: by figure, then predicted accuracy, then fewer FLOPs. */
function byFigure(a: Standing, b: Standing): number {
  const descending = (x: Replicated | null, y: Replicated | null): number => {
    const [first, second] = [x?.value ?? Number.NEGATIVE_INFINITY, y?.value ?? Number.NEGATIVE_INFINITY];
    return first === second ? 0 : second - first;
  };
  return (
    Number(a.excluded !== null) - Number(b.excluded !== null) ||
    descending(a.figure, b.figure) ||
    descending(a.accuracy, b.accuracy) ||
    a.candidate.flops - b.candidate.flops ||
    (a.candidate.id < b.candidate.id ? -1 : 1)
  );
}

function tied(a: Standing, b: Standing): boolean {
  if (a.figure === null || b.figure === null) return false;
  return mayBeEqual(a.figure, b.figure);
}

/** 10000000 as 10,000,000. */
const whole = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 0 });

/** The limits, each with what a candidate needs of it. */
const LIMITS = [
  { limit: 'flopsMax', of: ({ flops }: Candidate) => flops, say: (value: number) => `${whole(value)} FLOPs` },
  { limit: 'paramsMax', of: ({ params }: Candidate) => params, say: (value: number) => `${whole(value)} parameters` },
  {
    limit: 'latencyMsMax',
    of: ({ latencyMs }: Candidate) => latencyMs ?? 0,
    say: (value: number) => `${value.toPrecision(3)} ms an image`,
  },
] as const;

function exclusion(candidate: Candidate, constraints: Constraints): string | null {
  for (const { limit, of, say } of LIMITS) {
    const allowed = constraints[limit];
    // To be pruned to the limits, a candidate may be over them still; only a latency that was measured after pruning counts.
    const open = constraints.afterPruning === true && !(limit === 'latencyMsMax' && candidate.scoredAfterPruning === true);
    if (!open && allowed !== undefined && of(candidate) > allowed)
      return `It takes ${say(of(candidate))}; at most ${say(allowed)} are allowed.`;
  }
  return null;
}

function unscored({ scored }: Candidate, figure: Replicated | null, rankBy: RankBy): string | null {
  if ('failed' in scored) return scored.failed;
  if (figure !== null) return null;
  const [id] = rankBy === 'default' ? (['linear-probe'] as const) : scoresOf(rankBy);
  const score = scored.scores[id];
  return `It has no ${scoreTable[id].title}. ${score.value === null ? score.reason : ''}`.trim();
}

function nothingLeft(standings: readonly Standing[], constraints: Constraints): Failure {
  const scored = standings.filter(({ candidate }) => !('failed' in candidate.scored));
  if (scored.length === 0) {
    const reasons = standings.map(({ candidate, excluded }) => `${candidate.name}: ${excluded ?? ''}`);
    return new Failure('unusable-dataset', `None of the ${standings.length} candidates could be scored. ${reasons[0] ?? ''}`, {
      hint: reasons.slice(1).join(' ') || 'Give other candidates.',
      field: 'candidates',
    });
  }
  // The nearest is over its limits by the smallest factor.
  const factor = ({ candidate }: Standing): number =>
    Math.max(...LIMITS.map(({ limit, of }) => of(candidate) / (constraints[limit] ?? Number.POSITIVE_INFINITY)));
  const { candidate } = scored.reduce((a, b) => (factor(b) < factor(a) ? b : a));
  const needs = LIMITS.filter(({ limit, of }) => of(candidate) > (constraints[limit] ?? Number.POSITIVE_INFINITY));
  if (needs.length === 0) {
    return new Failure('unusable-dataset', `No candidate can be ranked. ${candidate.name}: ${scored[0].excluded ?? ''}`, {
      hint: 'Rank by another score, or give other candidates.',
      field: 'rankBy',
    });
  }
  return new Failure('target-unreachable', `The constraints rule out every one of the ${standings.length} candidates.`, {
    hint: `The nearest is ${candidate.name}: allow ${needs.map(({ of, say }) => say(of(candidate))).join(' and ')}${constraints.afterPruning === true ? '' : ', let candidates be pruned to the limits (afterPruning)'}, or add smaller candidates.`,
    field: 'constraints',
  });
}

function prunedFlops({ candidate: { flops }, excluded }: Standing, { flopsMax }: Constraints): number | null {
  return excluded === null && flopsMax !== undefined && flops > flopsMax ? flopsMax : null;
}
