import { Failure } from '../failure.ts';
import { createRandom } from '../random.ts';
import { type Estimate, percentileEstimate, REPLICATES, stratifiedResampler, wilson } from '../stats/index.ts';
import { describeCandidate, describeChoice, describeDoubts } from './rank-words.ts';

/** What is known of one candidate base on the target's images. */
export interface Candidate {
  readonly id: string;
  readonly name: string;
  readonly logMe: Estimate;
  /** From {@link knnScore}: 1 where the image is predicted rightly; the same images in the same order for all. */
  readonly correct: Uint8Array;
  /** Kernel-weighted Dice diversity; null where it was not computed. */
  readonly weightDiversity: number | null;
  readonly activationDiversity: number | null;
  /** Share of kernels in a redundant pair. */
  readonly redundantShare: number | null;
  readonly flops: number;
  readonly params: number;
}

export interface Constraints {
  readonly flopsMax?: number;
  readonly paramsMax?: number;
  /** `flopsMax` holds for the pruned network: a larger candidate stays in, to be pruned to it. */
  readonly afterPruning?: boolean;
}

export interface Ranked {
  readonly id: string;
  /** 1 is best; candidates that tie with the first of their rank share it. Excluded ones come last. */
  readonly rank: number;
  /** Every candidate whose difference in accuracy to this one has an interval that holds 0. */
  readonly tiedWith: readonly string[];
  readonly predictedAccuracy: Estimate;
  /**
   * Share of bootstrap replicates of the images in which it has the highest k-NN accuracy. It covers the choice of images
   * alone, not how well k-NN foretells a fine-tuning.
   */
  readonly probabilityBest: number;
  /** Its k-NN accuracy minus the chosen one's; paired bootstrap. */
  readonly behindChosen: Estimate;
  /** The FLOPs that it would be pruned to; null when it fits as it is. */
  readonly flopsAfterPruning: number | null;
  /** Why a constraint rules it out; null when none does. */
  readonly excluded: string | null;
  readonly reasons: readonly string[];
}

export interface Ranking {
  /** Best first. */
  readonly candidates: readonly Ranked[];
  /** Id of the first candidate. */
  readonly chosen: string;
  /** The choice in words, no stronger than its interval. */
  readonly summary: string;
  /** Where `predictedAccuracy` comes from. */
  readonly predictedBy: string;
  /** What makes the whole ranking doubtful. */
  readonly warnings: readonly string[];
}

/** A candidate on its way to being ranked. */
export interface Contender extends Candidate {
  readonly accuracy: Estimate;
  readonly excluded: string | null;
}

/**
 * Ranks candidate bases for a target by leave-one-out k-NN accuracy on their features; equal accuracy is decided by LogME,
 * then by activation and weight diversity, then by fewer FLOPs. Evidence on the target comes first because raw Dice
 * diversity mostly measures how peaked weights are (METHOD.md §1): it is reported, and may decide only where the target's
 * images say nothing. Intervals and P(best) come from one stratified bootstrap over the images, paired across candidates.
 *
 * @param labels class of each image
 * @param options seed of the bootstrap
 * @throws Failure `target-unreachable` when the constraints rule out every candidate
 */
export function rankCandidates(
  candidates: readonly Candidate[],
  labels: ArrayLike<number>,
  constraints: Constraints,
  { seed }: { seed: number },
): Ranking {
  const contenders = candidates
    .map((candidate): Contender => {
      const right = candidate.correct.reduce((sum, one) => sum + one, 0);
      return { ...candidate, accuracy: wilson(right, labels.length), excluded: exclusion(candidate, constraints) };
    })
    .sort(byEvidence);
  const eligible = contenders.filter(({ excluded }) => excluded === null);
  if (eligible.length === 0) {
    const least = (cost: 'flops' | 'params'): string => whole(Math.min(...candidates.map((candidate) => candidate[cost])));
    throw new Failure('target-unreachable', `The constraints rule out every one of the ${candidates.length} candidates.`, {
      hint: `Allow at least ${least('flops')} FLOPs and ${least('params')} parameters, or add smaller candidates.`,
      field: 'constraints',
    });
  }
  const [chosen] = eligible;
  const replicates = accuracyReplicates(contenders, labels, seed);
  const difference = (a: Contender, b: Contender): Estimate => {
    const [first, second] = [replicates.get(a.id), replicates.get(b.id)];
    return percentileEstimate(
      a.accuracy.value - b.accuracy.value,
      Float64Array.from({ length: REPLICATES }, (_, r) => (first?.[r] ?? Number.NaN) - (second?.[r] ?? Number.NaN)),
    );
  };
  const tied = (a: Contender, b: Contender): boolean => {
    const { low, high } = difference(a, b);
    return low <= 0 && high >= 0;
  };
  const best = shareOfBest(eligible, replicates);

  let leader = chosen;
  let rank = 1;
  const ranked = contenders.map((contender, position): Ranked => {
    if (contender.excluded !== null || !tied(contender, leader)) {
      leader = contender;
      rank = position + 1;
    }
    const behindChosen = difference(contender, chosen);
    const rivals = contender.excluded === null ? eligible.filter((other) => other !== contender && tied(contender, other)) : [];
    const flopsAfterPruning = prunedFlops(contender, constraints);
    return {
      id: contender.id,
      rank,
      tiedWith: rivals.map(({ id }) => id),
      predictedAccuracy: contender.accuracy,
      probabilityBest: best.get(contender.id) ?? 0,
      behindChosen,
      flopsAfterPruning,
      excluded: contender.excluded,
      reasons: describeCandidate(contender, { images: labels.length, chosen, behindChosen, flopsAfterPruning }),
    };
  });
  return {
    candidates: ranked,
    chosen: chosen.id,
    summary: describeChoice(eligible, ranked, (other) => difference(chosen, other)),
    predictedBy: 'Leave-one-out accuracy of 5 nearest neighbours on the frozen features of the training and validation images.',
    warnings: describeDoubts(eligible, labels, constraints),
  };
}

/** Negative when a comes first. */
function byEvidence(a: Contender, b: Contender): number {
  const missing = Number.NEGATIVE_INFINITY;
  const descending = (x: number, y: number): number => (x === y ? 0 : x > y ? -1 : 1);
  return (
    Number(a.excluded !== null) - Number(b.excluded !== null) ||
    descending(a.accuracy.value, b.accuracy.value) ||
    descending(a.logMe.value, b.logMe.value) ||
    descending(a.activationDiversity ?? missing, b.activationDiversity ?? missing) ||
    descending(a.weightDiversity ?? missing, b.weightDiversity ?? missing) ||
    a.flops - b.flops ||
    (a.id < b.id ? -1 : 1)
  );
}

/** 10000000 as 10,000,000. */
const whole = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 0 });

function exclusion({ flops, params }: Candidate, { flopsMax, paramsMax, afterPruning }: Constraints): string | null {
  if (paramsMax !== undefined && params > paramsMax) return `It has ${whole(params)} parameters; at most ${whole(paramsMax)} are allowed.`;
  if (flopsMax !== undefined && flops > flopsMax && afterPruning !== true) {
    return `It takes ${whole(flops)} FLOPs; at most ${whole(flopsMax)} are allowed.`;
  }
  return null;
}

function prunedFlops({ flops, excluded }: Contender, { flopsMax }: Constraints): number | null {
  return excluded === null && flopsMax !== undefined && flops > flopsMax ? flopsMax : null;
}

/** Accuracy of each candidate in each replicate; the same images for all candidates. */
function accuracyReplicates(contenders: readonly Contender[], labels: ArrayLike<number>, seed: number): ReadonlyMap<string, Float64Array> {
  const resample = stratifiedResampler(labels, createRandom(seed));
  const replicates = new Map(contenders.map(({ id }) => [id, new Float64Array(REPLICATES)]));
  for (let replicate = 0; replicate < REPLICATES; replicate++) {
    const images = resample();
    for (const { id, correct } of contenders) {
      let right = 0;
      for (const image of images) right += correct[image];
      const values = replicates.get(id);
      if (values !== undefined) values[replicate] = right / labels.length;
    }
  }
  return replicates;
}

/** Share of replicates that each candidate wins; a tie is split evenly. */
function shareOfBest(eligible: readonly Contender[], replicates: ReadonlyMap<string, Float64Array>): ReadonlyMap<string, number> {
  const wins = new Map<string, number>();
  for (let replicate = 0; replicate < REPLICATES; replicate++) {
    const accuracies = eligible.map(({ id }) => ({ id, accuracy: replicates.get(id)?.[replicate] ?? 0 }));
    const highest = Math.max(...accuracies.map(({ accuracy }) => accuracy));
    const winners = accuracies.filter(({ accuracy }) => accuracy === highest);
    for (const { id } of winners) wins.set(id, (wins.get(id) ?? 0) + 1 / winners.length);
  }
  return new Map(Array.from(wins, ([id, won]) => [id, won / REPLICATES]));
}
