/**
 * Canonical Huffman codes (Huffman 1952; canonical as in Schwartz & Kallick 1964): a code is told by the lengths of its words alone.
 * Words are written with their first bit in the highest free bit of a byte.
 */

/** Longest word, so that a table over all words stays small. */
export const WORD_BITS_MAX = 16;

/**
 * Bits of each symbol's word, 0 for symbols that do not occur; optimal unless a word would pass {@link WORD_BITS_MAX}. A symbol that
 * is alone needs no bits, but its length is 1, so that it can be told from those that do not occur.
 *
 * @param counts how often each symbol occurs
 */
export function wordLengths(counts: Uint32Array): Uint8Array {
  for (let weights = Float64Array.from(counts); ; weights = weights.map((weight) => Math.ceil(weight / 2))) {
    const lengths = unlimitedLengths(weights);
    if (lengths.every((length) => length <= WORD_BITS_MAX)) return lengths;
    // Flatter counts make flatter trees.
  }
}

function unlimitedLengths(weights: Float64Array): Uint8Array {
  const lengths = new Uint8Array(weights.length);
  const leaves = [...weights.keys()].filter((symbol) => weights[symbol] > 0).sort((a, b) => weights[a] - weights[b] || a - b);
  if (leaves.length === 1) lengths[leaves[0]] = 1;
  if (leaves.length < 2) return lengths;
  // Leaves in order and the nodes made so far are both sorted, so that the two lightest are at their fronts (van Leeuwen 1976).
  const total = leaves.map((symbol) => weights[symbol]);
  const parent: number[] = [];
  let [leaf, made] = [0, leaves.length];
  const lightest = (): number => (leaf < leaves.length && !(made < total.length && total[made] < total[leaf]) ? leaf++ : made++);
  while (total.length < 2 * leaves.length - 1) {
    const [a, b] = [lightest(), lightest()];
    parent[a] = total.length;
    parent[b] = total.length;
    total.push(total[a] + total[b]);
  }
  const depth = new Uint32Array(total.length);
  for (let node = total.length - 2; node >= 0; node--) depth[node] = depth[parent[node]] + 1;
  for (const [i, symbol] of leaves.entries()) lengths[symbol] = depth[i];
  return lengths;
}

/** Word of each symbol: shorter ones first, among equals in the order of the symbols. */
function wordsOf(lengths: Uint8Array): Uint32Array {
  const words = new Uint32Array(lengths.length);
  let [word, last] = [0, 0];
  for (const symbol of inCodeOrder(lengths)) {
    word <<= lengths[symbol] - last;
    last = lengths[symbol];
    words[symbol] = word++;
  }
  return words;
}

const inCodeOrder = (lengths: Uint8Array): number[] =>
  [...lengths.keys()].filter((symbol) => lengths[symbol] > 0).sort((a, b) => lengths[a] - lengths[b] || a - b);

const isAlone = (lengths: Uint8Array): boolean => lengths.reduce((count, length) => count + (length > 0 ? 1 : 0), 0) === 1;

/** The symbols in the words of these lengths. */
export function encodeSymbols(symbols: Uint8Array, lengths: Uint8Array): Uint8Array {
  if (isAlone(lengths)) return new Uint8Array();
  const words = wordsOf(lengths);
  const bits = symbols.reduce((sum, symbol) => sum + lengths[symbol], 0);
  const bytes = new Uint8Array(Math.ceil(bits / 8));
  let [held, free, at] = [0, 8, 0];
  for (const symbol of symbols) {
    for (let left = lengths[symbol]; left > 0;) {
      const taken = Math.min(left, free);
      held |= ((words[symbol] >>> (left - taken)) & ((1 << taken) - 1)) << (free - taken);
      left -= taken;
      free -= taken;
      if (free === 0) {
        bytes[at++] = held;
        [held, free] = [0, 8];
      }
    }
  }
  if (free < 8) bytes[at] = held;
  return bytes;
}

/**
 * Undoes {@link encodeSymbols}.
 *
 * @returns undefined where the lengths are no complete code, or the bytes are not exactly those of so many symbols
 */
export function decodeSymbols(bytes: Uint8Array, lengths: Uint8Array, count: number): Uint8Array | undefined {
  const symbols = new Uint8Array(count);
  const order = inCodeOrder(lengths);
  if (order.length < 2) {
    if (bytes.length > 0 || (order.length === 0 && count > 0)) return undefined;
    return symbols.fill(order[0] ?? 0);
  }
  const longest = lengths[order[order.length - 1]];
  if (longest > WORD_BITS_MAX) return undefined;
  // Every window of the longest word's bits begins with one word (Kraft 1949).
  const table = new Uint8Array(2 ** longest);
  let filled = 0;
  for (const symbol of order) {
    const end = filled + 2 ** (longest - lengths[symbol]);
    if (end > table.length) return undefined;
    table.fill(symbol, filled, end);
    filled = end;
  }
  if (filled !== table.length) return undefined;
  let [window, held, at, used] = [0, 0, 0, 0];
  for (let i = 0; i < count; i++) {
    while (held < longest) {
      window = ((window << 8) | (bytes[at++] ?? 0)) & 0xffffff;
      held += 8;
    }
    const symbol = table[(window >>> (held - longest)) & (table.length - 1)];
    symbols[i] = symbol;
    held -= lengths[symbol];
    used += lengths[symbol];
  }
  return Math.ceil(used / 8) === bytes.length ? symbols : undefined;
}
