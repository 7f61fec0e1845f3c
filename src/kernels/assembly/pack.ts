import { Comparison, ONE, ONE_QUANTISED, ROUND, wide } from './comparison';

/** Equations 1 and 2 for a group of rows. */
export function pack(job: Comparison, group: i32): void {
  for (let r = 0; r < 4; r++) {
    const row = group * 4 + r;
    const to = job.packed + (<usize>group * job.steps * 4 + r) * 16;
    if (row < job.rows) packRow(job, row, to);
    else for (let s = 0; s < job.steps; s++) v128.store(to + <usize>s * 64, i32x4.splat(0));
  }
}

function packRow(job: Comparison, row: i32, to: usize): void {
  const start = job.raw + <usize>row * job.values * 4;
  let largest: f64 = largestMagnitude(start, job.values);
  if (largest === 0) largest = 1;
  const one = job.quantise ? ONE_QUANTISED : ONE;
  const scale = f64x2.splat(job.rescale ? one / (2 * largest) : one / largest);
  const offset = f64x2.splat(job.rescale ? ROUND + one / 2 : ROUND);
  const end = to + <usize>job.steps * 64;
  const quantise = job.quantise;
  let from = start + <usize>job.from * 4;
  let left = job.columns;
  let sum = i64x2.splat(0);
  for (; to < end; to += 64) {
    const a = four(from, left, scale, offset);
    if (quantise) {
      const b = four(from + 16, left - 4, scale, offset);
      const c = four(from + 32, left - 8, scale, offset);
      const d = four(from + 48, left - 12, scale, offset);
      sum = i64x2.add(sum, wide(i32x4.add(i32x4.add(a, b), i32x4.add(c, d))));
      v128.store(to, i8x16.narrow_i16x8_u(i16x8.narrow_i32x4_s(a, b), i16x8.narrow_i32x4_s(c, d)));
      from += 64;
      left -= 16;
    } else {
      sum = i64x2.add(sum, wide(a));
      v128.store(to, a);
      from += 16;
      left -= 4;
    }
  }
  store<f64>(job.averages + <usize>row * 8, 0);
  store<f64>(job.sums + <usize>row * 8, <f64>(i64x2.extract_lane(sum, 0) + i64x2.extract_lane(sum, 1)));
}

function largestMagnitude(from: usize, values: i32): f32 {
  let a = f32x4.splat(0);
  let b = a;
  let k = 0;
  for (; k + 8 <= values; k += 8) {
    a = f32x4.pmax(a, f32x4.abs(v128.load(from)));
    b = f32x4.pmax(b, f32x4.abs(v128.load(from, 16)));
    from += 32;
  }
  a = f32x4.pmax(a, b);
  let result = max(max(f32x4.extract_lane(a, 0), f32x4.extract_lane(a, 1)), max(f32x4.extract_lane(a, 2), f32x4.extract_lane(a, 3)));
  for (; k < values; k++) {
    result = max(result, abs(load<f32>(from)));
    from += 4;
  }
  return result;
}

/** Four values after equations 1 and 2 as whole numbers, or the `left` last ones of a row and zeros after them. */
function four(from: usize, left: i32, scale: v128, offset: v128): v128 {
  if (left < 4) {
    // Zeros past the end stay zeros.
    return v128.and(whole(tail(from, left), scale, offset), i32x4.gt_s(i32x4.splat(left), i32x4(0, 1, 2, 3)));
  }
  return whole(v128.load(from), scale, offset);
}

function whole(values: v128, scale: v128, offset: v128): v128 {
  const upper = v128.shuffle<i32>(values, values, 2, 3, 2, 3);
  const low = f64x2.add(f64x2.mul(f64x2.promote_low_f32x4(values), scale), offset);
  const high = f64x2.add(f64x2.mul(f64x2.promote_low_f32x4(upper), scale), offset);
  return v128.shuffle<i32>(low, high, 0, 2, 4, 6);
}

function tail(from: usize, left: i32): v128 {
  let value = f32x4.splat(0);
  if (left > 0) value = f32x4.replace_lane(value, 0, load<f32>(from));
  if (left > 1) value = f32x4.replace_lane(value, 1, load<f32>(from + 4));
  if (left > 2) value = f32x4.replace_lane(value, 2, load<f32>(from + 8));
  return value;
}
