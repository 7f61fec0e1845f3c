import { pairsOf, similaritySpectrum } from '../core/dice/index.ts';
import { eigenvaluesByBand } from '../core/linear/band.ts';
import type { Threads } from './threads.ts';

/** Columns that are reduced together: enough that the products of matrices are bound by arithmetic, not by memory. */
const WIDTH = 24;
/** Smaller matrices are reduced in one stage, where they stay in the cache. */
const SIDE_LEAST = 160;
/** Smaller products, under half a millisecond, are left to the calling thread: waking another one takes a tenth of that. */
const SIDE_SHARED = 256;
/** Rows of a task in assembly/products.ts, and bytes of its sums. */
const STRIP = 32;
const SUMS_BYTES = 128;
const [MULTIPLY, DOTS, COMBINE, UPDATE] = [3, 4, 5, 6];

const ceilTo = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/**
 * All eigenvalues of a similarity matrix, descending, as core/dice's `similaritySpectrum`; the products of its reduction
 * run on the threads.
 *
 * @param triangle S below the diagonal, row after row; may lie in the threads' memory below `from`
 * @param from the first byte of their memory that is free
 * @throws Failure `out-of-memory` when the matrix does not fit into 2 GiB
 */
export function eigenvaluesOn(threads: Threads, triangle: Float64Array, count: number, from: number): Float64Array {
  if (count < SIDE_LEAST) return similaritySpectrum(triangle, count);
  // Rows of zeros fill the last tile up: their eigenvalues are zero, and the reduction leaves them where they are.
  const side = ceilTo(count, 4);
  let next = ceilTo(from, 16);
  const allocate = (values: number): number => {
    const at = next;
    next += values * 8;
    return at;
  };
  const values = allocate(side * side);
  const columns = allocate(3 * WIDTH * side);
  const left = allocate(2 * WIDTH * side);
  const right = allocate(2 * WIDTH * side);
  const dots = allocate(2 * WIDTH * WIDTH);
  const sums = next;
  threads.reserve(sums + Math.ceil(side / STRIP) * SUMS_BYTES);
  const view = (at: number, length: number): Float64Array => new Float64Array(threads.memory.buffer, at, length);
  const matrix = view(values, side * side).fill(0);
  fill(matrix, triangle, count, side);
  const [packedLeft, packedRight] = [left, right].map((at) => view(at, 2 * WIDTH * side));
  const own = view(columns, 3 * WIDTH * side);
  /** V, A V or W. */
  const part = (which: number, from: number): Float64Array =>
    own.subarray(which * WIDTH * (side - from), (which + 1) * WIDTH * (side - from));

  const run = (tasks: number, phase: number, begin: number, alone: boolean): void =>
    threads.run(tasks, phase, [side, begin, WIDTH, values, columns, left, right, dots, sums], alone);
  const alone = (begin: number): boolean => side - begin < SIDE_SHARED;
  const strips = (begin: number): number => Math.ceil((side - begin) / STRIP);
  const eigenvalues = eigenvaluesByBand({
    side,
    values: matrix,
    width: WIDTH,
    columns: own,
    multiply: (begin) => {
      packColumns(packedRight, part(0, begin), side - begin);
      run(strips(begin), MULTIPLY, begin, alone(begin));
    },
    // V is packed still.
    dots: (begin) => {
      run((2 * WIDTH) / 4, DOTS, begin, true);
      return view(dots, 2 * WIDTH * WIDTH);
    },
    combine: (begin, c) => {
      for (let k = 0; k < 2 * WIDTH; k++) {
        for (let column = 0; column < WIDTH; column++) {
          packedLeft[((column >> 2) * 2 * WIDTH + k) * 4 + (column & 3)] = c[k * WIDTH + column];
        }
      }
      run(strips(begin), COMBINE, begin, true);
    },
    update: (begin) => {
      const [v, , w] = [0, 1, 2].map((which) => part(which, begin));
      packRows(packedLeft, [v, w], side - begin);
      packRows(packedRight, [w, v], side - begin);
      run(strips(begin), UPDATE, begin, alone(begin));
    },
  });
  return side === count ? eigenvalues : withoutZeros(eigenvalues, side - count);
}

/** The whole matrix from its triangle, ones on the diagonal. */
function fill(matrix: Float64Array, triangle: Float64Array, count: number, side: number): void {
  for (let i = 0; i < count; i++) {
    matrix.set(triangle.subarray(pairsOf(i), pairsOf(i) + i), i * side);
    matrix[i * side + i] = 1;
  }
  // In squares, so that neither side of the diagonal leaves the cache.
  for (let row = 0; row < count; row += STRIP) {
    for (let column = 0; column <= row; column += STRIP) {
      for (let i = row; i < Math.min(row + STRIP, count); i++) {
        for (let j = column; j < Math.min(column + STRIP, i); j++) matrix[j * side + i] = matrix[i * side + j];
      }
    }
  }
}

/** Four columns side by side: [column / 4][row][4], from one row a column. */
function packColumns(packed: Float64Array, columns: Float64Array, length: number): void {
  let to = 0;
  for (let c = 0; c < columns.length; c += 4 * length) {
    for (let k = c; k < c + length; k++, to += 4) {
      packed[to] = columns[k];
      packed[to + 1] = columns[k + length];
      packed[to + 2] = columns[k + 2 * length];
      packed[to + 3] = columns[k + 3 * length];
    }
  }
}

/** Four rows side by side: [row / 4][column][4] of the matrices' columns one after the other. */
function packRows(packed: Float64Array, matrices: readonly Float64Array[], length: number): void {
  const depth = matrices.length * WIDTH;
  matrices.forEach((columns, part) => {
    for (let c = 0; c < WIDTH; c++) {
      for (let k = 0; k < length; k += 4) {
        const from = c * length + k;
        const to = k * depth + (part * WIDTH + c) * 4;
        packed[to] = columns[from];
        packed[to + 1] = columns[from + 1];
        packed[to + 2] = columns[from + 2];
        packed[to + 3] = columns[from + 3];
      }
    }
  });
}

/** Descending eigenvalues without `extra` of their exact zeros. */
function withoutZeros(eigenvalues: Float64Array, extra: number): Float64Array {
  const first = eigenvalues.indexOf(0);
  return Float64Array.of(...eigenvalues.subarray(0, first), ...eigenvalues.subarray(first + extra));
}
