import { Comparison, PANEL, PANEL_QUANTISED, ROUND, wide } from './comparison';
import { finish } from './triangle';

/** The block's groups, which stay in the second-level cache, against every group from the block on; a panel of steps at a time stays in the first. */
export function compare(job: Comparison, task: i32): void {
  const groups = (job.rows + 3) / 4;
  const first = task * job.block;
  const last = min(first + job.block, groups);
  const panel = job.quantise ? PANEL_QUANTISED : PANEL;
  for (let from = 0; from < job.steps; from += panel) {
    const steps = min(panel, job.steps - from);
    for (let i = first; i < groups; i++) {
      for (let j = first, end = min(last, i + 1); j < end; j++) {
        if (job.quantise) {
          tileQuantised(job, i, j, 0, from, steps);
          tileQuantised(job, i, j, 2, from, steps);
        } else {
          tile(job, i, j, 0, from, steps);
          tile(job, i, j, 2, from, steps);
        }
      }
    }
  }
}

/**
 * Four rows of group i against two rows of group j over some steps. Eight accumulators are what sixteen registers hold: `a` is
 * never 0, but each branch keeps V8 from taking all minima of a step before the first addition, which spills two accumulators
 * and halves the speed.
 */
function tile(job: Comparison, i: i32, j: i32, half: i32, from: i32, steps: i32): void {
  let a = job.packed + <usize>(i * job.steps + from) * 64;
  let b = job.packed + <usize>(j * job.steps + from) * 64 + <usize>half * 16;
  const end = a + <usize>steps * 64;
  let c00 = i32x4.splat(0);
  let c10 = i32x4.splat(0);
  let c20 = i32x4.splat(0);
  let c30 = i32x4.splat(0);
  let c01 = i32x4.splat(0);
  let c11 = i32x4.splat(0);
  let c21 = i32x4.splat(0);
  let c31 = i32x4.splat(0);
  do {
    const b0 = v128.load(b);
    const b1 = v128.load(b, 16);
    const a0 = v128.load(a);
    c00 = i32x4.add(c00, i32x4.min_u(a0, b0));
    c01 = i32x4.add(c01, i32x4.min_u(a0, b1));
    if (!a) break;
    const a1 = v128.load(a, 16);
    c10 = i32x4.add(c10, i32x4.min_u(a1, b0));
    c11 = i32x4.add(c11, i32x4.min_u(a1, b1));
    const a2 = v128.load(a, 32);
    c20 = i32x4.add(c20, i32x4.min_u(a2, b0));
    c21 = i32x4.add(c21, i32x4.min_u(a2, b1));
    if (!a) break;
    const a3 = v128.load(a, 48);
    c30 = i32x4.add(c30, i32x4.min_u(a3, b0));
    c31 = i32x4.add(c31, i32x4.min_u(a3, b1));
    a += 64;
    b += 64;
  } while (a < end);
  finish(job, i, j, half, from, steps, both(c00, c01), both(c10, c11), both(c20, c21), both(c30, c31));
}

/** The same in eight bits. */
function tileQuantised(job: Comparison, i: i32, j: i32, half: i32, from: i32, steps: i32): void {
  let a = job.packed + <usize>(i * job.steps + from) * 64;
  let b = job.packed + <usize>(j * job.steps + from) * 64 + <usize>half * 16;
  const end = a + <usize>steps * 64;
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
    if (!a) break;
    const a1 = v128.load(a, 16);
    c10 = addMinima(c10, a1, b0);
    c11 = addMinima(c11, a1, b1);
    const a2 = v128.load(a, 32);
    c20 = addMinima(c20, a2, b0);
    c21 = addMinima(c21, a2, b1);
    if (!a) break;
    const a3 = v128.load(a, 48);
    c30 = addMinima(c30, a3, b0);
    c31 = addMinima(c31, a3, b1);
    a += 64;
    b += 64;
  } while (a < end);
  finish(
    job,
    i,
    j,
    half,
    from,
    steps,
    both(i32x4.extadd_pairwise_i16x8_u(c00), i32x4.extadd_pairwise_i16x8_u(c01)),
    both(i32x4.extadd_pairwise_i16x8_u(c10), i32x4.extadd_pairwise_i16x8_u(c11)),
    both(i32x4.extadd_pairwise_i16x8_u(c20), i32x4.extadd_pairwise_i16x8_u(c21)),
    both(i32x4.extadd_pairwise_i16x8_u(c30), i32x4.extadd_pairwise_i16x8_u(c31)),
  );
}

function addMinima(sum: v128, a: v128, b: v128): v128 {
  return i16x8.add(sum, i16x8.extadd_pairwise_i8x16_u(i8x16.min_u(a, b)));
}

/** The sums of one row with two columns, as two float64. */
function both(left: v128, right: v128): v128 {
  const a = wide(left);
  const b = wide(right);
  const sums = i64x2.add(v128.shuffle<i64>(a, b, 0, 2), v128.shuffle<i64>(a, b, 1, 3));
  const round = f64x2.splat(ROUND);
  return f64x2.sub(v128.or(sums, round), round);
}
