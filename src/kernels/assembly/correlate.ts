import { imageOf, preparePadding } from './image';
import { Job } from './job';

/** Output channels of a block: two vectors. */
export const BLOCK: i32 = 8;
const BLOCK_BYTES: usize = 32;
/** Windows of a tile; with two vectors each, eight sums are what the registers hold. */
const TILE: i32 = 4;
/** Bytes of a window's entry in the table of places: where it reads, where it writes. */
const PLACE: usize = 8;

/** y[window, o] = Σ over taps and inputs of x[window + tap, i] · kernel[tap, i, o], in every group. */
export function correlate(job: Job): void {
  const blocks = (job.outputs + BLOCK - 1) / BLOCK;
  const values = job.tapRows * job.tapColumns * job.inputs;
  const windows = job.rows * job.columns;
  packKernel(job);
  const yRow = job.yRow;
  writePlaces(job.places, job.rows, job.columns, rowBytes(job), columnBytes(job), yRow, job.yColumn);
  preparePadding(job);
  // Taps in a row that touch make one run.
  const touching = job.groups === 1 && job.tapColumnStride === 1;
  const runs = touching ? 1 : job.tapColumns;
  const run = <usize>(touching ? job.tapColumns * job.inputs : job.inputs) * 4;
  const tapRow = <usize>(job.tapRowStride * job.paddedWidth) * job.paddedPixel;
  const tapColumn = <usize>job.tapColumnStride * job.paddedPixel;
  for (let n = 0; n < job.images; n++) {
    const image = imageOf(job, n);
    for (let first = 0; first < windows; first += job.chunk) {
      const places = job.places + <usize>first * PLACE;
      const count = min(job.chunk, windows - first);
      for (let group = 0; group < job.groups; group++) {
        const x = image + <usize>(group * job.inputs) * 4;
        const y = job.y + <usize>n * job.yImage + <usize>(group * job.outputs) * 4;
        for (let block = 0; block < blocks; block++) {
          const packed = job.packed + <usize>((group * blocks + block) * values) * BLOCK_BYTES;
          const left = job.outputs - block * BLOCK;
          correlateBlock(places, count, x, packed, y + <usize>block * BLOCK_BYTES, job.tapRows, tapRow, runs, tapColumn, run, left);
        }
      }
    }
  }
}

export function rowBytes(job: Job): usize {
  return <usize>(job.rowStride * job.paddedWidth) * job.paddedPixel;
}

export function columnBytes(job: Job): usize {
  return <usize>job.columnStride * job.paddedPixel;
}

/** Where each window reads and writes; the last is repeated to fill its tile, which computes and writes it again. */
export function writePlaces(at: usize, rows: i32, columns: i32, xRow: usize, xColumn: usize, yRow: usize, yColumn: usize): void {
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      store<usize>(at, <usize>row * xRow + <usize>column * xColumn);
      store<usize>(at + 4, <usize>row * yRow + <usize>column * yColumn);
      at += PLACE;
    }
  }
  for (let windows = rows * columns; windows % TILE !== 0; windows++) {
    store<u64>(at, load<u64>(at - PLACE));
    at += PLACE;
  }
}

/** The kernel as [group][block][tap row][tap column][input][eight outputs], with zeros for outputs past the last. */
function packKernel(job: Job): void {
  let to = job.packed;
  for (let group = 0; group < job.groups; group++) {
    for (let block = 0; block < job.outputs; block += BLOCK) {
      const left = job.outputs - block;
      for (let row = 0; row < job.tapRows; row++) {
        for (let column = 0; column < job.tapColumns; column++) {
          let from = job.kernel + group * job.kernelGroup + row * job.kernelRow + column * job.kernelColumn + block * job.kernelOutput;
          for (let input = 0; input < job.inputs; input++) {
            for (let lane = 0; lane < BLOCK; lane++) {
              store<f32>(to + <usize>lane * 4, lane < left ? load<f32>(from + lane * job.kernelOutput) : 0);
            }
            from += job.kernelInput;
            to += BLOCK_BYTES;
          }
        }
      }
    }
  }
}

/** One block of output channels at `count` windows (in whole tiles); `left` of its channels exist. */
function correlateBlock(
  places: usize,
  count: i32,
  x: usize,
  packed: usize,
  y: usize,
  tapRows: i32,
  tapRow: usize,
  runs: i32,
  tapColumn: usize,
  run: usize,
  left: i32,
): void {
  const end = places + <usize>count * PLACE;
  for (let place = places; place < end; place += PLACE * TILE) {
    const x0 = x + load<usize>(place);
    const x1 = x + load<usize>(place, 8);
    const x2 = x + load<usize>(place, 16);
    const x3 = x + load<usize>(place, 24);
    let a0 = f32x4.splat(0);
    let a1 = f32x4.splat(0);
    let b0 = f32x4.splat(0);
    let b1 = f32x4.splat(0);
    let c0 = f32x4.splat(0);
    let c1 = f32x4.splat(0);
    let d0 = f32x4.splat(0);
    let d1 = f32x4.splat(0);
    let w = packed;
    for (let row = 0; row < tapRows; row++) {
      for (let column = 0; column < runs; column++) {
        const tap = <usize>row * tapRow + <usize>column * tapColumn;
        let xa = x0 + tap;
        let xb = x1 + tap;
        let xc = x2 + tap;
        let xd = x3 + tap;
        const last = xa + run;
        // Kept rolled: V8 spills registers once it is unrolled, and is then half as fast.
        while (xa < last) {
          const w0 = v128.load(w);
          const w1 = v128.load(w, 16);
          const va = v128.load32_splat(xa);
          a0 = f32x4.add(f32x4.mul(va, w0), a0);
          a1 = f32x4.add(f32x4.mul(va, w1), a1);
          const vb = v128.load32_splat(xb);
          b0 = f32x4.add(f32x4.mul(vb, w0), b0);
          b1 = f32x4.add(f32x4.mul(vb, w1), b1);
          const vc = v128.load32_splat(xc);
          c0 = f32x4.add(f32x4.mul(vc, w0), c0);
          c1 = f32x4.add(f32x4.mul(vc, w1), c1);
          const vd = v128.load32_splat(xd);
          d0 = f32x4.add(f32x4.mul(vd, w0), d0);
          d1 = f32x4.add(f32x4.mul(vd, w1), d1);
          xa += 4;
          xb += 4;
          xc += 4;
          xd += 4;
          w += BLOCK_BYTES;
        }
      }
    }
    storeBlock(y + load<usize>(place, 4), a0, a1, left);
    storeBlock(y + load<usize>(place, 12), b0, b1, left);
    storeBlock(y + load<usize>(place, 20), c0, c1, left);
    storeBlock(y + load<usize>(place, 28), d0, d1, left);
  }
}

function storeBlock(y: usize, low: v128, high: v128, left: i32): void {
  if (left >= BLOCK) {
    v128.store(y, low);
    v128.store(y, high, 16);
  } else {
    storePart(y, low, high, left);
  }
}

function storePart(y: usize, low: v128, high: v128, left: i32): void {
  if (left >= 4) {
    v128.store(y, low);
    storeFew(y + 16, high, left - 4);
  } else {
    storeFew(y, low, left);
  }
}

/** The first `count` values of a vector, fewer than four. */
export function storeFew(y: usize, value: v128, count: i32): void {
  if (count > 0) store<f32>(y, f32x4.extract_lane(value, 0));
  if (count > 1) store<f32>(y + 4, f32x4.extract_lane(value, 1));
  if (count > 2) store<f32>(y + 8, f32x4.extract_lane(value, 2));
}
