/**
 * Normalisation by a batch's own statistics, of rows of channels. Channels are taken four at a time, the last four
 * overlapping those before where channels are no multiple of four; fewer than four are not supported. Fields as in Job.
 */
@unmanaged
export class Normalisation {
  rows: i32;
  channels: i32;
  /** Rows that are run together, so that they stay in the cache. */
  chunk: i32;
  x: usize;
  gamma: usize;
  beta: usize;
  /** The batch's own mean and 1 / √(variance + ε). */
  mean: usize;
  inverse: usize;
  /** The result, and the moving statistics before and after. */
  y: usize;
  oldMean: usize;
  oldVariance: usize;
  newMean: usize;
  newVariance: usize;
  /** For the gradient: of y, of x, of gamma and beta. */
  dy: usize;
  dx: usize;
  dGamma: usize;
  dBeta: usize;
  /** Four vectors for each four channels. */
  sums: usize;
}

const SUMS: usize = 64;

/** Bytes from a row's first channel to the four channels of this number. */
function offsetOf(job: Normalisation, vector: i32): usize {
  return <usize>min(vector * 4, job.channels - 4) * 4;
}

/** y, the statistics, and the moving ones after this batch. */
export function normalise(job: Normalisation, epsilon: f32, momentum: f32): void {
  const row = <usize>job.channels * 4;
  const vectors = (job.channels + 3) / 4;
  memory.fill(job.sums, 0, <usize>vectors * SUMS);
  for (let first = 0; first < job.rows; first += job.chunk) {
    const count = min(job.chunk, job.rows - first);
    for (let vector = 0; vector < vectors; vector++) {
      const offset = offsetOf(job, vector);
      addMoments(job.x + offset, <usize>first * row, count, row, job.sums + <usize>vector * SUMS);
    }
  }
  for (let vector = 0; vector < vectors; vector++) finishMoments(job, vector, epsilon, momentum);
  for (let first = 0; first < job.rows; first += job.chunk) {
    const count = min(job.chunk, job.rows - first);
    for (let vector = 0; vector < vectors; vector++) {
      const offset = <usize>first * row + offsetOf(job, vector);
      scaleRows(job.x + offset, job.y + offset, count, row, job.sums + <usize>vector * SUMS);
    }
  }
}

/** Sums of the distances from the very first row, and of their squares: small numbers, whose variance is exact. */
function addMoments(first: usize, skip: usize, rows: i32, row: usize, sums: usize): void {
  const shift = v128.load(first);
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let q0 = f32x4.splat(0);
  let q1 = f32x4.splat(0);
  let x = first + skip;
  const end = x + <usize>rows * row;
  const lastPair = end - row;
  while (x < lastPair) {
    const a = f32x4.sub(v128.load(x), shift);
    const b = f32x4.sub(v128.load(x + row), shift);
    s0 = f32x4.add(s0, a);
    s1 = f32x4.add(s1, b);
    q0 = f32x4.add(q0, f32x4.mul(a, a));
    q1 = f32x4.add(q1, f32x4.mul(b, b));
    x += 2 * row;
  }
  if (x < end) {
    const a = f32x4.sub(v128.load(x), shift);
    s0 = f32x4.add(s0, a);
    q0 = f32x4.add(q0, f32x4.mul(a, a));
  }
  v128.store(sums, f32x4.add(v128.load(sums), f32x4.add(s0, s1)));
  v128.store(sums, f32x4.add(v128.load(sums, 16), f32x4.add(q0, q1)), 16);
}

/** Statistics of four channels from their sums, which become the scale and shift of y = scale · x + shift. */
function finishMoments(job: Normalisation, vector: i32, epsilon: f32, momentum: f32): void {
  const offset = offsetOf(job, vector);
  const sums = job.sums + <usize>vector * SUMS;
  const share = f32x4.splat(<f32>1 / <f32>job.rows);
  const distance = f32x4.mul(v128.load(sums), share);
  const mean = f32x4.add(v128.load(job.x + offset), distance);
  const square = f32x4.sub(f32x4.mul(v128.load(sums, 16), share), f32x4.mul(distance, distance));
  // pmax with the value first lets NaN through.
  const variance = f32x4.pmax(square, f32x4.splat(0));
  const inverse = f32x4.div(f32x4.splat(1), f32x4.sqrt(f32x4.add(variance, f32x4.splat(epsilon))));
  v128.store(job.mean + offset, mean);
  v128.store(job.inverse + offset, inverse);
  const unbiased = f32x4.mul(variance, f32x4.splat(<f32>job.rows / <f32>max(1, job.rows - 1)));
  v128.store(job.newMean + offset, moved(v128.load(job.oldMean + offset), mean, momentum));
  v128.store(job.newVariance + offset, moved(v128.load(job.oldVariance + offset), unbiased, momentum));
  const scale = f32x4.mul(v128.load(job.gamma + offset), inverse);
  v128.store(sums, scale);
  v128.store(sums, f32x4.sub(v128.load(job.beta + offset), f32x4.mul(mean, scale)), 16);
}

function moved(old: v128, batch: v128, momentum: f32): v128 {
  return f32x4.add(f32x4.mul(old, f32x4.splat(momentum)), f32x4.mul(batch, f32x4.splat(1 - momentum)));
}

function scaleRows(x: usize, y: usize, rows: i32, row: usize, factors: usize): void {
  const scale = v128.load(factors);
  const shift = v128.load(factors, 16);
  for (const end = x + <usize>rows * row; x < end; x += row) {
    v128.store(y, f32x4.add(f32x4.mul(v128.load(x), scale), shift));
    y += row;
  }
}

/** dx, dGamma and dBeta from dy, x, gamma and the batch's statistics. */
export function normaliseGradient(job: Normalisation): void {
  const row = <usize>job.channels * 4;
  const vectors = (job.channels + 3) / 4;
  memory.fill(job.sums, 0, <usize>vectors * SUMS);
  for (let first = 0; first < job.rows; first += job.chunk) {
    const count = min(job.chunk, job.rows - first);
    for (let vector = 0; vector < vectors; vector++) {
      const offset = offsetOf(job, vector);
      const from = <usize>first * row + offset;
      addProducts(job.x + from, job.dy + from, v128.load(job.mean + offset), count, row, job.sums + <usize>vector * SUMS);
    }
  }
  for (let vector = 0; vector < vectors; vector++) finishProducts(job, vector);
  for (let first = 0; first < job.rows; first += job.chunk) {
    const count = min(job.chunk, job.rows - first);
    for (let vector = 0; vector < vectors; vector++) {
      const from = <usize>first * row + offsetOf(job, vector);
      combineRows(job.x + from, job.dy + from, job.dx + from, count, row, job.sums + <usize>vector * SUMS);
    }
  }
}

/** Sums of dy and of dy · (x − mean). */
function addProducts(x: usize, dy: usize, mean: v128, rows: i32, row: usize, sums: usize): void {
  let s0 = f32x4.splat(0);
  let s1 = f32x4.splat(0);
  let q0 = f32x4.splat(0);
  let q1 = f32x4.splat(0);
  const end = x + <usize>rows * row;
  const lastPair = end - row;
  while (x < lastPair) {
    const a = v128.load(dy);
    const b = v128.load(dy + row);
    s0 = f32x4.add(s0, a);
    s1 = f32x4.add(s1, b);
    q0 = f32x4.add(q0, f32x4.mul(a, f32x4.sub(v128.load(x), mean)));
    q1 = f32x4.add(q1, f32x4.mul(b, f32x4.sub(v128.load(x + row), mean)));
    x += 2 * row;
    dy += 2 * row;
  }
  if (x < end) {
    const a = v128.load(dy);
    s0 = f32x4.add(s0, a);
    q0 = f32x4.add(q0, f32x4.mul(a, f32x4.sub(v128.load(x), mean)));
  }
  v128.store(sums, f32x4.add(v128.load(sums), f32x4.add(s0, s1)));
  v128.store(sums, f32x4.add(v128.load(sums, 16), f32x4.add(q0, q1)), 16);
}

/** With x̂ = (x − mean) · inverse: dx = γ · inverse · (dy − dBeta / rows − x̂ · dGamma / rows), as factors of dy and x − mean. */
function finishProducts(job: Normalisation, vector: i32): void {
  const offset = offsetOf(job, vector);
  const sums = job.sums + <usize>vector * SUMS;
  const share = f32x4.splat(<f32>1 / <f32>job.rows);
  const inverse = v128.load(job.inverse + offset);
  const dBeta = v128.load(sums);
  const dGamma = f32x4.mul(v128.load(sums, 16), inverse);
  v128.store(job.dBeta + offset, dBeta);
  v128.store(job.dGamma + offset, dGamma);
  const ofDy = f32x4.mul(v128.load(job.gamma + offset), inverse);
  const ofX = f32x4.neg(f32x4.mul(f32x4.mul(ofDy, inverse), f32x4.mul(dGamma, share)));
  v128.store(sums, ofDy);
  v128.store(sums, ofX, 16);
  v128.store(sums, f32x4.neg(f32x4.mul(ofDy, f32x4.mul(dBeta, share))), 32);
  v128.store(sums, v128.load(job.mean + offset), 48);
}

function combineRows(x: usize, dy: usize, dx: usize, rows: i32, row: usize, factors: usize): void {
  const ofDy = v128.load(factors);
  const ofX = v128.load(factors, 16);
  const constant = v128.load(factors, 32);
  const mean = v128.load(factors, 48);
  for (const end = x + <usize>rows * row; x < end; x += row) {
    v128.store(dx, f32x4.add(f32x4.mul(v128.load(dy), ofDy), f32x4.add(f32x4.mul(f32x4.sub(v128.load(x), mean), ofX), constant)));
    dy += row;
    dx += row;
  }
}
