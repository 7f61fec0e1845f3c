import { Failure } from '../failure.ts';
import type { Criterion } from './criteria/criterion.ts';
import { dice, diceGreedy, diceHybrid, diceRepresentative } from './criteria/dice.ts';
import { apoz, hrank } from './criteria/feature-maps.ts';
import { dacp, fpgm } from './criteria/geometry.ts';
import { grasp, hessian, snip, taylor } from './criteria/gradient.ts';
import { bnScale, groupNorm, l1, l2, lamp, random } from './criteria/magnitude.ts';

/** Every criterion by its id. */
export const criteria: Readonly<Record<string, Criterion>> = {
  dice,
  'dice-greedy': diceGreedy,
  'dice-representative': diceRepresentative,
  'dice-hybrid': diceHybrid,
  l1,
  l2,
  random,
  'group-norm': groupNorm,
  'bn-scale': bnScale,
  fpgm,
  dacp,
  lamp,
  taylor,
  hessian,
  snip,
  grasp,
  hrank,
  apoz,
  // What sets these apart is the training before the choice, see schedules/.
  sfp: l2,
  'growing-reg': l1,
  'growing-reg-2': l1,
  lottery: l1,
};

/** @throws Failure `unknown-criterion`, listing those that exist. */
export function criterionOf(id: string): Criterion {
  if (!Object.hasOwn(criteria, id)) {
    throw new Failure('unknown-criterion', `There is no criterion "${id}".`, {
      hint: `The criteria are ${Object.keys(criteria).join(', ')}.`,
      field: 'criterion',
    });
  }
  return criteria[id];
}
