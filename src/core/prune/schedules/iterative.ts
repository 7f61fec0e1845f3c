import { inferShapes, type Cost, type Network } from '../../network/index.ts';
import { cutNodes, keptChannels } from '../cut.ts';
import { dependencyGroups } from '../groups.ts';
import type { Plan } from '../plan.ts';
import { amountOf, type PruneTarget } from '../target.ts';

/**
 * Targets of n steps that each take the same share of what is left, the last being the target itself (the geometric
 * schedule of Frankle & Carbin 2019). Ratios are shares of the original network's channels.
 */
export function stepTargets(target: PruneTarget, before: Cost, steps: number): PruneTarget[] {
  return Array.from({ length: steps }, (_, at) => (at === steps - 1 ? target : partly(target, before, (at + 1) / steps)));
}

function partly(target: PruneTarget, before: Cost, share: number): PruneTarget {
  if (!('ratio' in target)) {
    const [metric, amount] = amountOf(target);
    const here = before[metric] * (amount / before[metric]) ** share;
    return { flops: { flops: here }, params: { params: here }, bytes: { bytes: here } }[metric];
  }
  const ofRatio = (ratio: number): number => 1 - (1 - ratio) ** share;
  const own = Object.entries(target.byLayer ?? {}).map(([pattern, ratio]) => [pattern, ofRatio(ratio)]);
  return { ratio: ofRatio(target.ratio), ...(own.length > 0 && { byLayer: Object.fromEntries(own) }) };
}

/**
 * One plan that does to the network what these do one after the other; its target is the last one's.
 *
 * @param plans the first of the network, each of the others of what the one before left of it
 */
export function compose<P extends Pick<Plan, 'groups' | 'notes' | 'cost'>>(network: Network, plans: readonly P[]): P {
  const [first] = plans;
  const last = plans[plans.length - 1];
  let nodes = network.nodes;
  /** Of every node's channels, the original's that are left. */
  let left = new Map<string, readonly number[]>();
  for (const { groups } of plans) {
    const shapes = inferShapes(nodes);
    const known = new Map(dependencyGroups({ ...network, nodes }).map((group) => [group.id, group]));
    const removals = groups.flatMap(({ id, removed }) => {
      const group = known.get(id);
      return group === undefined ? [] : [{ group, removed }];
    });
    const kept = keptChannels(nodes, shapes, removals);
    nodes = cutNodes(nodes, kept);
    left = new Map(
      Array.from(kept, ([id, channels]) => {
        const before = left.get(id);
        return [id, before === undefined ? channels : channels.map((channel) => before[channel])];
      }),
    );
  }
  const members = new Map(dependencyGroups(network).map((group) => [group.id, group.producers[0]]));
  const composed = first.groups.map((group) => {
    const member = members.get(group.id);
    const there = new Set(left.get(member?.node ?? ''));
    const stays = (channel: number): boolean => member?.channels[channel].every((own) => there.has(own)) ?? true;
    const all = Array.from({ length: group.channels }, (_, channel) => channel);
    return { ...group, kept: all.filter(stays), removed: all.filter((channel) => !stays(channel)) };
  });
  return {
    ...last,
    groups: composed,
    notes: [...new Set(plans.flatMap(({ notes }) => notes))],
    cost: { before: first.cost.before, after: last.cost.after },
  };
}
