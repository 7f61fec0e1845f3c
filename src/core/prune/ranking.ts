import { limitOf } from '../dice/index.ts';
import { layerOf, nodeOf, type Network } from '../network/index.ts';
import type { DependencyGroup } from './groups.ts';
import type { Choice, Selection } from './selection.ts';

/**
 * Among which channels the lowest scores are looked for: those of one group (`local`, the same ratio everywhere), of all
 * groups (`global`), or of the groups of one topology (`isomorphic`, Fang et al. 2024: scores of layers of another form
 * are not comparable).
 */
export type RankingName = 'local' | 'global' | 'isomorphic';

export interface RankedChoice extends Choice {
  /** Channels that the ratio asked this group for. */
  readonly asked: number;
}

/** The choice of every group at a ratio, in the order of the selections. */
export type Ranking = (ratio: number) => RankedChoice[];

/**
 * @param poolOf groups of the same pool are ranked together: of n channels in all ⌊ratio · n⌋ leave, those with the lowest
 *   scores, as far as each group's width rules allow. Which channels of a group these are stays the criterion's choice.
 * @param ratioOf a ratio of a group's own, which takes it out of its pool
 */
export function createRanking(
  selections: readonly Selection[],
  poolOf: (group: DependencyGroup) => string,
  ratioOf: (group: DependencyGroup) => number | undefined = () => undefined,
): Ranking {
  const pools = new Map<string, number[]>();
  for (const [at, { group }] of selections.entries()) {
    if (ratioOf(group) !== undefined) continue;
    const pool = pools.get(poolOf(group)) ?? [];
    pool.push(at);
    pools.set(poolOf(group), pool);
  }
  const pooled = [...pools.values()].filter((pool) => pool.length > 1).map((pool) => createPool(pool, selections));
  return (ratio) => {
    const choices = selections.map(({ group, atRatio, asked }): RankedChoice => {
      const own = ratioOf(group) ?? ratio;
      return { group, removed: atRatio(own), asked: asked(own) };
    });
    for (const countsAt of pooled) {
      for (const [at, count] of countsAt(ratio)) {
        const { group, atCount } = selections[at];
        choices[at] = { group, removed: atCount(count), asked: count };
      }
    }
    return choices;
  };
}

/** How many channels leave each group of a pool. */
function createPool(pool: readonly number[], selections: readonly Selection[]): (ratio: number) => Map<number, number> {
  const owners: number[] = [];
  const scores: number[] = [];
  for (const at of pool) {
    for (const score of selections[at].scores) {
      owners.push(at);
      scores.push(score);
    }
  }
  const order = scores.map((_, entry) => entry).sort((a, b) => scores[a] - scores[b] || a - b);
  const gone = pool.reduce((sum, at) => sum + selections[at].gone, 0);
  return (ratio) => {
    const counts = new Map(pool.map((at) => [at, 0]));
    let left = Math.max(0, limitOf(order.length + gone, ratio) - gone);
    for (const entry of order) {
      if (left === 0) break;
      const owner = owners[entry];
      const count = counts.get(owner) ?? 0;
      if (count === selections[owner].most) continue;
      counts.set(owner, count + 1);
      left--;
    }
    return counts;
  };
}

/**
 * The form of a group: kinds of the layers that make, pass and read its channels, and which of them reads which. Groups
 * with the same form do the same thing at other places of the network.
 */
export function topologyOf(network: Network, { producers, coupled, consumers }: DependencyGroup): string {
  const roles = new Map<string, string>();
  for (const [role, members] of Object.entries({ producers, coupled, consumers })) {
    for (const { node } of members) roles.set(node, `${roles.get(node) ?? ''}${role[0]}`);
  }
  const names = network.nodes.filter(({ id }) => roles.has(id)).map(({ id }) => id);
  return names
    .map((id) => {
      const node = nodeOf(network, id);
      const read = layerOf(node.kind).inputs[1] === 0 ? [] : node.inputs.map((input) => names.indexOf(input));
      return `${roles.get(id)}:${node.kind}(${read.join()})`;
    })
    .join(' ');
}

/** Whether a layer's name fits a pattern in which `*` stands for any characters and `?` for one. */
export function matches(pattern: string, name: string): boolean {
  const source = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${source}$`, 's').test(name);
}
