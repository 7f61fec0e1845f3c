import { columnBytes, rowBytes, writePlaces } from './correlate';
import { imageOf, preparePadding } from './image';
import { Job } from './job';

// One channel a group: channels are taken four at a time, the last four overlapping those before where channels are no
// multiple of four. At least four are wanted.

const TILE: i32 = 4;
const VECTOR: usize = 16;

/** Bytes from a pixel's first channel to the four channels of this number. */
function channelsOf(job: Job, vector: i32): usize {
  return <usize>min(vector * 4, job.groups - 4) * 4;
}

/** y[window, c] = Σ over taps of x[window + tap, c] · kernel[tap, c]. */
export function depthwise(job: Job): void {
  const vectors = (job.groups + 3) / 4;
  writePlaces(job.places, job.rows, job.columns, rowBytes(job), columnBytes(job), job.yRow, job.yColumn);
  preparePadding(job);
  const end = job.places + <usize>(job.rows * job.columns) * 8;
  for (let n = 0; n < job.images; n++) {
    const x = imageOf(job, n);
    const y = job.y + <usize>n * job.yImage;
    for (let place = job.places; place < end; place += TILE * 8) {
      for (let vector = 0; vector < vectors; vector++) {
        const channels = channelsOf(job, vector);
        depthwiseTile(job, place, x + channels, y + channels, job.kernel + channels);
      }
    }
  }
}

function depthwiseTile(job: Job, place: usize, x: usize, y: usize, kernel: usize): void {
  const x0 = x + load<usize>(place);
  const x1 = x + load<usize>(place, 8);
  const x2 = x + load<usize>(place, 16);
  const x3 = x + load<usize>(place, 24);
  const tapRow = <usize>(job.tapRowStride * job.paddedWidth) * job.paddedPixel;
  const tapColumn = <usize>job.tapColumnStride * job.paddedPixel;
  let a = f32x4.splat(0);
  let b = f32x4.splat(0);
  let c = f32x4.splat(0);
  let d = f32x4.splat(0);
  for (let row = 0; row < job.tapRows; row++) {
    let tap = <usize>row * tapRow;
    let weights = kernel + row * job.kernelRow;
    for (let column = 0; column < job.tapColumns; column++) {
      const w = v128.load(weights);
      a = f32x4.add(a, f32x4.mul(v128.load(x0 + tap), w));
      b = f32x4.add(b, f32x4.mul(v128.load(x1 + tap), w));
      c = f32x4.add(c, f32x4.mul(v128.load(x2 + tap), w));
      d = f32x4.add(d, f32x4.mul(v128.load(x3 + tap), w));
      tap += tapColumn;
      weights += job.kernelColumn;
    }
  }
  v128.store(y + load<usize>(place, 4), a);
  v128.store(y + load<usize>(place, 12), b);
  v128.store(y + load<usize>(place, 20), c);
  v128.store(y + load<usize>(place, 28), d);
}

/** kernel[tap, c] = Σ over images and windows of x[window + tap, c] · y[window, c]. */
export function depthwiseKernelGradient(job: Job): void {
  const vectors = (job.groups + 3) / 4;
  const taps = job.tapRows * job.tapColumns;
  const tiles = (taps + TILE - 1) / TILE;
  memory.fill(job.packed, 0, <usize>(vectors * tiles * TILE) * VECTOR);
  preparePadding(job);
  for (let n = 0; n < job.images; n++) {
    const x = imageOf(job, n);
    const y = job.y + <usize>n * job.yImage;
    let sums = job.packed;
    for (let vector = 0; vector < vectors; vector++) {
      const channels = channelsOf(job, vector);
      for (let tap = 0; tap < taps; tap += TILE) {
        addTaps(job, x + channels, y + channels, tap, sums);
        sums += <usize>TILE * VECTOR;
      }
    }
  }
  for (let vector = 0; vector < vectors; vector++) {
    for (let tap = 0; tap < taps; tap++) {
      const sum = v128.load(job.packed + <usize>(vector * tiles * TILE + tap) * VECTOR);
      v128.store(job.kernel + <usize>(tap * job.groups) * 4 + channelsOf(job, vector), sum);
    }
  }
}

/** Bytes from a window's first pixel to one along its taps; past the last, the last again. */
function tapOf(job: Job, tap: i32): usize {
  const at = min(tap, job.tapRows * job.tapColumns - 1);
  const row = (at / job.tapColumns) * job.tapRowStride;
  return <usize>(row * job.paddedWidth + (at % job.tapColumns) * job.tapColumnStride) * job.paddedPixel;
}

/** Adds one image to the sums of four taps. */
function addTaps(job: Job, x: usize, y: usize, tap: i32, sums: usize): void {
  const tap0 = tapOf(job, tap);
  const tap1 = tapOf(job, tap + 1);
  const tap2 = tapOf(job, tap + 2);
  const tap3 = tapOf(job, tap + 3);
  const step = columnBytes(job);
  const yColumn = job.yColumn;
  let a = f32x4.splat(0);
  let b = f32x4.splat(0);
  let c = f32x4.splat(0);
  let d = f32x4.splat(0);
  for (let row = 0; row < job.rows; row++) {
    let from = x + <usize>row * rowBytes(job);
    for (const last = y + <usize>job.columns * yColumn; y < last; y += yColumn) {
      const dy = v128.load(y);
      a = f32x4.add(a, f32x4.mul(v128.load(from + tap0), dy));
      b = f32x4.add(b, f32x4.mul(v128.load(from + tap1), dy));
      c = f32x4.add(c, f32x4.mul(v128.load(from + tap2), dy));
      d = f32x4.add(d, f32x4.mul(v128.load(from + tap3), dy));
      from += step;
    }
  }
  v128.store(sums, f32x4.add(v128.load(sums), a));
  v128.store(sums, f32x4.add(v128.load(sums, 16), b), 16);
  v128.store(sums, f32x4.add(v128.load(sums, 32), c), 32);
  v128.store(sums, f32x4.add(v128.load(sums, 48), d), 48);
}
