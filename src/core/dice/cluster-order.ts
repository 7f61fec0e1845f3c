import { unpackTriangle } from './triangle.ts';

/**
 * An order that puts kernels alike side by side: the leaves of average-linkage clustering (UPGMA, Sokal & Michener 1958) by
 * the chain of nearest neighbours (Murtagh 1983), O(count²). Where two clusters join, the one with the lower kernel comes first.
 *
 * @param packed similarities from `packTriangle`
 * @returns the kernel at each place
 */
export function clusterOrder(packed: Float32Array | Float64Array, count: number): Int32Array {
  const similarity = unpackTriangle(
    packed,
    Int32Array.from({ length: count }, (_, i) => i),
  );
  // A cluster is known by its lowest kernel.
  const members = Array.from({ length: count }, (_, i) => [i]);
  const alive = new Uint8Array(count).fill(1);
  const chain: number[] = [];
  for (let left = count; left > 1; left--) {
    if (chain.length === 0) chain.push(alive.indexOf(1));
    let [nearest, last] = [-1, -1];
    for (;;) {
      last = chain[chain.length - 1];
      // The one before wins ties, so that the chain ends.
      const before = chain.length > 1 ? chain[chain.length - 2] : -1;
      nearest = nearestTo(similarity, alive, last, before);
      if (nearest === before) break;
      chain.push(nearest);
    }
    chain.length -= 2;
    const [first, second] = nearest < last ? [nearest, last] : [last, nearest];
    join(similarity, alive, first, second, members[first].length, members[second].length);
    members[first] = [...members[first], ...members[second]];
    members[second] = [];
  }
  return Int32Array.from(members[0]);
}

function nearestTo(similarity: Float32Array, alive: Uint8Array, cluster: number, preferred: number): number {
  const row = cluster * alive.length;
  let nearest = preferred;
  let highest = preferred < 0 ? Number.NEGATIVE_INFINITY : similarity[row + preferred];
  for (let other = 0; other < alive.length; other++) {
    if (alive[other] === 1 && other !== cluster && similarity[row + other] > highest) {
      highest = similarity[row + other];
      nearest = other;
    }
  }
  return nearest;
}

/** Joins cluster `second` into `first`: similarities to the others are means weighted by size. */
function join(similarity: Float32Array, alive: Uint8Array, first: number, second: number, firstSize: number, secondSize: number): void {
  const count = alive.length;
  alive[second] = 0;
  for (let other = 0; other < count; other++) {
    if (alive[other] === 0 || other === first) continue;
    const mean =
      (firstSize * similarity[first * count + other] + secondSize * similarity[second * count + other]) / (firstSize + secondSize);
    similarity[first * count + other] = mean;
    similarity[other * count + first] = mean;
  }
}
