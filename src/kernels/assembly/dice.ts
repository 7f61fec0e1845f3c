// Sums of minima over all pairs of rows, and the Dice similarity from them. The meaning is core/dice/similarity.ts.
// No runtime, no globals, no data segment: everything lies where the job says, in memory that threads share.
//
// The job, as 32-bit words from `job` on (written by ../dice.ts):
//   next task, tasks, phase, rows, values a row, first column, columns, steps, groups a block, raw, packed, sums, similarity,
//   rescale, quantise
// Rows are packed in groups of four: for each step, four vectors, one a row. A vector holds four values in float32, or sixteen
// in eight bits where the job says quantise. Values past the end of a row and rows past the last one are zero, and so add
// nothing to a minimum.

const NEXT: usize = 0;
const TASKS: usize = 4;
const PHASE: usize = 8;
const ROWS: usize = 12;
const VALUES: usize = 16;
const FROM: usize = 20;
const COLUMNS: usize = 24;
const STEPS: usize = 28;
const BLOCK: usize = 32;
const RAW: usize = 36;
const PACKED: usize = 40;
const SUMS: usize = 44;
const SIMILARITY: usize = 48;
const RESCALE: usize = 52;
const QUANTISE: usize = 56;

/** Steps summed in float32 before the sums move on to float64: rounding stays near one part in 10⁷. */
const PANEL: i32 = 64;
/** Steps of sixteen values summed in 16 bits: 128 · 2 · 255 is below 2¹⁶. */
const PANEL_QUANTISED: i32 = 128;
/** What 1 becomes in eight bits. */
const ONE: f32 = 255;

/**
 * Takes tasks until none is left, and returns how many it took. Phase 0 packs, a group of rows a task; phase 1 compares,
 * a block of groups a task.
 */
export function work(job: usize): i32 {
  let taken = 0;
  let task = atomic.add<i32>(job + NEXT, 1);
  while (task < load<i32>(job, TASKS)) {
    if (load<i32>(job, PHASE) === 0) pack(job, task);
    else compare(job, task);
    taken++;
    task = atomic.add<i32>(job + NEXT, 1);
  }
  return taken;
}

function pack(job: usize, group: i32): void {
  const rows = load<i32>(job, ROWS);
  const values = load<i32>(job, VALUES);
  const columns = load<i32>(job, COLUMNS);
  const steps = load<i32>(job, STEPS);
  const rescale = load<i32>(job, RESCALE) !== 0;
  const quantise = load<i32>(job, QUANTISE) !== 0;
  for (let r = 0; r < 4; r++) {
    const row = group * 4 + r;
    const to = load<usize>(job, PACKED) + (<usize>group * steps * 4 + r) * 16;
    if (row >= rows) {
      for (let s = 0; s < steps; s++) v128.store(to + <usize>s * 64, i32x4.splat(0));
      continue;
    }
    const start = load<usize>(job, RAW) + <usize>row * values * 4;
    let largest = largestMagnitude(start, values);
    if (largest === 0) largest = 1;
    const from = start + load<usize>(job, FROM) * 4;
    let sum: f64 = 0;
    for (let s = 0; s < steps; s++) {
      let vector: v128;
      if (quantise) {
        vector = sixteen(from + <usize>s * 64, columns - s * 16, largest, rescale);
        sum += <f64>sumOf16(i16x8.extadd_pairwise_i8x16_u(vector));
      } else {
        vector = four(from + <usize>s * 16, columns - s * 4, largest, rescale);
        sum += total(vector);
      }
      v128.store(to + <usize>s * 64, vector);
    }
    store<f64>(load<usize>(job, SUMS) + <usize>row * 8, sum);
  }
}

function largestMagnitude(from: usize, values: i32): f32 {
  let largest = f32x4.splat(0);
  let k = 0;
  for (; k + 4 <= values; k += 4) largest = f32x4.max(largest, f32x4.abs(v128.load(from + <usize>k * 4)));
  let result = max(
    max(f32x4.extract_lane(largest, 0), f32x4.extract_lane(largest, 1)),
    max(f32x4.extract_lane(largest, 2), f32x4.extract_lane(largest, 3)),
  );
  for (; k < values; k++) result = max(result, abs(load<f32>(from + <usize>k * 4)));
  return result;
}

/** Four values after equations 1 and 2, or the `left` last ones of a row and zeros after them. */
function four(from: usize, left: i32, largest: f32, rescale: bool): v128 {
  const scaled = f32x4.div(left >= 4 ? v128.load(from) : tail(from, left), f32x4.splat(largest));
  if (!rescale) return scaled;
  const half = f32x4.mul(f32x4.add(scaled, f32x4.splat(1)), f32x4.splat(0.5));
  // Zeros past the end stay zeros.
  return v128.and(half, i32x4.gt_s(i32x4.splat(left), i32x4(0, 1, 2, 3)));
}

function tail(from: usize, left: i32): v128 {
  let value = f32x4.splat(0);
  if (left > 0) value = f32x4.replace_lane(value, 0, load<f32>(from));
  if (left > 1) value = f32x4.replace_lane(value, 1, load<f32>(from + 4));
  if (left > 2) value = f32x4.replace_lane(value, 2, load<f32>(from + 8));
  return value;
}

/** Sixteen values, each rounded to 255ths. */
function sixteen(from: usize, left: i32, largest: f32, rescale: bool): v128 {
  const low = i16x8.narrow_i32x4_s(quantised(four(from, left, largest, rescale)), quantised(four(from + 16, left - 4, largest, rescale)));
  const high = i16x8.narrow_i32x4_s(
    quantised(four(from + 32, left - 8, largest, rescale)),
    quantised(four(from + 48, left - 12, largest, rescale)),
  );
  return i8x16.narrow_i16x8_u(low, high);
}

function quantised(value: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(value, f32x4.splat(ONE))));
}

function sumOf16(value: v128): i32 {
  const four = i32x4.extadd_pairwise_i16x8_u(value);
  return i32x4.extract_lane(four, 0) + i32x4.extract_lane(four, 1) + i32x4.extract_lane(four, 2) + i32x4.extract_lane(four, 3);
}

function total(value: v128): f64 {
  const pair = f64x2.add(f64x2.promote_low_f32x4(value), f64x2.promote_low_f32x4(v128.shuffle<i32>(value, value, 2, 3, 2, 3)));
  return f64x2.extract_lane(pair, 0) + f64x2.extract_lane(pair, 1);
}

/** The block's groups, which stay in the second-level cache, against every group from the block on. */
function compare(job: usize, task: i32): void {
  const groups = (load<i32>(job, ROWS) + 3) / 4;
  const block = load<i32>(job, BLOCK);
  const first = task * block;
  const last = min(first + block, groups);
  const quantise = load<i32>(job, QUANTISE) !== 0;
  for (let i = first; i < groups; i++) {
    for (let j = first, end = min(last, i + 1); j < end; j++) {
      if (quantise) {
        tileQuantised(job, i, j, 0);
        tileQuantised(job, i, j, 2);
      } else {
        tile(job, i, j, 0);
        tile(job, i, j, 2);
      }
    }
  }
}

/** Four rows of group i against two rows of group j. Eight accumulators are what the registers hold. */
function tile(job: usize, i: i32, j: i32, half: i32): void {
  const steps = load<i32>(job, STEPS);
  const packed: usize = load<usize>(job, PACKED);
  let a = packed + <usize>i * steps * 64;
  let b = packed + (<usize>j * steps * 4 + half) * 16;
  let s00: f64 = 0;
  let s10: f64 = 0;
  let s20: f64 = 0;
  let s30: f64 = 0;
  let s01: f64 = 0;
  let s11: f64 = 0;
  let s21: f64 = 0;
  let s31: f64 = 0;
  for (let from = 0; from < steps; from += PANEL) {
    const end = a + <usize>min(PANEL, steps - from) * 64;
    let c00 = f32x4.splat(0);
    let c10 = f32x4.splat(0);
    let c20 = f32x4.splat(0);
    let c30 = f32x4.splat(0);
    let c01 = f32x4.splat(0);
    let c11 = f32x4.splat(0);
    let c21 = f32x4.splat(0);
    let c31 = f32x4.splat(0);
    do {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      const a0 = v128.load(a);
      c00 = f32x4.add(c00, f32x4.pmin(a0, b0));
      c01 = f32x4.add(c01, f32x4.pmin(a0, b1));
      const a1 = v128.load(a, 16);
      c10 = f32x4.add(c10, f32x4.pmin(a1, b0));
      c11 = f32x4.add(c11, f32x4.pmin(a1, b1));
      const a2 = v128.load(a, 32);
      c20 = f32x4.add(c20, f32x4.pmin(a2, b0));
      c21 = f32x4.add(c21, f32x4.pmin(a2, b1));
      const a3 = v128.load(a, 48);
      c30 = f32x4.add(c30, f32x4.pmin(a3, b0));
      c31 = f32x4.add(c31, f32x4.pmin(a3, b1));
      a += 64;
      b += 64;
    } while (a < end);
    s00 += total(c00);
    s10 += total(c10);
    s20 += total(c20);
    s30 += total(c30);
    s01 += total(c01);
    s11 += total(c11);
    s21 += total(c21);
    s31 += total(c31);
  }
  const row = i * 4;
  const column = j * 4 + half;
  put(job, row, column, s00);
  put(job, row + 1, column, s10);
  put(job, row + 2, column, s20);
  put(job, row + 3, column, s30);
  put(job, row, column + 1, s01);
  put(job, row + 1, column + 1, s11);
  put(job, row + 2, column + 1, s21);
  put(job, row + 3, column + 1, s31);
}

/** The same in eight bits. */
function tileQuantised(job: usize, i: i32, j: i32, half: i32): void {
  const steps = load<i32>(job, STEPS);
  const packed: usize = load<usize>(job, PACKED);
  let a = packed + <usize>i * steps * 64;
  let b = packed + (<usize>j * steps * 4 + half) * 16;
  let s00 = 0;
  let s10 = 0;
  let s20 = 0;
  let s30 = 0;
  let s01 = 0;
  let s11 = 0;
  let s21 = 0;
  let s31 = 0;
  for (let from = 0; from < steps; from += PANEL_QUANTISED) {
    const end = a + <usize>min(PANEL_QUANTISED, steps - from) * 64;
    let c00 = i16x8.splat(0);
    let c10 = i16x8.splat(0);
    let c20 = i16x8.splat(0);
    let c30 = i16x8.splat(0);
    let c01 = i16x8.splat(0);
    let c11 = i16x8.splat(0);
    let c21 = i16x8.splat(0);
    let c31 = i16x8.splat(0);
    do {
      const b0 = v128.load(b);
      const b1 = v128.load(b, 16);
      const a0 = v128.load(a);
      c00 = addMinima(c00, a0, b0);
      c01 = addMinima(c01, a0, b1);
      const a1 = v128.load(a, 16);
      c10 = addMinima(c10, a1, b0);
      c11 = addMinima(c11, a1, b1);
      const a2 = v128.load(a, 32);
      c20 = addMinima(c20, a2, b0);
      c21 = addMinima(c21, a2, b1);
      const a3 = v128.load(a, 48);
      c30 = addMinima(c30, a3, b0);
      c31 = addMinima(c31, a3, b1);
      a += 64;
      b += 64;
    } while (a < end);
    s00 += sumOf16(c00);
    s10 += sumOf16(c10);
    s20 += sumOf16(c20);
    s30 += sumOf16(c30);
    s01 += sumOf16(c01);
    s11 += sumOf16(c11);
    s21 += sumOf16(c21);
    s31 += sumOf16(c31);
  }
  const row = i * 4;
  const column = j * 4 + half;
  put(job, row, column, s00);
  put(job, row + 1, column, s10);
  put(job, row + 2, column, s20);
  put(job, row + 3, column, s30);
  put(job, row, column + 1, s01);
  put(job, row + 1, column + 1, s11);
  put(job, row + 2, column + 1, s21);
  put(job, row + 3, column + 1, s31);
}

function addMinima(sum: v128, a: v128, b: v128): v128 {
  return i16x8.add(sum, i16x8.extadd_pairwise_i8x16_u(i8x16.min_u(a, b)));
}

/** Equation 3 into both triangles. */
function put(job: usize, row: i32, column: i32, minima: f64): void {
  const rows = load<i32>(job, ROWS);
  if (row >= rows || column >= rows) return;
  const sums: usize = load<usize>(job, SUMS);
  const similarity: usize = load<usize>(job, SIMILARITY);
  const mass = load<f64>(sums + <usize>row * 8) + load<f64>(sums + <usize>column * 8);
  const value: f64 = row === column || mass === 0 ? 1 : min<f64>(1, (2 * minima) / mass);
  store<f64>(similarity + (<usize>row * rows + column) * 8, value);
  store<f64>(similarity + (<usize>column * rows + row) * 8, value);
}
