import { Comparison } from './comparison';

/** Rows whose averages are one task. */
const AVERAGED: i32 = 32;

/** Puts a tile's sums where they belong in the triangle. */
export function finish(job: Comparison, i: i32, j: i32, half: i32, from: i32, steps: i32, s0: v128, s1: v128, s2: v128, s3: v128): void {
  const row = i * 4;
  const column = j * 4 + half;
  const last = from + steps === job.steps;
  if (i !== j && row + 4 <= job.rows) {
    put(job, row, column, from === 0, last, s0);
    put(job, row + 1, column, from === 0, last, s1);
    put(job, row + 2, column, from === 0, last, s2);
    put(job, row + 3, column, from === 0, last, s3);
  } else {
    putEach(job, row, column, from === 0, last, s0);
    putEach(job, row + 1, column, from === 0, last, s1);
    putEach(job, row + 2, column, from === 0, last, s2);
    putEach(job, row + 3, column, from === 0, last, s3);
  }
}

function place(job: Comparison, row: i32, column: i32): usize {
  return job.triangle + <usize>((row * (row - 1)) / 2 + column) * 8;
}

/** Adds minima to those of the steps before; after the last step they become equation 3, and part of the columns' sums. */
function put(job: Comparison, row: i32, column: i32, first: bool, last: bool, sums: v128): void {
  const at = place(job, row, column);
  const minima = first ? sums : f64x2.add(sums, v128.load(at));
  if (!last) return v128.store(at, minima);
  const mass = f64x2.add(v128.load64_splat(job.sums + <usize>row * 8), v128.load(job.sums + <usize>column * 8));
  const one = f64x2.splat(1);
  const value = v128.bitselect(f64x2.div(f64x2.add(minima, minima), mass), one, f64x2.gt(mass, f64x2.splat(0)));
  v128.store(at, value);
  const total = job.averages + <usize>column * 8;
  v128.store(total, f64x2.add(v128.load(total), value));
}

/** The same for the pairs of them that lie below the diagonal. */
function putEach(job: Comparison, row: i32, column: i32, first: bool, last: bool, sums: v128): void {
  if (row >= job.rows) return;
  if (column < row) putOne(job, row, column, first, last, f64x2.extract_lane(sums, 0));
  if (column + 1 < row) putOne(job, row, column + 1, first, last, f64x2.extract_lane(sums, 1));
}

function putOne(job: Comparison, row: i32, column: i32, first: bool, last: bool, sum: f64): void {
  const at = place(job, row, column);
  const minima = first ? sum : sum + load<f64>(at);
  if (!last) return store<f64>(at, minima);
  const mass = load<f64>(job.sums + <usize>row * 8) + load<f64>(job.sums + <usize>column * 8);
  const value: f64 = mass > 0 ? (2 * minima) / mass : 1;
  store<f64>(at, value);
  const total = job.averages + <usize>column * 8;
  store<f64>(total, load<f64>(total) + value);
}

/** Equation 4 of some rows, the longest first. */
export function average(job: Comparison, task: i32): void {
  const end = job.rows - task * AVERAGED;
  for (let row = max(0, end - AVERAGED); row < end; row++) {
    let at = place(job, row, 0);
    let sums = f64x2.splat(0);
    let column = 0;
    for (; column + 2 <= row; column += 2) {
      sums = f64x2.add(sums, v128.load(at));
      at += 16;
    }
    let total = load<f64>(job.averages + <usize>row * 8) + f64x2.extract_lane(sums, 0) + f64x2.extract_lane(sums, 1);
    if (column < row) total += load<f64>(at);
    store<f64>(job.averages + <usize>row * 8, total / <f64>(job.rows - 1));
  }
}
