// Sums of minima over all pairs of rows, and the Dice similarity from them. The meaning is core/dice/similarity.ts.
//
// Values are whole numbers: equations 1 and 2 scale them to 0…1, and 1 is ONE in 32-bit lanes or ONE_QUANTISED in 8-bit
// lanes. Integer minima and sums use all of a core's vector pipes (floating-point ones only half of them on today's
// processors), and whole sums are the same in any order, so that threads change no bit.
//
// Rows are packed in groups of four: for each step, four vectors, one a row. A vector holds four values, or sixteen where
// the job says quantise. Values past the end of a row and rows past the last one are zero, and so add nothing to a minimum.

/** One comparison, as 32-bit words in this order; written by ../dice.ts. */
@unmanaged
export class Comparison {
  /** The next task, taken atomically, and how many there are. */
  next: i32;
  tasks: i32;
  /** 0 packs, a group of rows a task; 1 compares, a block of groups a task; 2 averages, AVERAGED rows a task. */
  phase: i32;
  rows: i32;
  /** Values of a row as it was given. */
  values: i32;
  /** The columns that are compared, and the vectors that hold them. */
  from: i32;
  columns: i32;
  steps: i32;
  /** Groups of a block. */
  block: i32;
  raw: usize;
  packed: usize;
  /** Sum of each row's values. */
  sums: usize;
  /** S below the diagonal, row after row. */
  triangle: usize;
  /** Sums of the triangle's columns, then equation 4. */
  averages: usize;
  /** Flags. */
  rescale: i32;
  quantise: i32;
}

/** Even, so that their halves are whole numbers too. */
export const ONE: f64 = 16777214;
export const ONE_QUANTISED: f64 = 254;
/** Steps summed in 32 bits: PANEL · ONE is below 2³². */
export const PANEL: i32 = 256;
/** Steps of sixteen values summed in 16 bits: PANEL_QUANTISED · 2 · 255 is below 2¹⁶. */
export const PANEL_QUANTISED: i32 = 128;
/** Adding it leaves a whole number in the low bits of a float64, rounded to nearest. */
export const ROUND: f64 = 4503599627370496;

/** Four unsigned sums as two of 64 bits. */
export function wide(sums: v128): v128 {
  return i64x2.add(i64x2.extend_low_i32x4_u(sums), i64x2.extend_high_i32x4_u(sums));
}
