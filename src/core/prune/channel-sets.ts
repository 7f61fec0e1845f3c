/** Sets of channels that are tied to each other, over all layers' outputs. */
export interface ChannelSets {
  tie(nodeA: string, channelA: number, nodeB: string, channelB: number): void;
  /** No channel tied to one of this node's may leave. The first reason given stands. */
  lock(node: string, reason: string): void;
  /** Every set: its channels by node (ascending, nodes in network order), ordered by its first channel. */
  all(): { readonly members: ReadonlyMap<string, readonly number[]>; readonly lock: string | undefined }[];
}

/**
 * Union-find with path halving over (node, channel).
 *
 * @param widths channels of each node's output, in network order
 */
export function createChannelSets(widths: readonly (readonly [string, number])[]): ChannelSets {
  const offsets = new Map<string, number>();
  let total = 0;
  for (const [node, width] of widths) {
    offsets.set(node, total);
    total += width;
  }
  const parent = Int32Array.from({ length: total }, (_, i) => i);
  const locks = new Map<string, string>();

  const rootOf = (element: number): number => {
    let at = element;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at]];
      at = parent[at];
    }
    return at;
  };
  const element = (node: string, channel: number): number => (offsets.get(node) ?? 0) + channel;

  return {
    tie(nodeA, channelA, nodeB, channelB) {
      const a = rootOf(element(nodeA, channelA));
      const b = rootOf(element(nodeB, channelB));
      // The lower one stays root, so that sets come out in network order.
      if (a < b) parent[b] = a;
      else parent[a] = b;
    },
    lock(node, reason) {
      if (!locks.has(node)) locks.set(node, reason);
    },
    all() {
      const sets = new Map<number, { members: Map<string, number[]>; lock: string | undefined }>();
      for (const [node, width] of widths) {
        const reason = locks.get(node);
        for (let channel = 0; channel < width; channel++) {
          const root = rootOf(element(node, channel));
          const set = sets.get(root) ?? { members: new Map<string, number[]>(), lock: undefined };
          sets.set(root, set);
          const members = set.members.get(node);
          if (members === undefined) set.members.set(node, [channel]);
          else members.push(channel);
          set.lock ??= reason;
        }
      }
      return [...sets.values()];
    },
  };
}
