import { Failure } from '../../core/failure.ts';
import { type Candidate, type Outcome, priorOutcomes, rankCandidates, type Ranking } from '../../core/transfer/index.ts';
import type { RankedCandidate, RecommendRequest } from '../../schema/recommendations.ts';
import type { DatasetRef, ModelRef } from '../types.ts';
import type { Cut, Fit, Observed } from './entries.ts';
import { projectedAccuracy } from './projection.ts';

/** Candidates whose reasons are told together. */
const REASONS_MAX = 5;

export type Verified = NonNullable<RankedCandidate['verified']>;

/** All that is known of one candidate. */
export interface Known {
  readonly model: ModelRef;
  readonly whole: Observed | { readonly failed: string };
  /** Null where there is no limit. */
  readonly fit: Fit | null;
  readonly verified?: Verified;
}

/** What a ranking is asked for. */
export interface Asked {
  readonly request: RecommendRequest;
  readonly dataset: DatasetRef;
  /** Fine-tunings of the past; empty where they are not to be used. */
  readonly outcomes: readonly Outcome[];
}

export const isObserved = (found: Known['whole']): found is Observed => 'scored' in found;

/** The cut network of a candidate that had to be cut and could be. */
export function cutOf({ fit }: Known): Cut | null {
  return fit?.cut && 'observed' in fit.cut ? fit.cut : null;
}

/**
 * Ranks candidates as they are judged: pruned where they had to be, measured where they were verified.
 *
 * @throws Failure `target-unreachable` when no candidate fits the constraints, `unusable-dataset` when none could be scored
 */
export function rankKnown(known: readonly Known[], asked: Asked): Ranking {
  requireFit(known);
  const finalists = known.flatMap(({ verified }) => (verified && verified.droppedAfter === null ? [verified] : []));
  return rank(known, asked, (one) => {
    const { whole, verified } = one;
    if (!isObserved(whole)) return { scored: whole };
    if (one.fit?.cut && 'failed' in one.fit.cut) return { scored: one.fit.cut };
    const cut = cutOf(one);
    const { scored, redundantShare, lateDiversity } = cut?.observed ?? whole;
    return {
      scored,
      redundantShare,
      lateDiversity: lateDiversity ?? undefined,
      latencyMs: cut?.latencyMs ?? one.fit?.latencyMs ?? undefined,
      scoredAfterPruning: cut !== null,
      verified: verified && measured(verified, finalists, asked.dataset.report.counts.validation),
    };
  });
}

/** Where no candidate can be brought to the limits, how near each comes. */
function requireFit(known: readonly Known[]): void {
  const scored = known.filter(({ whole }) => isObserved(whole));
  const reasons = scored.flatMap(({ model, fit }) => (fit?.cut && 'failed' in fit.cut ? [`${model.name}: ${fit.cut.failed}`] : []));
  if (reasons.length === 0 || reasons.length < scored.length) return;
  throw new Failure('target-unreachable', `Pruning brings none of the ${scored.length} candidates to these limits.`, {
    hint: reasons.slice(0, REASONS_MAX).join(' '),
    field: 'constraints',
  });
}

function measured(verified: Verified, finalists: readonly Verified[], images: number): NonNullable<Candidate['verified']> {
  const about = { accuracy: verified.accuracy, seeds: verified.runs.length, spread: verified.spread };
  if (verified.droppedAfter === null) return about;
  const stopped = { epochs: verified.epochs, accuracy: verified.accuracy.value };
  return { ...about, accuracy: projectedAccuracy(verified, finalists, images), stopped };
}

/** The same candidates as they are, without limits: what pruning changes is told by the difference. */
export function rankWhole(known: readonly Known[], asked: Asked): Ranking {
  return rank(known, { ...asked, request: { ...asked.request, constraints: { afterPruning: true } } }, ({ whole }) =>
    isObserved(whole)
      ? { scored: whole.scored, redundantShare: whole.redundantShare, lateDiversity: whole.lateDiversity ?? undefined }
      : { scored: whole },
  );
}

type Judged = Pick<Candidate, 'scored'> & Partial<Candidate>;

function rank(known: readonly Known[], { request, outcomes }: Asked, judge: (one: Known) => Judged): Ranking {
  const labels = known.map(({ whole }) => whole).find(isObserved)?.labels;
  if (labels === undefined) throw nothingScored(known);
  const candidates = known.map((one): Candidate => {
    const { flops, params } = one.model.summary.cost;
    return { id: one.model.id, name: one.model.name, flops, params, redundantShare: null, ...judge(one) };
  });
  return rankCandidates(candidates, labels, request.constraints, {
    seed: request.seed,
    rankBy: request.rankBy,
    outcomes: [...priorOutcomes, ...outcomes],
  });
}

function nothingScored(known: readonly Known[]): Failure {
  const reasons = known.flatMap(({ model, whole }) => (isObserved(whole) ? [] : [`${model.name}: ${whole.failed}`]));
  return new Failure('unusable-dataset', `None of the ${known.length} candidates could be scored. ${reasons[0] ?? ''}`.trim(), {
    hint: reasons.length > 1 ? reasons.slice(1).join(' ') : 'Give other candidates.',
    field: 'candidates',
  });
}
