import { BLOCK, columnBytes, rowBytes } from './correlate';
import { copyFloats, imageOf, preparePadding } from './image';
import { Job } from './job';

/** Values of the kernel, along taps and inputs, of a tile. */
export const TILE: i32 = 4;
export const SUMS_BYTES: usize = 128;

/**
 * kernel[tap, i, o] = Σ over images and windows of x[window + tap, i] · y[window, o], in every group. Sums are kept as
 * [group][tile][block][four values][eight outputs], so that none reaches past the end, and unpacked at last.
 */
export function kernelGradient(job: Job): void {
  const blocks = (job.outputs + BLOCK - 1) / BLOCK;
  const tiles = (job.tapRows * job.tapColumns * job.inputs + TILE - 1) / TILE;
  const rowsOfChunk = max(1, job.chunk / job.columns);
  memory.fill(job.packed, 0, <usize>(job.groups * tiles * blocks) * SUMS_BYTES);
  preparePadding(job);
  const wholeBlocks = blocks * BLOCK === job.outputs;
  const yColumn = wholeBlocks ? job.yColumn : <usize>(job.groups * blocks * BLOCK) * 4;
  for (let n = 0; n < job.images; n++) {
    const image = imageOf(job, n);
    const y = wholeBlocks ? job.y + <usize>n * job.yImage : widen(job, job.y + <usize>n * job.yImage);
    for (let row = 0; row < job.rows; row += rowsOfChunk) {
      const rows = min(rowsOfChunk, job.rows - row);
      for (let group = 0; group < job.groups; group++) {
        addChunk(
          job,
          image + <usize>row * rowBytes(job) + <usize>(group * job.inputs) * 4,
          y + <usize>(row * job.columns) * yColumn + <usize>(group * blocks * BLOCK) * 4,
          yColumn,
          rows,
          job.packed + <usize>(group * tiles * blocks) * SUMS_BYTES,
        );
      }
    }
  }
  unpack(job, blocks, tiles);
}

/** Copies an image of y so that each group's channels fill whole blocks. */
function widen(job: Job, from: usize): usize {
  const channels = ((job.outputs + BLOCK - 1) / BLOCK) * BLOCK;
  let to = job.widened;
  for (let left = job.rows * job.columns * job.groups; left > 0; left--) {
    copyFloats(from, to, job.outputs);
    for (let channel = job.outputs; channel < channels; channel++) store<f32>(to + <usize>channel * 4, 0);
    from += <usize>job.outputs * 4;
    to += <usize>channels * 4;
  }
  return job.widened;
}

/** Adds some rows of one group to every sum. */
function addChunk(job: Job, x: usize, y: usize, yColumn: usize, rows: i32, sums: usize): void {
  const blocks = (job.outputs + BLOCK - 1) / BLOCK;
  const values = job.tapRows * job.tapColumns * job.inputs;
  const xRow = rowBytes(job);
  const xColumn = columnBytes(job);
  // Rows that touch are one long row.
  const touching = xRow === <usize>job.columns * xColumn;
  const lines = touching ? 1 : rows;
  const columns = touching ? rows * job.columns : job.columns;
  for (let value = 0; value < values; value += TILE) {
    const last = values - 1;
    const x0 = x + offsetOf(job, value);
    const x1 = x + offsetOf(job, min(value + 1, last));
    const x2 = x + offsetOf(job, min(value + 2, last));
    const x3 = x + offsetOf(job, min(value + 3, last));
    for (let block = 0; block < blocks; block++) {
      addTile(x0, x1, x2, x3, y + <usize>(block * BLOCK) * 4, lines, columns, xRow, xColumn, yColumn, sums);
      sums += SUMS_BYTES;
    }
  }
}

/** Bytes from a window's first value to one along its taps and inputs. */
function offsetOf(job: Job, value: i32): usize {
  const tap = value / job.inputs;
  const row = tap / job.tapColumns;
  const pixel = row * job.tapRowStride * job.paddedWidth + (tap % job.tapColumns) * job.tapColumnStride;
  return <usize>pixel * job.paddedPixel + <usize>(value % job.inputs) * 4;
}

/** Adds rows of windows to the sums of four values by eight outputs. */
export function addTile(
  x0: usize,
  x1: usize,
  x2: usize,
  x3: usize,
  y: usize,
  rows: i32,
  columns: i32,
  xRow: usize,
  xColumn: usize,
  yColumn: usize,
  sums: usize,
): void {
  let a0 = f32x4.splat(0);
  let a1 = f32x4.splat(0);
  let b0 = f32x4.splat(0);
  let b1 = f32x4.splat(0);
  let c0 = f32x4.splat(0);
  let c1 = f32x4.splat(0);
  let d0 = f32x4.splat(0);
  let d1 = f32x4.splat(0);
  for (let row = 0; row < rows; row++) {
    const skip = <usize>row * xRow;
    let xa = x0 + skip;
    let xb = x1 + skip;
    let xc = x2 + skip;
    let xd = x3 + skip;
    const last = y + <usize>columns * yColumn;
    while (y < last) {
      const y0 = v128.load(y);
      const y1 = v128.load(y, 16);
      const va = v128.load32_splat(xa);
      a0 = f32x4.add(f32x4.mul(va, y0), a0);
      a1 = f32x4.add(f32x4.mul(va, y1), a1);
      const vb = v128.load32_splat(xb);
      b0 = f32x4.add(f32x4.mul(vb, y0), b0);
      b1 = f32x4.add(f32x4.mul(vb, y1), b1);
      const vc = v128.load32_splat(xc);
      c0 = f32x4.add(f32x4.mul(vc, y0), c0);
      c1 = f32x4.add(f32x4.mul(vc, y1), c1);
      const vd = v128.load32_splat(xd);
      d0 = f32x4.add(f32x4.mul(vd, y0), d0);
      d1 = f32x4.add(f32x4.mul(vd, y1), d1);
      xa += xColumn;
      xb += xColumn;
      xc += xColumn;
      xd += xColumn;
      y += yColumn;
    }
  }
  // Added up chunk by chunk, which rounds less than one long sum.
  v128.store(sums, f32x4.add(v128.load(sums), a0));
  v128.store(sums, f32x4.add(v128.load(sums, 16), a1), 16);
  v128.store(sums, f32x4.add(v128.load(sums, 32), b0), 32);
  v128.store(sums, f32x4.add(v128.load(sums, 48), b1), 48);
  v128.store(sums, f32x4.add(v128.load(sums, 64), c0), 64);
  v128.store(sums, f32x4.add(v128.load(sums, 80), c1), 80);
  v128.store(sums, f32x4.add(v128.load(sums, 96), d0), 96);
  v128.store(sums, f32x4.add(v128.load(sums, 112), d1), 112);
}

function unpack(job: Job, blocks: i32, tiles: i32): void {
  const values = job.tapRows * job.tapColumns * job.inputs;
  for (let group = 0; group < job.groups; group++) {
    for (let value = 0; value < values; value++) {
      const tile = job.packed + <usize>((group * tiles + value / TILE) * blocks) * SUMS_BYTES + <usize>(value % TILE) * 32;
      // Taps and inputs follow one another in the kernel.
      const to = job.kernel + <usize>(value * job.kernelInput) + <usize>(group * job.kernelGroup);
      for (let block = 0; block < blocks; block++) {
        copyFloats(tile + <usize>block * SUMS_BYTES, to + <usize>block * 32, min(BLOCK, job.outputs - block * BLOCK));
      }
    }
  }
}
