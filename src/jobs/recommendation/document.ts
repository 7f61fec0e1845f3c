import { type CandidateScores, type Ranked, type Ranking, scoreIds } from '../../core/transfer/index.ts';
import type { JobEstimate, PruneTarget } from '../../schema/prunings.ts';
import type { PruningCurve, RankedCandidate, RecommendationResult, RecommendRequest, Verification } from '../../schema/recommendations.ts';
import type { DatasetRef } from '../types.ts';
import { type Asked, cutOf, isObserved, type Known, rankWhole } from './rank.ts';
import { recipeFor } from './recipe.ts';

/** Pruned away when nothing tells how much. */
const DEFAULT_RATIO = 0.3;
/** Names that are written out in a warning. */
const NAMED_MAX = 10;

export interface Found {
  readonly known: readonly Known[];
  readonly ranking: Ranking;
  readonly leftOut: RecommendationResult['leftOut'];
  readonly curve: PruningCurve | null;
  readonly verification: Verification | null;
  readonly estimate: JobEstimate | null;
}

/** The whole answer of `POST /recommend`. */
export function recommendationOf(asked: Asked, found: Found): RecommendationResult {
  const { request, dataset } = asked;
  const { known, ranking, leftOut, curve, verification, estimate } = found;
  const byId = new Map(known.map((one) => [one.model.id, one]));
  const before = known.some((one) => cutOf(one) !== null) ? rankWhole(known, asked) : ranking;
  const accuracyBefore = new Map(before.candidates.map(({ id, predictedAccuracy }) => [id, predictedAccuracy]));
  const first = known.map(({ whole }) => whole).find(isObserved);
  const chosen = byId.get(ranking.chosen);
  if (first === undefined || chosen === undefined) throw new Error('A ranking chooses a candidate that was scored.');
  const target: PruneTarget = cutOf(chosen)?.target ?? { ratio: curve?.elbow ?? DEFAULT_RATIO };
  return {
    ranking: ranking.candidates.map((ranked) => {
      const one = byId.get(ranked.id);
      if (one === undefined) throw new Error('The ranking names a model that was not asked for.');
      return candidateDocument(one, ranked, { request, accuracyBefore: accuracyBefore.get(ranked.id) ?? null });
    }),
    chosen: ranking.chosen,
    summary: ranking.summary,
    images: first.labels.length,
    predictedBy: ranking.predictedBy,
    rankBy: request.rankBy,
    leftOut: [...leftOut],
    warnings: [...ranking.warnings, ...warningsOfData(dataset), ...warningsOfVerification(verification)],
    verification,
    pruningCurve: curve,
    next: { model: ranking.chosen, dataset: dataset.id, target, fineTune: recipeFor(dataset.report), seed: request.seed },
    estimate,
    engine: first.engine,
    seed: request.seed,
  };
}

function candidateDocument(
  one: Known,
  ranked: Ranked,
  { request, accuracyBefore }: { request: RecommendRequest; accuracyBefore: Ranked['predictedAccuracy'] },
): RankedCandidate {
  const { model, whole, fit, verified } = one;
  const cut = cutOf(one);
  return {
    model: model.id,
    name: model.name,
    rank: ranked.rank,
    tiedWith: [...ranked.tiedWith],
    predictedAccuracy: ranked.predictedAccuracy,
    probabilityBest: ranked.probabilityBest,
    behindChosen: ranked.behindChosen,
    rankedBy: ranked.rankedBy,
    scores: isObserved(whole) ? told(whole.scored.scores, request) : {},
    cost: model.summary.cost,
    latencyMs: fit?.latencyMs ?? null,
    pruned: cut && {
      target: cut.target,
      cost: cut.observed.cost,
      latencyMs: cut.latencyMs,
      channelsRemoved: cut.channelsRemoved,
      channels: cut.channels,
      scores: told(cut.observed.scored.scores, request),
      accuracyBefore,
    },
    verified: verified ?? null,
    excluded: ranked.excluded,
    reasons: [...ranked.reasons, ...(isObserved(whole) ? whole.scored.warnings : [])],
  };
}

/** The scores that were asked for. */
function told(scores: CandidateScores, { scores: wanted = [...scoreIds] }: RecommendRequest): RankedCandidate['scores'] {
  return Object.fromEntries(wanted.map((id) => [id, scores[id]]));
}

function warningsOfVerification(verification: Verification | null): string[] {
  if (verification === null || verification.rounds.length > 0) return [];
  return ['The budget ended before each candidate had one epoch, so that nothing was verified.'];
}

/** What of the data makes every figure of it doubtful. */
function warningsOfData({ report: { classes, duplicates } }: DatasetRef): string[] {
  const warnings: string[] = [];
  if (duplicates > 0) {
    warnings.push(
      duplicates === 1
        ? '1 image was in two splits; it is kept in the first of them only.'
        : `${duplicates} images were in two splits; each is kept in the first of them only.`,
    );
  }
  const single = classes.filter(({ train, validation }) => train + validation === 1).map(({ name }) => `"${name}"`);
  if (single.length > 0) {
    const names = single.length > NAMED_MAX ? [...single.slice(0, NAMED_MAX), '…'] : single;
    const which = single.length === 1 ? `Class ${names[0]} has` : `${single.length} classes (${names.join(', ')}) have`;
    warnings.push(`${which} one image to learn from: no score can foretell how well it will be recognised.`);
  }
  return warnings;
}
