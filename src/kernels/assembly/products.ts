/**
 * The products of a matrix's reduction to a band (core/linear/band.ts), as 32-bit words in this order after the three
 * that {@link Comparison} begins with too; written by ../spectrum.ts. Everything is float64 and a multiple of four long.
 */
@unmanaged
export class Products {
  next: i32;
  tasks: i32;
  /** 3 multiplies, 4 dots, 5 combines, 6 updates: four columns a task for dots, else STRIP rows. */
  phase: i32;
  /** Of the matrix. */
  side: i32;
  /** The first row and column of the part that is worked on. */
  from: i32;
  width: i32;
  values: usize;
  /** V, A V and W, one row for each column. */
  columns: usize;
  /** Four columns side by side, row after row: of C to combine by, of [V W] to update by. */
  left: usize;
  /** The same of V to multiply by and for dots, of [W V] to update by. */
  right: usize;
  dots: usize;
  /** Sums of one tile for each task. */
  sums: usize;
}

const STRIP: i32 = 32;
const FLOAT: usize = 8;

/** Products of STRIP rows of A with V. */
export function multiply(job: Products, task: i32): void {
  const length = job.side - job.from;
  const row = <usize>job.side * FLOAT;
  const sums = job.sums + <usize>task * 128;
  for (let r = task * STRIP, end = min(r + STRIP, length); r < end; r += 4) {
    const a = job.values + <usize>((job.from + r) * job.side + job.from) * FLOAT;
    for (let c = 0; c < job.width; c += 4) {
      tile(a, a + row, a + 2 * row, a + 3 * row, FLOAT, job.right + <usize>(c * length) * FLOAT, 32, length, sums);
      for (let column = 0; column < 4; column++) {
        const to = job.columns + <usize>((job.width + c + column) * length + r) * FLOAT;
        for (let i = 0; i < 4; i++) store<f64>(to + <usize>i * FLOAT, load<f64>(sums + <usize>(i * 4 + column) * FLOAT));
      }
    }
  }
}

/** Products of four columns of [V, A V] with all of V. */
export function dots(job: Products, task: i32): void {
  const length = job.side - job.from;
  const row = <usize>length * FLOAT;
  const sums = job.sums + <usize>task * 128;
  const a = job.columns + <usize>(task * 4) * row;
  for (let c = 0; c < job.width; c += 4) {
    tile(a, a + row, a + 2 * row, a + 3 * row, FLOAT, job.right + <usize>c * row, 32, length, sums);
    for (let i = 0; i < 4; i++) {
      const to = job.dots + <usize>((task * 4 + i) * job.width + c) * FLOAT;
      memory.copy(to, sums + <usize>i * 32, 32);
    }
  }
}

/** STRIP rows of W = [V, A V] C. */
export function combine(job: Products, task: i32): void {
  const length = job.side - job.from;
  const depth = 2 * job.width;
  const row = <usize>length * FLOAT;
  const sums = job.sums + <usize>task * 128;
  for (let c = 0; c < job.width; c += 4) {
    const left = job.left + <usize>(c * depth) * FLOAT;
    const to = job.columns + <usize>(depth + c) * row;
    for (let r = task * STRIP, end = min(r + STRIP, length); r < end; r += 4) {
      tile(left, left + 8, left + 16, left + 24, 32, job.columns + <usize>r * FLOAT, row, depth, sums);
      for (let i: usize = 0; i < 4; i++) {
        v128.store(to + i * row + <usize>r * FLOAT, v128.load(sums + i * 32));
        v128.store(to + i * row + <usize>r * FLOAT, v128.load(sums + i * 32, 16), 16);
      }
    }
  }
}

/** Takes [V W] [W V]ᵀ from STRIP rows of the lower triangle, the longest first, and writes the upper triangle with them. */
export function update(job: Products, task: i32): void {
  const length = job.side - job.from;
  const depth = 2 * job.width;
  const sums = job.sums + <usize>task * 128;
  const end = length - task * STRIP;
  const first = max(0, end - STRIP);
  for (let column = 0; column < end; column += 4) {
    const right = job.right + <usize>(column * depth) * FLOAT;
    for (let r = max(first, column); r < end; r += 4) {
      const left = job.left + <usize>(r * depth) * FLOAT;
      tile(left, left + 8, left + 16, left + 24, 32, right, 32, depth, sums);
      subtract(job, r, column, sums);
    }
  }
}

/** Four rows times four columns: a's next values are `step` bytes on, b's next row `stepB`. */
function tile(a0: usize, a1: usize, a2: usize, a3: usize, step: usize, b: usize, stepB: usize, depth: i32, to: usize): void {
  const end = b + <usize>depth * stepB;
  let c00 = f64x2.splat(0);
  let c01 = f64x2.splat(0);
  let c10 = f64x2.splat(0);
  let c11 = f64x2.splat(0);
  let c20 = f64x2.splat(0);
  let c21 = f64x2.splat(0);
  let c30 = f64x2.splat(0);
  let c31 = f64x2.splat(0);
  do {
    const left = v128.load(b);
    const right = v128.load(b, 16);
    const x0 = v128.load64_splat(a0);
    c00 = f64x2.add(c00, f64x2.mul(x0, left));
    c01 = f64x2.add(c01, f64x2.mul(x0, right));
    // Never: see tile in tiles.ts.
    if (!b) break;
    const x1 = v128.load64_splat(a1);
    c10 = f64x2.add(c10, f64x2.mul(x1, left));
    c11 = f64x2.add(c11, f64x2.mul(x1, right));
    const x2 = v128.load64_splat(a2);
    c20 = f64x2.add(c20, f64x2.mul(x2, left));
    c21 = f64x2.add(c21, f64x2.mul(x2, right));
    if (!b) break;
    const x3 = v128.load64_splat(a3);
    c30 = f64x2.add(c30, f64x2.mul(x3, left));
    c31 = f64x2.add(c31, f64x2.mul(x3, right));
    a0 += step;
    a1 += step;
    a2 += step;
    a3 += step;
    b += stepB;
  } while (b < end);
  v128.store(to, c00);
  v128.store(to, c01, 16);
  v128.store(to, c10, 32);
  v128.store(to, c11, 48);
  v128.store(to, c20, 64);
  v128.store(to, c21, 80);
  v128.store(to, c30, 96);
  v128.store(to, c31, 112);
}

/** Takes a tile's sums from the matrix, and writes what is left at both sides of the diagonal. */
function subtract(job: Products, r: i32, column: i32, sums: usize): void {
  const row = <usize>job.side * FLOAT;
  const at = job.values + <usize>((job.from + r) * job.side + job.from + column) * FLOAT;
  const mirror = job.values + <usize>((job.from + column) * job.side + job.from + r) * FLOAT;
  for (let half: usize = 0; half < 32; half += 16) {
    const to = mirror + (half >> 3) * row;
    for (let pair: usize = 0; pair < 4; pair += 2) {
      const from = at + pair * row + half;
      const above = f64x2.sub(v128.load(from), v128.load(sums + pair * 32 + half));
      const below = f64x2.sub(v128.load(from + row), v128.load(sums + pair * 32 + 32 + half));
      v128.store(from, above);
      v128.store(from + row, below);
      if (r === column) continue;
      v128.store(to + pair * FLOAT, v128.shuffle<i64>(above, below, 0, 2));
      v128.store(to + row + pair * FLOAT, v128.shuffle<i64>(above, below, 1, 3));
    }
  }
}
