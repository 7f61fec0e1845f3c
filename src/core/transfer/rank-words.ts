import type { Estimate } from '../stats/index.ts';
import type { Constraints, Contender, Ranked } from './rank.ts';

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const interval = ({ low, high }: Estimate): string => `[${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;
const points = (difference: Estimate): string => `${(100 * difference.value).toFixed(1)} points ${interval(difference)}`;

/** Figures with three digits and a unit: 81.1 MFLOPs. */
function count(value: number, unit: string): string {
  const [scale, prefix] = value >= 1e9 ? [1e9, ' G'] : value >= 1e6 ? [1e6, ' M'] : value >= 1e3 ? [1e3, ' k'] : [1, ' '];
  return `${(value / scale).toPrecision(3)}${prefix}${unit}`;
}

/** Why a candidate stands where it stands, a sentence a reason. */
export function describeCandidate(
  candidate: Contender,
  about: { images: number; chosen: Contender; behindChosen: Estimate; flopsAfterPruning: number | null },
): string[] {
  const { accuracy, excluded, flops, redundantShare } = candidate;
  const { images, chosen, behindChosen, flopsAfterPruning } = about;
  const reasons = excluded === null ? [] : [excluded];
  reasons.push(
    `Its features place ${percent(accuracy.value)} ${interval(accuracy)} of ${images} images in the right class by their nearest neighbours.`,
  );
  if (candidate.id !== chosen.id) reasons.push(describeDistance(behindChosen, chosen.name));
  if (flopsAfterPruning !== null) {
    reasons.push(
      `It has to be pruned from ${count(flops, 'FLOPs')} to ${count(flopsAfterPruning, 'FLOPs')}; the prediction is for the network before pruning.`,
    );
  }
  if (redundantShare !== null) reasons.push(`${percent(redundantShare)} of its kernels have a near-duplicate in their layer.`);
  return reasons;
}

function describeDistance(difference: Estimate, chosen: string): string {
  if (difference.value === 0) return `It is level with ${chosen}; the difference lies within ${interval(difference)} points.`;
  const verdict =
    difference.high < 0 || difference.low > 0
      ? 'more than the choice of images explains'
      : 'no more than the choice of images may explain, so they tie';
  return difference.value < 0
    ? `It is behind ${chosen} by ${points(negated(difference))}: ${verdict}.`
    : `It is ahead of ${chosen} by ${points(difference)}: ${verdict}.`;
}

const negated = ({ value, low, high }: Estimate): Estimate => ({ value: -value, low: -high, high: -low });

/** The choice in words: a lead is called one only where its interval leaves out 0. */
export function describeChoice(eligible: readonly Contender[], ranked: readonly Ranked[], lead: (other: Contender) => Estimate): string {
  const [chosen, second] = eligible;
  if (second === undefined) return `${chosen.name} is the only candidate; nothing was compared.`;
  const difference = lead(second);
  const ties = ranked.find(({ id }) => id === chosen.id)?.tiedWith.length ?? 0;
  if (difference.low > 0) {
    return `Start from ${chosen.name}. It leads ${second.name} by ${points(difference)} on these images, more than their choice explains.`;
  }
  const others = ties > 1 ? ` ${ties} candidates tie with it.` : '';
  if (difference.value === 0) {
    return `Start from ${chosen.name}, or as well from ${second.name}: they are right equally often (difference within ${interval(difference)} points); ${tieBreak(chosen, second)}.${others}`;
  }
  return `Start from ${chosen.name}. It leads ${second.name} by ${points(difference)}: the interval holds 0, so the two tie and the lead may be chance.${others}`;
}

function tieBreak(chosen: Contender, second: Contender): string {
  if (chosen.logMe.value !== second.logMe.value) return 'the higher LogME decided';
  if (chosen.activationDiversity !== second.activationDiversity || chosen.weightDiversity !== second.weightDiversity) {
    return 'the higher Dice diversity decided';
  }
  return chosen.flops === second.flops ? 'nothing tells them apart' : 'fewer FLOPs decided';
}

/** What makes the whole ranking doubtful, a sentence a doubt. */
export function describeDoubts(eligible: readonly Contender[], labels: ArrayLike<number>, { flopsMax }: Constraints): string[] {
  const doubts: string[] = [];
  const sizes = new Map<number, number>();
  for (let image = 0; image < labels.length; image++) sizes.set(labels[image], (sizes.get(labels[image]) ?? 0) + 1);
  const commonest = Math.max(...sizes.values()) / labels.length;
  const [chosen] = eligible;
  if (chosen.accuracy.low <= commonest) {
    doubts.push(
      `No candidate's features are surely better than always answering the commonest class (${percent(commonest)}): expect little from transfer, or add images.`,
    );
  }
  const perfect = eligible.filter(({ accuracy }) => accuracy.value === 1).length;
  if (perfect > 1) doubts.push(`${perfect} candidates place every image rightly: these images are too easy to tell them apart.`);
  if (flopsMax !== undefined && eligible.some(({ flops }) => flops > flopsMax)) {
    doubts.push('Candidates over the FLOPs budget are judged before pruning; pruning may change their order.');
  }
  return doubts;
}
