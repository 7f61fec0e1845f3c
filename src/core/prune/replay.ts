import { inferShapes, type Network } from '../network/index.ts';
import { createCostModel } from './cost-model.ts';
import { removalsOf, type Removal } from './cut.ts';
import { dependencyGroups } from './groups.ts';
import { plannedGroup, type Plan } from './plan.ts';

/** What of a plan does not follow from the network. */
export type PlanToReplay = Pick<Plan, 'criterion' | 'source' | 'ranking' | 'seed'> & { readonly groups: readonly Removal[] };

/**
 * A plan made before, told again of this network: what leaves is taken from it, and everything else follows.
 *
 * @throws Failure `invalid-request` (field `plan`) when its groups are not those of the network
 */
export function replayPlan(network: Network, { groups, criterion, source, ranking, seed }: PlanToReplay): Omit<Plan, 'target'> {
  const choices = removalsOf(network, groups);
  const chosen = new Set(choices.map(({ group }) => group.id));
  const costWith = createCostModel(
    network.nodes,
    inferShapes(network),
    choices.map(({ group }) => group),
  );
  return {
    criterion,
    source,
    ranking,
    seed,
    groups: choices.map(plannedGroup),
    skipped: dependencyGroups(network)
      .filter(({ id }) => !chosen.has(id))
      .map(({ id, producers, locked }) => ({
        id,
        producers: producers.map(({ node }) => node),
        reason: locked === undefined ? 'The plan leaves it alone.' : `Its channels must stay: ${locked}.`,
      })),
    notes: [],
    cost: { before: costWith([]), after: costWith(choices) },
  };
}
