import { createRandom } from '../random.ts';
import { type Estimate, percentileEstimate, REPLICATES, stratifiedResampler } from '../stats/index.ts';
import { anchorOf, centredPredictors, logistic, logitOf, type OutcomeModel, predictorsOf } from './outcome-model.ts';
import type { Candidate } from './ranking-types.ts';
import type { ScoredCandidate } from './evidence.ts';
import type { Score, ScoreId } from './scores.ts';

/** The 97.5 % quantile of the standard normal distribution. */
const Z = 1.959963984540054;
/** Degrees of freedom that the usual spread between seeds counts for. */
const SEEDS_USUAL = 2;

/** A candidate that has scores. */
export interface Contender extends Omit<Candidate, 'scored'> {
  readonly scored: ScoredCandidate;
}

/** A figure of a candidate in every replicate; the same images, and the same target's level, for all candidates. */
export interface Replicated {
  readonly value: number;
  readonly replicates: Float64Array;
}

export const estimateOf = ({ value, replicates }: Replicated): Estimate => percentileEstimate(value, replicates);

export const differenceOf = (a: Replicated, b: Replicated): Estimate =>
  percentileEstimate(
    a.value - b.value,
    a.replicates.map((value, r) => value - b.replicates[r]),
  );

/** Whether the interval of {@link differenceOf} holds 0; counted, which is far cheaper than sorting wherever it is plain. */
export function mayBeEqual(a: Replicated, b: Replicated): boolean {
  let less = 0;
  let more = 0;
  for (let r = 0; r < REPLICATES; r++) {
    if (a.replicates[r] < b.replicates[r]) less++;
    else if (a.replicates[r] > b.replicates[r]) more++;
  }
  const tail = 0.025 * (REPLICATES - 1);
  const [fewest, most] = [Math.min(less, more), Math.max(less, more)];
  if (most <= REPLICATES - Math.ceil(tail) - 1) return true;
  if (fewest + REPLICATES - less - more <= Math.floor(tail)) return false;
  const { low, high } = differenceOf(a, b);
  return low <= 0 && high >= 0;
}

/** Draws images anew, stratified by class: what a sum over images, one weight each, becomes in each replicate, less itself. */
export type Redraw = (influences: readonly Float64Array[]) => Float64Array[];

/** @param labels class of each image */
export function redrawerOf(labels: ArrayLike<number>, seed: number): Redraw {
  return (influences) => {
    const resample = stratifiedResampler(labels, createRandom(seed));
    const totals = influences.map((influence) => influence.reduce((a, b) => a + b, 0));
    const moved = influences.map(() => new Float64Array(REPLICATES));
    for (let replicate = 0; replicate < REPLICATES; replicate++) {
      const images = resample();
      for (let one = 0; one < influences.length; one++) {
        const influence = influences[one];
        let sum = 0;
        for (let i = 0; i < images.length; i++) sum += influence[images[i]];
        moved[one][replicate] = sum - totals[one];
      }
    }
    return moved;
  };
}

/**
 * Accuracy after fine-tuning of each candidate, by {@link OutcomeModel}. Replicates vary everything that is uncertain: the
 * images (stratified bootstrap, by the scores' influences), how well scores foretell, the target's level (the same for
 * all candidates) and the seed of a fine-tuning. A verified candidate has the accuracy that was measured, and where it was
 * trained to the end it tells of the level, so that the others' predictions move with it.
 *
 * @returns null for a candidate without any leave-one-out accuracy that was not verified
 */
export function predictAccuracies(
  contenders: readonly Contender[],
  labels: ArrayLike<number>,
  { model, redraw, seed }: { model: OutcomeModel; redraw: Redraw; seed: number },
): (Replicated | null)[] {
  const images = labels.length;
  const predictors = contenders.map(({ scored: { scores } }) => predictorsOf(valuesOf(scores), images));
  const anchors = predictors.map(anchorOf);
  const judged = contenders.flatMap((_, i) => (anchors[i] === null ? [] : [i]));
  const centred = centredPredictors(judged.map((i) => predictors[i]));
  const mean = judged.reduce((sum, i) => sum + (anchors[i] ?? 0), 0) / judged.length;
  const level = model.level.intercept + model.level.slope * mean;
  const moved = redraw(judged.map((i) => logitInfluence(contenders[i], images, model)));
  const random = createRandom(seed + 1);
  const own = Math.hypot(model.spread.model, model.spread.seeds);
  const centres = centred.map((distances) => level + distances.reduce((sum, x, j) => sum + x * model.slopes[j].slope, 0));
  const missed = judged.flatMap((i, at) => {
    const { verified } = contenders[i];
    return verified && !verified.stopped ? [logitOf(verified.accuracy.value, images) - centres[at]] : [];
  });
  const shift = levelGiven(missed, { level: model.spread.level, own });
  const common = Float64Array.from({ length: REPLICATES }, () => shift.mean + shift.deviation * random.normal());
  const predicted = new Map(
    judged.map((i, at): [number, Replicated] => {
      const replicates = common.map((shared, r) => logistic(centres[at] + shared + moved[at][r] + own * random.normal()));
      return [i, { value: logistic(centres[at] + shift.mean), replicates }];
    }),
  );
  return contenders.map(({ verified }, i) => {
    if (verified === undefined) return predicted.get(i) ?? null;
    const { accuracy, seeds, spread } = verified;
    const ofSeeds = seedSpread({ seeds, spread }, model.spread.seeds * accuracy.value * (1 - accuracy.value));
    const error = Math.hypot((accuracy.high - accuracy.low) / (2 * Z), ofSeeds / Math.sqrt(seeds));
    return { value: accuracy.value, replicates: common.map(() => accuracy.value + error * random.normal()) };
  });
}

/** Standard deviation between seeds: few of them tell little of it, so that what was usual in the past counts like some more. */
function seedSpread({ seeds, spread }: { seeds: number; spread: number | null }, usual: number): number {
  if (spread === null) return usual;
  return Math.sqrt((SEEDS_USUAL * usual ** 2 + (seeds - 1) * spread ** 2) / (SEEDS_USUAL + seeds - 1));
}

/**
 * The normal distribution of a target's level given by how much verified candidates missed their predictions, in logits: each
 * is the level's shift and an error of its own.
 */
function levelGiven(missed: readonly number[], { level, own }: { level: number; own: number }): { mean: number; deviation: number } {
  if (missed.length === 0) return { mean: 0, deviation: level };
  const precision = 1 / level ** 2 + missed.length / own ** 2;
  return { mean: missed.reduce((sum, miss) => sum + miss, 0) / own ** 2 / precision, deviation: Math.sqrt(1 / precision) };
}

/** How the images move a candidate's logit; its part in the mean over the candidates is left out. */
function logitInfluence({ scored }: Contender, images: number, { slopes }: OutcomeModel): Float64Array {
  const influence = new Float64Array(images);
  for (const { id, logit, slope } of slopes) {
    const moved = scored.influences[id];
    const { value } = scored.scores[id];
    if (moved === undefined || value === null || slope === 0) continue;
    const smoothed = logistic(logitOf(value, images));
    const weight = logit ? slope / (smoothed * (1 - smoothed)) : slope;
    for (let image = 0; image < images; image++) influence[image] += weight * moved[image];
  }
  return influence;
}

function valuesOf(scores: ScoredCandidate['scores']): Partial<Record<ScoreId, number | null>> {
  return Object.fromEntries(Object.entries(scores).map(([id, { value }]) => [id, value]));
}

/**
 * One score, or the mean of some, of each candidate: by the images where they move it, otherwise by its interval.
 *
 * @returns null for a candidate that has none of them
 */
export function replicateScores(
  contenders: readonly Contender[],
  ids: readonly ScoreId[],
  { redraw, seed }: { redraw: Redraw; seed: number },
): (Replicated | null)[] {
  const random = createRandom(seed + 2);
  const known = contenders.map(({ scored }) => ids.flatMap((id) => (scored.scores[id].value === null ? [] : [id])));
  const influences = contenders.flatMap(({ scored }, i) => known[i].flatMap((id) => scored.influences[id] ?? []));
  const moved = redraw(influences);
  return contenders.map(({ scored }, i) => {
    if (known[i].length === 0) return null;
    const parts = known[i].map((id): Replicated => {
      const score = scored.scores[id];
      const value = score.value ?? 0;
      const influence = scored.influences[id];
      const shift = influence === undefined ? noise(score, random.normal) : moved[influences.indexOf(influence)];
      return { value, replicates: shift.map((one) => value + one) };
    });
    const share = 1 / parts.length;
    return {
      value: parts.reduce((sum, { value }) => sum + share * value, 0),
      replicates: new Float64Array(REPLICATES).map((_, r) => parts.reduce((sum, { replicates }) => sum + share * replicates[r], 0)),
    };
  });
}

function noise(score: Score, normal: () => number): Float64Array {
  const error = score.value === null ? 0 : (score.high - score.low) / (2 * Z);
  return Float64Array.from({ length: REPLICATES }, () => (error === 0 ? 0 : error * normal()));
}

/** Share of replicates that each has the highest figure in; a tie is split evenly. */
export function sharesOfBest(figures: readonly (Replicated | null)[]): number[] {
  const wins = figures.map(() => 0);
  for (let replicate = 0; replicate < REPLICATES; replicate++) {
    const values = figures.map((figure) => figure?.replicates[replicate] ?? Number.NEGATIVE_INFINITY);
    const highest = Math.max(...values);
    const winners = values.flatMap((value, i) => (value === highest && figures[i] !== null ? [i] : []));
    for (const i of winners) wins[i] += 1 / winners.length;
  }
  return wins.map((won) => won / REPLICATES);
}
