/** Channels that are tied to each other, over all layers' outputs. */
export interface ChannelSet {
  /** Layers that the channels belong to, in network order. */
  readonly nodes: readonly string[];
  /** How many channels of each of the layers. */
  readonly counts: readonly number[];
  /** The channels: those of the first layer, ascending, then those of the second, and so on. */
  readonly channels: readonly number[];
  /** Why they must stay, where they must. */
  readonly lock: string | undefined;
}

export interface ChannelSets {
  /** Number of the layer's first channel among all channels; its others follow. */
  first(node: string): number;
  /** Two channels, by their numbers among all, leave together. */
  tie(a: number, b: number): void;
  /** No channel tied to one of this node's may leave. The first reason given stands. */
  lock(node: string, reason: string): void;
  /**
   * Every set in the order of its first channel; sets of as many channels of the same layers, with the same lock, are
   * together, in the order of the first of them.
   */
  alike(): ChannelSet[][];
}

/**
 * Union-find with path halving over all channels, in flat arrays: a large network has a hundred thousand of them.
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
  const owner = new Int32Array(total);
  for (const [at, [node, width]] of widths.entries()) {
    const from = offsets.get(node) ?? 0;
    owner.fill(at, from, from + width);
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

  /** The elements of each set, ascending, one set after the other, and where each root's begin. */
  const listed = (): { elements: Int32Array; begin: Int32Array; roots: number[] } => {
    const sizes = new Int32Array(total);
    for (let element = 0; element < total; element++) sizes[rootOf(element)]++;
    const begin = new Int32Array(total);
    const roots: number[] = [];
    let next = 0;
    for (let element = 0; element < total; element++) {
      if (sizes[element] === 0) continue;
      roots.push(element);
      begin[element] = next;
      next += sizes[element];
    }
    const elements = new Int32Array(total);
    const filled = begin.slice();
    for (let element = 0; element < total; element++) elements[filled[rootOf(element)]++] = element;
    return { elements, begin, roots };
  };

  return {
    first: (node) => offsets.get(node) ?? 0,
    tie(a, b) {
      const rootA = rootOf(a);
      const rootB = rootOf(b);
      // The lower one stays root, so that sets come out in network order.
      if (rootA < rootB) parent[rootB] = rootA;
      else parent[rootA] = rootB;
    },
    lock(node, reason) {
      if (!locks.has(node)) locks.set(node, reason);
    },
    alike() {
      const { elements, begin, roots } = listed();
      const lockOf = widths.map(([node]) => locks.get(node));
      const starts = widths.map(([node]) => offsets.get(node) ?? 0);
      const endOf = (at: number): number => (at + 1 < roots.length ? begin[roots[at + 1]] : total);
      /** Whether two sets have as many channels of the same layers; the lock follows from the layers. */
      const isAlike = (a: number, b: number): boolean => {
        const [fromA, fromB] = [begin[roots[a]], begin[roots[b]]];
        const size = endOf(a) - fromA;
        if (endOf(b) - fromB !== size) return false;
        for (let i = 0; i < size; i++) if (owner[elements[fromA + i]] !== owner[elements[fromB + i]]) return false;
        return true;
      };
      const groups = new Map<string, ChannelSet[]>();
      let before = -1;
      let same: ChannelSet[] = [];
      for (const [at, root] of roots.entries()) {
        const end = endOf(at);
        const channels: number[] = [];
        for (let i = begin[root]; i < end; i++) channels.push(elements[i] - starts[owner[elements[i]]]);
        // A layer's channels mostly share one fate: then nothing is described twice.
        if (before >= 0 && isAlike(before, at)) {
          same.push({ ...same[0], channels });
          continue;
        }
        before = at;
        const nodes: string[] = [];
        const counts: number[] = [];
        let lock: string | undefined;
        for (let from = begin[root]; from < end;) {
          const node = owner[elements[from]];
          const start = from;
          while (from < end && owner[elements[from]] === node) from++;
          nodes.push(widths[node][0]);
          counts.push(from - start);
          lock ??= lockOf[node];
        }
        const key = `${nodes.map((node, i) => `${offsets.get(node)}×${counts[i]}`).join()} ${lock ?? ''}`;
        same = groups.get(key) ?? [];
        groups.set(key, same);
        same.push({ nodes, counts, channels, lock });
      }
      return [...groups.values()];
    },
  };
}
