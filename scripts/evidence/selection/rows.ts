import { mean, sampleVariance } from '../../../src/core/stats/index.ts';
import {
  rankCandidates,
  scoreIds,
  scoreTable,
  type Candidate,
  type Outcome,
  type RankOptions,
  type ScoreId,
} from '../../../src/core/transfer/index.ts';
import { judge, judgeRandom, verdictOf, type Ranking, type Verdict } from './judge.ts';

/** A target on which every backbone has been scored and fine-tuned. */
export interface Judged {
  readonly id: string;
  /** Where its images come from; targets of one dataset are no independent evidence for each other. */
  readonly dataset: string;
  readonly labels: Int32Array;
  readonly classes: number;
  readonly candidates: readonly Candidate[];
  /** By candidate, in their order, then by seed. */
  readonly accuracies: readonly (readonly number[])[];
}

export interface Row {
  readonly id: string;
  readonly title: string;
  readonly kind: 'default' | 'Dice' | 'score' | 'static' | 'yardstick';
  readonly verdict: Verdict;
}

const SEED = 0;
const STATIC: readonly ScoreId[] = ['parameters', 'flops', 'source-accuracy'];
const isDice = (id: ScoreId): boolean => id.startsWith('dice') || id === 'alignment';

/** How well everything that could rank backbones ranks them, the best first. */
export function rowsOf(judged: readonly Judged[]): Row[] {
  const row = (id: string, title: string, kind: Row['kind'], ranking: (target: Judged) => Ranking): Row => ({
    id,
    title,
    kind,
    verdict: verdictOf(judged.map(ranking)),
  });
  const byDefault = (id: string, title: string, taught: (target: Judged, other: Judged) => boolean): Row =>
    row(id, title, 'default', (target) => {
      const outcomes = outcomesOf(judged.filter((other) => taught(target, other)));
      return judge(ranked(target, { outcomes }), truthOf(target));
    });
  return [
    byDefault('default', 'default, taught by the other datasets', (target, other) => other.dataset !== target.dataset),
    byDefault('default-target', 'default, taught by the other targets', (target, other) => other.id !== target.id),
    byDefault('default-untaught', 'default, taught by nothing', () => false),
    ...scoreIds.map((id) =>
      row(id, scoreTable[id].title, STATIC.includes(id) ? 'static' : isDice(id) ? 'Dice' : 'score', (target) =>
        judge(
          target.candidates.map((candidate) => valueOf(candidate, id)),
          truthOf(target),
        ),
      ),
    ),
    row('diversity', 'Dice diversity of weights and activations, mean', 'Dice', (target) =>
      judge(ranked(target, { rankBy: 'diversity' }), truthOf(target)),
    ),
    row('one-run', 'one fine-tuning of each', 'yardstick', ({ accuracies }) =>
      judge(
        accuracies.map(([first]) => first),
        accuracies.map(([, ...others]) => mean(others)),
      ),
    ),
    ...(judged.length > 1
      ? [row('habit', 'mean accuracy on the other targets', 'yardstick', (target) => judge(habitOf(judged, target), truthOf(target)))]
      : []),
    row('random', 'a choice without looking', 'yardstick', (target) => judgeRandom(truthOf(target))),
  ].sort((a, b) => b.verdict.tau.value - a.verdict.tau.value);
}

/** What the service ranks by, by candidate. */
function ranked({ candidates, labels }: Judged, asked: Omit<RankOptions, 'seed'>): (number | null)[] {
  const ranking = rankCandidates(candidates, labels, {}, { seed: SEED, ...asked });
  const byId = new Map(
    ranking.candidates.map(({ id, rankedBy, predictedAccuracy }) => [id, (rankedBy ?? predictedAccuracy)?.value ?? null]),
  );
  return candidates.map(({ id }) => byId.get(id) ?? null);
}

export function valueOf({ scored }: Candidate, id: ScoreId): number | null {
  return 'failed' in scored ? null : scored.scores[id].value;
}

const truthOf = ({ accuracies }: Judged): number[] => accuracies.map((runs) => mean(runs));

/** Mean accuracy on all targets but one, by candidate: what who never looks at a target's images would go by. */
function habitOf(judged: readonly Judged[], { id, candidates }: Judged): number[] {
  const others = judged.filter((other) => other.id !== id).map(truthOf);
  return candidates.map((_, i) => mean(others.map((truth) => truth[i])));
}

/** Past results as the ranking learns from them. */
export function outcomesOf(judged: readonly Judged[]): Outcome[] {
  return judged.flatMap(({ id, dataset, classes, labels, candidates, accuracies }) =>
    candidates.map((candidate, i) => {
      return {
        target: { id, source: dataset, classes, images: labels.length },
        backbone: candidate.name,
        scores: Object.fromEntries(scoreIds.map((score) => [score, valueOf(candidate, score)])),
        accuracy: mean(accuracies[i]),
        seeds: accuracies[i].length,
        seedSpread: Math.sqrt(sampleVariance(accuracies[i])),
      };
    }),
  );
}
