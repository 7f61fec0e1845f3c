import type { Estimate } from '../stats/index.ts';
import { differenceOf, estimateOf, type Replicated } from './predictions.ts';
import type { Standing } from './rank.ts';
import type { Constraints, RankBy } from './ranking-types.ts';
import { type Score, type ScoreId, scoreTable } from './scores.ts';

/** Share of near-duplicates from which a network has much to give away. */
const MANY_DUPLICATES = 0.1;
/** Difference in diversity that is worth a word. */
const NOTABLE_DIVERSITY = 0.01;

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
/** As it is printed: with a minus, and no sign on what rounds to nothing. */
const minus = (figure: string): string => (Number(figure) === 0 ? figure.replace('-', '') : figure.replaceAll('-', '−'));
const hundredths = (share: number): string => minus((100 * share).toFixed(1));
const interval = ({ low, high }: Estimate): string => `[${hundredths(low)}, ${hundredths(high)}]`;
const points = (difference: Estimate): string => `${hundredths(difference.value)} points ${interval(difference)}`;
/** Whether a difference of shares is printed as 0.0 points. */
const isNothing = ({ value }: Estimate): boolean => Math.abs(value) < 0.0005;
const negated = ({ value, low, high }: Estimate): Estimate => ({ value: -value, low: -high, high: -low });
const figures = ({ value, low, high }: Estimate): string => {
  const [middle, least, most] = [value, low, high].map((figure) => minus(figure.toPrecision(3)));
  return `${middle} [${least}, ${most}]`;
};

/** Figures with three digits and a unit: 81.1 MFLOPs. */
function count(value: number, unit: string): string {
  const [scale, prefix] = value >= 1e9 ? [1e9, ' G'] : value >= 1e6 ? [1e6, ' M'] : value >= 1e3 ? [1e3, ' k'] : [1, ' '];
  return `${(value / scale).toPrecision(3)}${prefix}${unit}`;
}

/** What a ranking is by, in words. */
export function nameOf(rankBy: RankBy): string {
  if (rankBy === 'default') return 'predicted accuracy';
  return rankBy === 'diversity' ? 'Dice diversity' : scoreTable[rankBy].title;
}

interface About {
  readonly images: number;
  readonly chosen: Standing;
  readonly constraints: Constraints;
  readonly rankBy: RankBy;
}

/** Why a candidate stands where it stands, a sentence a reason. */
export function describeCandidate(standing: Standing, { images, chosen, constraints, rankBy }: About): string[] {
  const { candidate, contender, accuracy, figure, excluded } = standing;
  const reasons = excluded === null ? [] : [excluded];
  if (rankBy !== 'default' && figure !== null) reasons.push(`Its ${nameOf(rankBy)} is ${figures(estimateOf(figure))}.`);
  if (candidate.verified !== undefined) {
    const { accuracy: measured, seeds, spread, stopped } = candidate.verified;
    const runs = seeds === 1 ? 'once' : `with ${seeds} seeds`;
    const between = spread === null ? '' : `, ${(100 * spread).toFixed(1)} points from seed to seed`;
    reasons.push(
      stopped === undefined
        ? `It was fine-tuned on these images ${runs} and reached ${percent(measured.value)} ${interval(measured)}${between}.`
        : `Its fine-tuning was stopped after epoch ${stopped.epochs} at ${percent(stopped.accuracy)}, behind the others; by that distance ${percent(measured.value)} ${interval(measured)} would come of it.`,
    );
  } else if (contender !== null && accuracy !== null) {
    reasons.push(
      `${describeEvidence(contender.scored.scores, images)}; fine-tuned, ${percent(accuracy.value)} ${interval(estimateOf(accuracy))} is predicted.`,
    );
  }
  if (candidate.id !== chosen.candidate.id && accuracy !== null && chosen.accuracy !== null) {
    reasons.push(describeDistance(accuracy, chosen.accuracy, chosen.candidate.name));
  }
  const pruning = describePruning(standing, constraints);
  if (pruning !== null) reasons.push(pruning);
  const diversity = candidate.id === chosen.candidate.id ? null : describeDiversity(standing, chosen);
  if (diversity !== null) reasons.push(`${sentence(diversity)}.`);
  // The choice itself tells of the chosen one's.
  const duplicates = candidate.id === chosen.candidate.id ? null : describeDuplicates(standing);
  if (duplicates !== null) reasons.push(`${duplicates}.`);
  return reasons;
}

const sentence = (words: string): string => words[0].toUpperCase() + words.slice(1);

function describeEvidence(scores: Readonly<Record<ScoreId, Score>>, images: number): string {
  const parts = (
    [
      ['linear-probe', 'a linear classifier'],
      ['knn', 'their nearest neighbours'],
    ] as const
  ).flatMap(([id, by]) => {
    const { value } = scores[id];
    return value === null ? [] : [`${percent(value)} by ${by}`];
  });
  return `Its frozen features place ${parts.join(' and ')} of ${images} images rightly, each told from the others`;
}

function describeDistance(own: Replicated, chosen: Replicated, name: string): string {
  const difference = differenceOf(own, chosen);
  if (isNothing(difference)) return `It is level with ${name}; the difference lies within ${interval(difference)} points.`;
  const verdict = difference.high < 0 || difference.low > 0 ? 'more than chance explains' : 'no more than chance may explain, so they tie';
  return difference.value < 0
    ? `It is behind ${name} by ${points(negated(difference))}: ${verdict}.`
    : `It is ahead of ${name} by ${points(difference)}: ${verdict}.`;
}

function describePruning(
  { candidate: { flops, scoredAfterPruning, verified }, excluded }: Standing,
  { flopsMax }: Constraints,
): string | null {
  if (scoredAfterPruning === true) {
    return `It was judged as it is after Dice pruning to the limits${verified ? '' : ', before any fine-tuning'}.`;
  }
  if (excluded !== null || flopsMax === undefined || flops <= flopsMax) return null;
  return `It has to be pruned from ${count(flops, 'FLOPs')} to ${count(flopsMax, 'FLOPs')}; the prediction is for the network before pruning.`;
}

/** How two candidates differ in the diversity of what their late layers answer to the target's images. */
function describeDiversity({ candidate: { lateDiversity } }: Standing, { candidate: other }: Standing): string | null {
  if (lateDiversity === undefined || other.lateDiversity === undefined) return null;
  const difference = lateDiversity - other.lateDiversity;
  if (Math.abs(difference) < NOTABLE_DIVERSITY) return null;
  return `its late layers are ${difference > 0 ? 'more' : 'less'} diverse on your images than those of ${other.name} (${lateDiversity.toFixed(2)} against ${other.lateDiversity.toFixed(2)})`;
}

function describeDuplicates({ candidate: { redundantShare } }: Standing): string | null {
  if (redundantShare === null) return null;
  const hint = redundantShare >= MANY_DUPLICATES ? ', so it should prune well' : '';
  return `${percent(redundantShare)} of its kernels have a near-duplicate in their layer${hint}`;
}

/** The choice in words: a lead is called one only where its interval leaves out 0. */
export function describeChoice(eligible: readonly Standing[], { tiedWith, rankBy }: { tiedWith: number; rankBy: RankBy }): string {
  const [chosen, second] = eligible;
  const { name } = chosen.candidate;
  const more = [second && describeDiversity(chosen, second), describeDuplicates(chosen)].filter((part) => typeof part === 'string');
  const because = more.length === 0 ? '' : ` ${sentence(more.join('; '))}.`;
  if (second === undefined) return `${name} is the only candidate; nothing was compared.${because}`;
  const other = second.candidate.name;
  if (chosen.figure === null || second.figure === null) return `Start from ${name}.${because}`;
  const difference = differenceOf(chosen.figure, second.figure);
  const of = rankBy === 'default' ? '' : ` in ${nameOf(rankBy)}`;
  const amount = rankBy === 'default' ? points(difference) : figures(difference);
  if (difference.low > 0) return `Start from ${name}. It leads ${other}${of} by ${amount}, more than chance explains.${because}`;
  const others = tiedWith > 1 ? ` ${tiedWith} candidates tie with it.` : '';
  if (difference.value === 0 || (rankBy === 'default' && isNothing(difference)))
    return `Start from ${name}, or as well from ${other}: nothing tells them apart${of}.${others}${because}`;
  return `Start from ${name}. It leads ${other}${of} by ${amount}: the interval holds 0, so the two tie and the lead may be chance.${others}${because}`;
}

/** What makes the whole ranking doubtful, a sentence a doubt. */
export function describeDoubts(eligible: readonly Standing[], labels: ArrayLike<number>, { flopsMax }: Constraints): string[] {
  const doubts: string[] = [];
  const sizes = new Map<number, number>();
  for (let image = 0; image < labels.length; image++) sizes.set(labels[image], (sizes.get(labels[image]) ?? 0) + 1);
  const commonest = Math.max(...sizes.values()) / labels.length;
  const probe = ({ contender }: Standing): Score | undefined => contender?.scored.scores['linear-probe'];
  const best = probe(eligible[0]);
  if (best !== undefined && best.value !== null && best.low <= commonest) {
    doubts.push(
      `The features of ${eligible[0].candidate.name} are not surely better than always answering the commonest class (${percent(commonest)}): expect little from transfer, or add images.`,
    );
  }
  const perfect = eligible.filter((standing) => probe(standing)?.value === 1).length;
  if (perfect > 1) doubts.push(`${perfect} candidates place every image rightly: these images are too easy to tell them apart.`);
  const before = eligible.some(
    ({ candidate }) => candidate.scoredAfterPruning !== true && flopsMax !== undefined && candidate.flops > flopsMax,
  );
  if (before) doubts.push('Candidates over the FLOPs budget are judged before pruning; pruning may change their order.');
  return doubts;
}
