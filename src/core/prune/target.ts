import { Failure } from '../failure.ts';
import type { Choice, Selection } from './selection.ts';

/** Share of the channels that leaves each group, in (0, 1); or the FLOPs that the result may have. */
export type PruneTarget = { readonly ratio: number } | { readonly flops: number };

export interface Met {
  readonly choices: readonly Choice[];
  /** What did not come out as asked, and why. */
  readonly notes: readonly string[];
}

/** So near to 1 that every group is left with one channel. */
const EVERYTHING = 1 - 1e-6;
const BISECTIONS = 20;
/** Most steps of width taken from one group for others at a time. */
const EXCHANGED_STEPS = 4;
/** Share of the target by which the result may miss it without a word. */
const TOLERANCE = 0.02;

const chooseAt = (selections: readonly Selection[], ratio: number): Choice[] =>
  selections.map(({ group, atRatio }) => ({ group, removed: atRatio(ratio) }));

/** The uniform ratio in every group. */
export function meetRatio(selections: readonly Selection[], ratio: number): Met {
  const choices = chooseAt(selections, ratio);
  const notes = choices.flatMap(({ group, removed }, i) => {
    const asked = selections[i].limit(ratio);
    if (removed.length >= asked) return [];
    return [`Group "${group.id}" loses ${removed.length} of the ${asked} channels asked: the criterion singles out no more.`];
  });
  return { choices, notes };
}

/**
 * The smallest uniform ratio that comes to the target or under it, by bisection; then channels are given back one step
 * at a time, where they cost most first, while the FLOPs stay at or under the target.
 *
 * @param flopsOf FLOPs of the network when these channels leave
 * @throws Failure `target-unreachable` with the smallest FLOPs that can be reached; `invalid-request` when nothing has to leave
 */
export function meetFlops(selections: readonly Selection[], target: number, flopsOf: (choices: readonly Choice[]) => number): Met {
  const before = flopsOf([]);
  if (target >= before) {
    throw new Failure('invalid-request', `The model has ${before} FLOPs already, and the target is ${target}.`, {
      hint: 'Give a target below the FLOPs of the model.',
      field: 'target.flops',
    });
  }
  let choices: readonly Choice[] = chooseAt(selections, EVERYTHING);
  const smallest = flopsOf(choices);
  if (smallest > target) {
    throw new Failure('target-unreachable', `${target} FLOPs cannot be reached: the smallest possible is ${smallest}.`, {
      hint: `Give a target of at least ${smallest} FLOPs, or let more layers be pruned.`,
      field: 'target.flops',
    });
  }
  let [under, over] = [EVERYTHING, 0];
  for (let step = 0; step < BISECTIONS; step++) {
    const ratio = (under + over) / 2;
    const tried = chooseAt(selections, ratio);
    if (flopsOf(tried) > target) over = ratio;
    else [under, choices] = [ratio, tried];
  }
  choices = nearest(selections, choices, target, flopsOf);
  const reached = flopsOf(choices);
  const notes = isNear(reached, target)
    ? []
    : [`${reached} FLOPs is the nearest that the widths allow under ${target}: one step more in any group exceeds it.`];
  return { choices, notes };
}

type FlopsOf = (choices: readonly Choice[]) => number;

const isNear = (flops: number, target: number): boolean => flops > (1 - TOLERANCE) * target;

/**
 * Gives channels back; where that leaves the FLOPs further from the target than the tolerance (few groups, coarse
 * steps), also takes a few steps from one group to give more to others, for as long as that comes nearer.
 */
function nearest(selections: readonly Selection[], start: readonly Choice[], target: number, flopsOf: FlopsOf): readonly Choice[] {
  let best = giveBack(selections, start, target, flopsOf);
  let reached = flopsOf(best);
  for (let better = true; better && !isNear(reached, target);) {
    better = false;
    for (const [i, { group, narrower }] of selections.entries()) {
      let { removed } = best[i];
      for (let step = 0; step < EXCHANGED_STEPS; step++) {
        removed = narrower(removed);
        const tried = giveBack(selections, best.with(i, { group, removed }), target, flopsOf, i);
        const flops = flopsOf(tried);
        if (flops > reached) [best, reached, better] = [tried, flops, true];
      }
    }
  }
  return best;
}

/** Widens groups step by step, those where a step costs most first, as long as the FLOPs stay at or under the target. */
function giveBack(selections: readonly Selection[], start: readonly Choice[], target: number, flopsOf: FlopsOf, except?: number): Choice[] {
  const choices = [...start];
  const widened = (i: number): Choice[] => choices.with(i, { group: choices[i].group, removed: selections[i].wider(choices[i].removed) });
  const order = selections
    .map((_, i) => ({ i, flops: flopsOf(widened(i)) }))
    .filter(({ i }) => i !== except)
    .sort((a, b) => b.flops - a.flops || a.i - b.i)
    .map(({ i }) => i);
  for (let given = true; given;) {
    given = false;
    for (const i of order) {
      const tried = widened(i);
      if (tried[i].removed.length === choices[i].removed.length || flopsOf(tried) > target) continue;
      choices[i] = tried[i];
      given = true;
    }
  }
  return choices;
}
