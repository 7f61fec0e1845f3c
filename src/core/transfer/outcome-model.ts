import { solvePositive } from '../linear/cholesky.ts';
import type { Outcome } from './outcome.ts';
import { type ScoreId, scoreTable } from './scores.ts';

/**
 * How fine-tuned accuracy is foretold. Its logit is taken as that of the two leave-one-out accuracies on frozen features,
 * averaged, until past fine-tunings say otherwise: ridge regression pulls towards that, not towards nothing.
 */
const PREDICTORS = [
  { id: 'linear-probe', logit: true, weight: 0.5 },
  { id: 'knn', logit: true, weight: 0.5 },
  { id: 'logme', logit: false, weight: 0 },
  { id: 'h-score-regularised', logit: false, weight: 0 },
  { id: 'source-accuracy', logit: true, weight: 0 },
  { id: 'dice-weights', logit: false, weight: 0 },
  { id: 'dice-activations', logit: false, weight: 0 },
  { id: 'alignment', logit: false, weight: 0 },
] as const satisfies readonly { id: ScoreId; logit: boolean; weight: number }[];

/** The two whose average the level of a target's accuracies is read from. */
const ANCHORS = PREDICTORS.filter(({ weight }) => weight > 0);

/** Ridge penalties in outcomes, to choose from by leave-one-source-out error; the last all but ignores the outcomes. */
const PENALTIES = [3, 10, 30, 100, 300, 1e3, 1e4, 1e6];
/** Targets, and sources of them, below which nothing is learnt: leaving one out would leave too little to learn from. */
const TARGETS_MIN = 3;
const SOURCES_MIN = 2;

/** Standard deviations, in logits, that are assumed while there is nothing to learn them from: as they were on docs/selection.md's targets. */
const ASSUMED = { model: 0.5, level: 0.8, seeds: 0.14 };

/** What past fine-tunings say of how scores foretell accuracy. All in logits. */
export interface OutcomeModel {
  readonly outcomes: number;
  readonly targets: number;
  readonly sources: number;
  /** Of a score's difference to the mean over the candidates. */
  readonly slopes: readonly {
    readonly id: ScoreId;
    readonly logit: boolean;
    readonly slope: number;
    /** How much it tells candidates apart: slope times the spread of the score among a target's candidates. */
    readonly effect: number;
  }[];
  /** Mean logit accuracy of a target's candidates, from their mean anchor. */
  readonly level: { readonly intercept: number; readonly slope: number };
  /** Standard deviations: of a candidate about its prediction, of a target's level, and between seeds. */
  readonly spread: { readonly model: number; readonly level: number; readonly seeds: number };
  /** Root mean square error of predicted accuracies on sources that were left out; null where nothing was learnt. */
  readonly leftOutError: number | null;
}

export const logit = (share: number): number => Math.log(share / (1 - share));
export const logistic = (x: number): number => 1 / (1 + Math.exp(-x));

/** An accuracy over some images as a logit that is finite: half a right and half a wrong answer are added. */
export function logitOf(accuracy: number, images: number): number {
  return logit((accuracy * images + 0.5) / (images + 1));
}

/** What the prediction needs of a candidate's scores, by predictor; a score that is not there counts as average. */
export function predictorsOf(scores: Readonly<Partial<Record<ScoreId, number | null>>>, images: number): (number | null)[] {
  return PREDICTORS.map(({ id, logit }) => {
    const value = scores[id] ?? null;
    return value === null || !logit ? value : logitOf(value, images);
  });
}

/** Mean logit of the leave-one-out accuracies; null without any. */
export function anchorOf(predictors: readonly (number | null)[]): number | null {
  const known = predictors.slice(0, ANCHORS.length).filter((value) => value !== null);
  return known.length === 0 ? null : average(known);
}

const average = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
const meanSquare = (values: readonly number[]): number => average(values.map((value) => value * value));

/** The predictors of a target's candidates less their mean over the candidates. */
export function centredPredictors(candidates: readonly (readonly (number | null)[])[]): number[][] {
  const means = PREDICTORS.map((_, j) => {
    const known = candidates.flatMap((predictors) => predictors[j] ?? []);
    return known.length === 0 ? 0 : average(known);
  });
  return candidates.map((predictors) => means.map((mean, j) => (predictors[j] === null ? 0 : predictors[j] - mean)));
}

/** One target of the past: its candidates' centred predictors, logit accuracies and their mean, and mean anchor. */
interface Lesson {
  readonly source: string;
  readonly rows: readonly (readonly number[])[];
  readonly accuracies: readonly number[];
  readonly mean: number;
  readonly anchor: number;
}

/**
 * Learns from past fine-tunings how scores foretell accuracy. What differs between the candidates of one target and the
 * target's level are learnt apart, because a ranking needs the first alone. Penalty and errors come from leaving out the
 * targets of one source at a time: a dataset to come is of none of them.
 */
export function fitOutcomes(outcomes: readonly Outcome[]): OutcomeModel {
  const lessons = lessonsOf(outcomes);
  const sources = [...new Set(lessons.map(({ source }) => source))];
  if (lessons.length < TARGETS_MIN || sources.length < SOURCES_MIN) {
    return { outcomes: 0, targets: 0, sources: 0, ...untaught, spread: ASSUMED, leftOutError: null };
  }
  const withheld = sources.map((source) => {
    const others = lessons.filter((other) => other.source !== source);
    const own = lessons.filter((lesson) => lesson.source === source);
    return { own, products: sumOf(others.map(productsOf)), level: levelFrom(others) };
  });
  const tried = PENALTIES.map((penalty) => {
    const residuals = withheld.flatMap(({ own, products, level }) => {
      const { slopes } = slopesFrom(products, penalty);
      return own.map((lesson) => residualsOf(lesson, slopes, level));
    });
    return { penalty, residuals, error: meanSquare(residuals.flatMap(({ within }) => within)) };
  });
  const { penalty, residuals } = tried.reduce((best, one) => (one.error < best.error ? one : best));
  const seeds = seedVariance(outcomes);
  // A target's mean is known, not foretold, in these residuals, which takes a degree of freedom of each.
  const within = residuals.flatMap(({ within: of }) => of.map((x) => (of.length > 1 ? (x * x * of.length) / (of.length - 1) : x * x)));
  return {
    outcomes: lessons.reduce((sum, { rows }) => sum + rows.length, 0),
    targets: lessons.length,
    sources: sources.length,
    slopes: named(slopesFrom(sumOf(lessons.map(productsOf)), penalty)),
    level: levelFrom(lessons),
    spread: {
      model: Math.sqrt(Math.max(average(within) - seeds.ofMeans, (ASSUMED.seeds / 10) ** 2)),
      level: Math.sqrt(meanSquare(residuals.map(({ level }) => level))),
      seeds: Math.sqrt(seeds.between),
    },
    leftOutError: Math.sqrt(meanSquare(residuals.flatMap(({ points }) => points))),
  };
}

/** What a target's accuracies are off from those foretold: between its candidates, at its level, and in shares of 1. */
function residualsOf({ rows, accuracies, mean, anchor }: Lesson, slopes: readonly number[], { intercept, slope }: OutcomeModel['level']) {
  const level = intercept + slope * anchor;
  const foretold = rows.map((row) => row.reduce((sum, x, j) => sum + x * slopes[j], 0));
  return {
    within: foretold.map((difference, i) => accuracies[i] - mean - difference),
    level: mean - level,
    points: foretold.map((difference, i) => logistic(accuracies[i]) - logistic(level + difference)),
  };
}

function named({ slopes, scales }: Slopes): OutcomeModel['slopes'] {
  return PREDICTORS.map(({ id, logit }, j) => ({ id, logit, slope: slopes[j], effect: Math.abs(slopes[j] * scales[j]) }));
}

const untaught: Pick<OutcomeModel, 'slopes' | 'level'> = {
  slopes: PREDICTORS.map(({ id, logit, weight }) => ({ id, logit, slope: weight, effect: weight })),
  level: { intercept: 0, slope: 1 },
};

function lessonsOf(outcomes: readonly Outcome[]): Lesson[] {
  const targets = new Map<string, Outcome[]>();
  for (const outcome of outcomes) targets.set(outcome.target.id, [...(targets.get(outcome.target.id) ?? []), outcome]);
  return Array.from(targets.values()).flatMap((ofTarget) => {
    const known = ofTarget
      .map(({ scores, target, accuracy }) => ({ predictors: predictorsOf(scores, target.images), accuracy: boundedLogit(accuracy) }))
      .filter(({ predictors }) => anchorOf(predictors) !== null);
    if (known.length === 0) return [];
    const anchors = known.map(({ predictors }) => anchorOf(predictors) ?? 0);
    const accuracies = known.map(({ accuracy }) => accuracy);
    return {
      source: ofTarget[0].target.source ?? ofTarget[0].target.id,
      rows: centredPredictors(known.map(({ predictors }) => predictors)),
      accuracies,
      mean: average(accuracies),
      anchor: average(anchors),
    };
  });
}

/** Beyond these a difference in accuracy is one of single images. */
const boundedLogit = (accuracy: number): number => logit(Math.min(0.999, Math.max(0.001, accuracy)));

/** XᵀX, Xᵀy and the number of rows: all that a regression needs. */
interface Products {
  readonly count: number;
  readonly gram: Float64Array;
  readonly moment: Float64Array;
}

/** Of a target's predictors and what the first guess leaves of its accuracies. */
function productsOf({ rows, accuracies, mean }: Lesson): Products {
  const n = PREDICTORS.length;
  const gram = new Float64Array(n * n);
  const moment = new Float64Array(n);
  rows.forEach((row, i) => {
    const rest = PREDICTORS.reduce((left, { weight }, j) => left - weight * row[j], accuracies[i] - mean);
    for (let j = 0; j < n; j++) {
      moment[j] += row[j] * rest;
      for (let k = 0; k < n; k++) gram[j * n + k] += row[j] * row[k];
    }
  });
  return { count: rows.length, gram, moment };
}

function sumOf(parts: readonly Products[]): Products {
  return parts.reduce((a, b) => ({
    count: a.count + b.count,
    gram: a.gram.map((value, at) => value + b.gram[at]),
    moment: a.moment.map((value, at) => value + b.moment[at]),
  }));
}

interface Slopes {
  readonly slopes: readonly number[];
  /** Root mean square of each predictor. */
  readonly scales: readonly number[];
}

/** Ridge regression of what the first guess leaves; predictors count by their spread. */
function slopesFrom({ count, gram, moment }: Products, penalty: number): Slopes {
  const n = PREDICTORS.length;
  const scales = PREDICTORS.map((_, j) => Math.sqrt(Math.max(0, gram[j * n + j]) / Math.max(1, count)));
  const unit = scales.map((scale) => (scale === 0 ? 0 : 1 / scale));
  const scaled = gram.map((value, at) => value * unit[Math.floor(at / n)] * unit[at % n] + (Math.floor(at / n) === at % n ? penalty : 0));
  const right = moment.map((value, j) => value * unit[j]);
  const solution = solvePositive(scaled, right);
  return { slopes: PREDICTORS.map(({ weight }, j) => weight + solution[j] * unit[j]), scales };
}

/** In targets: the level needs little evidence to move. */
const LEVEL_PENALTY = 0.5;

/** Ridge regression of the mean accuracies on the mean anchors, towards their being equal. */
function levelFrom(lessons: readonly Lesson[]): OutcomeModel['level'] {
  const sum = (of: (lesson: Lesson) => number): number => lessons.reduce((total, lesson) => total + of(lesson), 0);
  const cross = sum(({ anchor }) => anchor);
  const matrix = Float64Array.of(lessons.length + LEVEL_PENALTY, cross, cross, sum(({ anchor }) => anchor ** 2) + LEVEL_PENALTY);
  const right = Float64Array.of(
    sum(({ mean, anchor }) => mean - anchor),
    sum(({ mean, anchor }) => anchor * (mean - anchor)),
  );
  const [intercept, slope] = solvePositive(matrix, right);
  return { intercept, slope: 1 + slope };
}

/** Mean variance between seeds in logits, and of a mean over an outcome's seeds; assumed where none was measured. */
function seedVariance(outcomes: readonly Outcome[]): { between: number; ofMeans: number } {
  const measured = outcomes.flatMap(({ seedSpread, accuracy, seeds }) => {
    if (seedSpread === null) return [];
    const share = logistic(boundedLogit(accuracy));
    const variance = (seedSpread / (share * (1 - share))) ** 2;
    return { variance, ofMean: variance / seeds };
  });
  if (measured.length === 0) return { between: ASSUMED.seeds ** 2, ofMeans: ASSUMED.seeds ** 2 };
  return { between: average(measured.map(({ variance }) => variance)), ofMeans: average(measured.map(({ ofMean }) => ofMean)) };
}

/** Logits that a predictor has to move candidates by to be named. */
const NOTABLE = 0.05;

/** Where predicted accuracies come from, in words. */
export function describeModel({ outcomes, targets, sources, leftOutError, slopes }: OutcomeModel): string {
  const names = slopes.filter(({ effect }) => effect > NOTABLE).map(({ id }) => scoreTable[id].title);
  const list = names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names[names.length - 1]}`;
  if (leftOutError === null) {
    return `Average of the leave-one-out accuracies of ${list} on frozen features; there are no past fine-tunings to calibrate it on, so its error is assumed.`;
  }
  return `Regression of fine-tuned accuracy on ${list}, learnt from ${outcomes} fine-tunings on ${targets} targets${sources < targets ? ` of ${sources} datasets` : ''}; on a dataset left out it is ${(100 * leftOutError).toFixed(1)} points off (root mean square).`;
}
