import { type Compare, pairsOf, type Spectrum } from '../core/dice/index.ts';
import { eigenvaluesOn } from './spectrum.ts';
import { openThreads } from './threads.ts';

/** Rows of a block together fill about this much of a second-level cache. */
const BLOCK_BYTES = 262_144;
/** Vectors of a row that are compared before the next rows' turn, as in assembly/comparison.ts. */
const PANEL = 256;
/** Blocks for each thread, so that the last ones leave none waiting for long. */
const BLOCKS_PER_THREAD = 4;
/** Rows whose averages are one task. */
const AVERAGED = 32;
const [PACK, COMPARE, AVERAGE] = [0, 1, 2];
/** Below this many pair values waking another thread costs more than it saves. */
const PAIR_VALUES_ALONE = 1_000_000;

/** Fast comparisons in SIMD on several threads; the reference is `compareKernels` of core/dice. */
export interface DiceKernels {
  readonly threads: number;
  /** Tasks that helping threads have taken so far. */
  readonly helped: number;
  /**
   * Sørensen–Dice similarity of all pairs of rows, as core/dice's `compareKernels`, with values rounded to 24 bits: S is off
   * by at most 2⁻²⁵ / mean ŵ, and by a hundredth of that where errors cancel. The calling thread works too and returns when
   * all are done. What is returned lies in the threads' memory, and the next comparison overwrites it.
   *
   * @param matrix finite values; not below 0 unless rescaled
   * @throws Failure `out-of-memory` when the matrix does not fit into 2 GiB with its result
   */
  readonly compare: Compare;
  /** The same with values rounded to 254ths, which sixteen at a time compare twice as fast: S is off by at most 1 / (508 · mean ŵ). */
  readonly compareQuantised: Compare;
  /** All eigenvalues of S, descending, from its triangle, which may be the one lent last and stays as it is. */
  readonly spectrum: Spectrum;
  /** Ends the helping threads. */
  close(): void;
}

/**
 * Starts threads − 1 helpers. They do not keep the process alive.
 *
 * @throws Failure `engine-unavailable` when the set-up has not built the kernels
 */
export function openDiceKernels({ threads: count }: { threads: number }): DiceKernels {
  const threads = openThreads(count);
  const { memory } = threads;
  let free = threads.firstByte;

  const comparison =
    (quantise: boolean): Compare =>
    ({ count, size, values }, { rescale, columns: { from, to } = { from: 0, to: size } }) => {
      const pairs = pairsOf(count);
      const steps = Math.ceil((to - from) / (quantise ? 16 : 4));
      const groups = Math.ceil(count / 4);
      const sums = threads.firstByte;
      const averages = sums + count * 8;
      const packed = 16 * Math.ceil((averages + count * 8) / 16);
      // The values as they are given lie where S will: they are packed before anything is compared.
      const triangle = packed + groups * steps * 64;
      free = triangle + pairs * 8;
      threads.reserve(Math.max(free, triangle + count * size * 4));
      new Float32Array(memory.buffer, triangle, count * size).set(values);

      const block = Math.max(
        1,
        Math.min(Math.floor(BLOCK_BYTES / (Math.min(steps, PANEL) * 64)), Math.ceil(groups / (threads.count * BLOCKS_PER_THREAD))),
      );
      const flags = [Number(rescale), Number(quantise)];
      const numbers = [count, size, from, to - from, steps, block, triangle, packed, sums, triangle, averages, ...flags];
      const alone = pairs * (to - from) < PAIR_VALUES_ALONE;
      threads.run(groups, PACK, numbers, alone);
      threads.run(Math.ceil(groups / block), COMPARE, numbers, alone);
      threads.run(Math.ceil(count / AVERAGED), AVERAGE, numbers, alone);
      return { triangle: new Float64Array(memory.buffer, triangle, pairs), averages: new Float64Array(memory.buffer, averages, count) };
    };

  return {
    threads: count,
    get helped() {
      return threads.helped;
    },
    compare: comparison(false),
    compareQuantised: comparison(true),
    spectrum: (triangle, side) => eigenvaluesOn(threads, triangle, side, free),
    close: threads.close,
  };
}
