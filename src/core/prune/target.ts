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
  let choices = chooseAt(selections, EVERYTHING);
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
  choices = giveBack(selections, choices, target, flopsOf);
  const reached = flopsOf(choices);
  const short = (target - reached) / target;
  const notes =
    short > TOLERANCE ? [`${reached} FLOPs is the nearest under ${target}: one step of width more in any group would exceed it.`] : [];
  return { choices, notes };
}

function giveBack(
  selections: readonly Selection[],
  start: readonly Choice[],
  target: number,
  flopsOf: (choices: readonly Choice[]) => number,
): Choice[] {
  const choices = [...start];
  const wider = (i: number): Choice[] => choices.with(i, { group: choices[i].group, removed: selections[i].wider(choices[i].removed) });
  const order = selections
    .map((_, i) => ({ i, flops: flopsOf(wider(i)) }))
    .sort((a, b) => b.flops - a.flops || a.i - b.i)
    .map(({ i }) => i);
  for (let given = true; given;) {
    given = false;
    for (const i of order) {
      const tried = wider(i);
      if (tried[i].removed.length === choices[i].removed.length || flopsOf(tried) > target) continue;
      choices[i] = tried[i];
      given = true;
    }
  }
  return choices;
}
