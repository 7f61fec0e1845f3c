import { Failure } from '../failure.ts';
import type { Cost } from '../network/index.ts';
import type { Ranking } from './ranking.ts';
import type { Choice, Selection } from './selection.ts';

/** What of the cost a target can limit. */
export type Metric = 'flops' | 'params' | 'bytes';

/** What the result may cost. */
export type CostTarget = { readonly flops: number } | { readonly params: number } | { readonly bytes: number };

/** Share of the channels that leaves, in (0, 1), with ratios in [0, 1) of layers' own; or what the result may cost. */
export type PruneTarget =
  | {
      readonly ratio: number;
      /** By layer name or pattern (`*`, `?`); the first that fits one of a group's producers holds for the group. */
      readonly byLayer?: Readonly<Record<string, number>>;
    }
  | CostTarget;

export function amountOf(target: CostTarget): readonly [Metric, number] {
  if ('flops' in target) return ['flops', target.flops];
  return 'params' in target ? ['params', target.params] : ['bytes', target.bytes];
}

export interface Met {
  readonly choices: readonly Choice[];
  /** What did not come out as asked, and why. */
  readonly notes: readonly string[];
}

/** So near to 1 that every group is left with as little as its width rules allow. */
const EVERYTHING = 1 - 1e-6;
const BISECTIONS = 20;
/** Most steps of width taken from one group for others at a time. */
const EXCHANGED_STEPS = 4;
/** Combinations of widths that are all tried where exchanges come no nearer: a few small groups. */
const COMBINATIONS_MAX = 4096;
/** Share of the target by which the result may miss it without a word. */
const TOLERANCE = 0.02;

const WORDS: Readonly<Record<Metric, string>> = { flops: 'FLOPs', params: 'parameters', bytes: 'bytes' };

/** The ratio in every group, or in every pool of groups. */
export function meetRatio(ranking: Ranking, ratio: number): Met {
  const choices = ranking(ratio);
  const notes = choices.flatMap(({ group, removed, asked }) =>
    removed.length >= asked
      ? []
      : [
          `Group "${group.id}" loses ${removed.length} of the ${asked} channels asked: the criterion singles out no more, or its width rules hold them.`,
        ],
  );
  return { choices, notes };
}

/**
 * The smallest ratio that comes to the target or under it, by bisection; then channels are given back one step at a time,
 * where they cost most first, while the cost stays at or under the target.
 *
 * @param costOf cost of the network when these channels leave
 * @throws Failure `target-unreachable` with the smallest cost that can be reached; `invalid-request` when nothing has to leave
 */
export function meetCost(
  ranking: Ranking,
  selections: readonly Selection[],
  [metric, target]: readonly [Metric, number],
  costOf: (choices: readonly Choice[]) => Cost,
): Met {
  const [word, field] = [WORDS[metric], `target.${metric}`];
  const priceOf: PriceOf = (choices) => costOf(choices)[metric];
  const before = priceOf([]);
  if (target >= before) {
    throw new Failure('invalid-request', `The model has ${before} ${word} already, and the target is ${target}.`, {
      hint: `Give a target below the ${word} of the model.`,
      field,
    });
  }
  let choices: readonly Choice[] = ranking(EVERYTHING);
  const smallest = priceOf(choices);
  if (smallest > target) {
    throw new Failure('target-unreachable', `${target} ${word} cannot be reached: the smallest possible is ${smallest}.`, {
      hint: `Give a target of at least ${smallest} ${word}, or let more layers be pruned.`,
      field,
    });
  }
  let [under, over] = [EVERYTHING, 0];
  for (let step = 0; step < BISECTIONS; step++) {
    const ratio = (under + over) / 2;
    const tried = ranking(ratio);
    if (priceOf(tried) > target) over = ratio;
    else [under, choices] = [ratio, tried];
  }
  choices = nearest(selections, choices, target, priceOf);
  const reached = priceOf(choices);
  const notes = isNear(reached, target)
    ? []
    : [`${reached} ${word} is the nearest that was found under ${target}: one step more in any group exceeds it.`];
  return { choices, notes };
}

type PriceOf = (choices: readonly Choice[]) => number;

const isNear = (amount: number, target: number): boolean => amount > (1 - TOLERANCE) * target;

/**
 * Gives channels back; where that leaves the cost further from the target than the tolerance (few groups, coarse
 * steps), also takes a few steps from one group to give more to others, for as long as that comes nearer.
 */
function nearest(selections: readonly Selection[], start: readonly Choice[], target: number, priceOf: PriceOf): readonly Choice[] {
  let best = giveBack(selections, start, target, priceOf);
  let reached = priceOf(best);
  for (let better = true; better && !isNear(reached, target);) {
    better = false;
    for (const [i, { group, narrower }] of selections.entries()) {
      let { removed } = best[i];
      for (let step = 0; step < EXCHANGED_STEPS; step++) {
        removed = narrower(removed);
        const tried = giveBack(selections, best.with(i, { group, removed }), target, priceOf, i);
        const amount = priceOf(tried);
        if (amount > reached) [best, reached, better] = [tried, amount, true];
      }
    }
  }
  return isNear(reached, target) ? best : nearestOfAll(selections, best, target, priceOf);
}

/** The combination of widths that comes nearest, where there are few enough to try them all. */
function nearestOfAll(selections: readonly Selection[], start: readonly Choice[], target: number, priceOf: PriceOf): readonly Choice[] {
  let combinations: Choice[][] = [[]];
  for (const { group, narrower } of selections) {
    const choices: Choice[] = [{ group, removed: [] }];
    for (let removed = narrower([]); removed.length > choices[choices.length - 1].removed.length; removed = narrower(removed)) {
      choices.push({ group, removed });
    }
    if (combinations.length * choices.length > COMBINATIONS_MAX) return start;
    combinations = combinations.flatMap((before) => choices.map((choice) => [...before, choice]));
  }
  let [best, reached] = [start, priceOf(start)];
  for (const tried of combinations) {
    const amount = priceOf(tried);
    if (amount <= target && amount > reached) [best, reached] = [tried, amount];
  }
  return best;
}

/** Widens groups step by step, those where a step costs most first, as long as the cost stays at or under the target. */
function giveBack(selections: readonly Selection[], start: readonly Choice[], target: number, priceOf: PriceOf, except?: number): Choice[] {
  const choices = [...start];
  const widened = (i: number): Choice[] => choices.with(i, { group: choices[i].group, removed: selections[i].wider(choices[i].removed) });
  const order = selections
    .map((_, i) => ({ i, amount: priceOf(widened(i)) }))
    .filter(({ i }) => i !== except)
    .sort((a, b) => b.amount - a.amount || a.i - b.i)
    .map(({ i }) => i);
  for (let given = true; given;) {
    given = false;
    for (const i of order) {
      const tried = widened(i);
      if (tried[i].removed.length === choices[i].removed.length || priceOf(tried) > target) continue;
      choices[i] = tried[i];
      given = true;
    }
  }
  return choices;
}
