/** Sets of tied channels that have as many channels of the same layers. */
export interface AlikeSets {
  /** Layers that the channels belong to, in network order. */
  readonly nodes: readonly string[];
  /** How many channels of each of the layers are in each set. */
  readonly counts: readonly number[];
  /** Number of sets. */
  readonly size: number;
  /** The channels, set after set: in each those of the first layer, ascending, then those of the second, and so on. */
  readonly channels: Int32Array;
  /** Why they must stay, where they must. */
  readonly lock: string | undefined;
}

export interface ChannelSets {
  /** Number of the layer's first channel among all channels; its others follow. */
  first(node: string): number;
  /** Two channels, by their numbers among all, leave together; so do the pairs that follow, `count` in all. */
  tie(a: number, b: number, count: number): void;
  /** No channel tied to one of this node's may leave. The first reason given stands. */
  lock(node: string, reason: string): void;
  /** All sets, in the order of their first channels; those alike are together, in the order of the first of them. */
  alike(): AlikeSets[];
}

/**
 * Union-find over all channels, in flat arrays: a large network has a hundred thousand of them.
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
  const parent = new Int32Array(total);
  for (let element = 0; element < total; element++) parent[element] = element;
  const locks = new Map<string, string>();

  /** The elements of each set, ascending, one set after the other, and where each set begins. */
  const listed = (): { elements: Int32Array; begin: Int32Array } => {
    const sizes = new Int32Array(total);
    let count = 0;
    for (let element = 0; element < total; element++) {
      // What is before it has found its root already.
      parent[element] = parent[parent[element]];
      if (sizes[parent[element]]++ === 0) count++;
    }
    const begin = new Int32Array(count + 1);
    const filled = new Int32Array(total);
    let set = 0;
    for (let element = 0; element < total; element++) {
      if (parent[element] !== element) continue;
      filled[element] = begin[set];
      begin[set + 1] = begin[set] + sizes[element];
      set++;
    }
    const elements = new Int32Array(total);
    for (let element = 0; element < total; element++) elements[filled[parent[element]]++] = element;
    return { elements, begin };
  };

  return {
    first: (node) => offsets.get(node) ?? 0,
    tie(a, b, count) {
      for (let i = 0; i < count; i++) {
        let rootA = parent[a + i];
        while (parent[rootA] !== rootA) rootA = parent[rootA];
        let rootB = parent[b + i];
        while (parent[rootB] !== rootB) rootB = parent[rootB];
        // The lower one stays root, so that sets come out in network order, and the way to it stays short.
        const root = Math.min(rootA, rootB);
        parent[rootA] = root;
        parent[rootB] = root;
        parent[a + i] = root;
        parent[b + i] = root;
      }
    },
    lock(node, reason) {
      if (!locks.has(node)) locks.set(node, reason);
    },
    alike() {
      const { elements, begin } = listed();
      const starts = widths.map(([node]) => offsets.get(node) ?? 0);
      /** Layers of a set and how many channels of each. */
      const formOf = (set: number): { layers: number[]; counts: number[] } => {
        const layers: number[] = [];
        const counts: number[] = [];
        for (let at = begin[set]; at < begin[set + 1]; at++) {
          if (owner[elements[at]] === layers.at(-1)) counts[counts.length - 1]++;
          else {
            layers.push(owner[elements[at]]);
            counts.push(1);
          }
        }
        return { layers, counts };
      };
      const isAlike = (a: number, b: number): boolean => {
        const size = begin[a + 1] - begin[a];
        if (begin[b + 1] - begin[b] !== size) return false;
        for (let i = 0; i < size; i++) if (owner[elements[begin[a] + i]] !== owner[elements[begin[b] + i]]) return false;
        return true;
      };
      const groups = new Map<string, number[]>();
      let same: number[] = [];
      for (let set = 0; set + 1 < begin.length; set++) {
        // A layer's channels mostly share one fate: then nothing is described twice.
        if (set === 0 || !isAlike(set - 1, set)) {
          const { layers, counts } = formOf(set);
          const key = `${layers.join()} ${counts.join()}`;
          same = groups.get(key) ?? [];
          groups.set(key, same);
        }
        same.push(set);
      }
      return Array.from(groups.values(), (sets): AlikeSets => {
        const { layers, counts } = formOf(sets[0]);
        const each = begin[sets[0] + 1] - begin[sets[0]];
        const channels = new Int32Array(sets.length * each);
        let filled = 0;
        for (const set of sets) {
          for (let at = begin[set]; at < begin[set + 1]; at++) channels[filled++] = elements[at] - starts[owner[elements[at]]];
        }
        const nodes = layers.map((layer) => widths[layer][0]);
        return { nodes, counts, size: sets.length, channels, lock: nodes.map((node) => locks.get(node)).find(Boolean) };
      });
    },
  };
}
