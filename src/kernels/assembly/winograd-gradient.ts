import { BLOCK } from './correlate';
import { imageOf, preparePadding } from './image';
import { Job } from './job';
import { addTile, SUMS_BYTES, TILE } from './kernel-gradient';
import { PLANE_GAP, transformInputs, VECTOR } from './winograd';

/**
 * The kernel's gradient through F(2×2, 3×3), for what `winograd` takes: Gᵀ (Σ over tiles of A dy Aᵀ ⊙ Bᵀ d B) G. `chunk` rows of
 * tiles are run together, of several images where that is more than one has.
 */
export function winogradKernelGradient(job: Job): void {
  const tileRows = (job.rows + 1) / 2;
  const columns = (job.columns + 1) / 2;
  const blocks = (job.outputs + BLOCK - 1) / BLOCK;
  const rowsOfStrip = min(job.chunk, tileRows);
  const together = max(1, job.chunk / tileRows);
  const inputBytes = <usize>job.inputs * 4;
  const outputBytes = <usize>(blocks * BLOCK) * 4;
  const inputPlane = <usize>(together * rowsOfStrip * columns) * inputBytes + PLANE_GAP;
  const outputPlane = <usize>(together * rowsOfStrip * columns) * outputBytes + PLANE_GAP;
  const sumsPlane = <usize>(((job.inputs + TILE - 1) / TILE) * blocks) * SUMS_BYTES;
  const small = job.widened;
  const inputs = small + 16 * VECTOR;
  const outputs = inputs + 16 * inputPlane;
  memory.fill(job.packed, 0, 16 * sumsPlane);
  preparePadding(job);
  for (let n = 0; n < job.images; n += together) {
    for (let first = 0; first < tileRows; first += rowsOfStrip) {
      const rows = min(rowsOfStrip, tileRows - first);
      let tiles = 0;
      for (let one = n; one < min(n + together, job.images); one++) {
        transformInputs(job, imageOf(job, one), first, rows, columns, inputs + <usize>tiles * inputBytes, inputPlane, small);
        const y = job.y + <usize>one * job.yImage;
        transformGradients(job, y, first, rows, columns, outputs + <usize>tiles * outputBytes, outputBytes, outputPlane);
        tiles += rows * columns;
      }
      for (let product = 0; product < 16; product++) {
        const x = inputs + <usize>product * inputPlane;
        const dy = outputs + <usize>product * outputPlane;
        addProduct(job, x, dy, tiles, outputBytes, job.packed + <usize>product * sumsPlane);
      }
    }
  }
  for (let input = 0; input < job.inputs; input++) {
    for (let output = 0; output < job.outputs; output++) {
      const sums = <usize>((input / TILE) * blocks + output / BLOCK) * SUMS_BYTES + <usize>((input % TILE) * BLOCK + (output % BLOCK)) * 4;
      finishTaps(job, job.packed + sums, sumsPlane, job.kernel + input * job.kernelInput + output * job.kernelOutput);
    }
  }
}

/** A dy Aᵀ of each tile, with zeros past the last row and column. */
function transformGradients(job: Job, y: usize, first: i32, rows: i32, columns: i32, to: usize, tileBytes: usize, plane: usize): void {
  const vectors = (job.outputs + 3) / 4;
  for (let row = 0; row < rows; row++) {
    const yRow = 2 * (first + row);
    const below = yRow + 1 < job.rows;
    for (let column = 0; column < columns; column++) {
      const beside = 2 * column + 1 < job.columns;
      for (let vector = 0; vector < vectors; vector++) {
        const channels = <usize>min(vector * 4, job.outputs - 4) * 4;
        const from = y + <usize>yRow * job.yRow + <usize>(2 * column) * job.yColumn + channels;
        const zero = f32x4.splat(0);
        const a = v128.load(from);
        const b = beside ? v128.load(from + job.yColumn) : zero;
        const c = below ? v128.load(from + job.yRow) : zero;
        const d = below && beside ? v128.load(from + job.yRow + job.yColumn) : zero;
        const tile = to + <usize>(row * columns + column) * tileBytes + channels;
        storeRow(tile, plane, a, b);
        storeRow(tile + 4 * plane, plane, f32x4.add(a, c), f32x4.add(b, d));
        storeRow(tile + 8 * plane, plane, f32x4.sub(a, c), f32x4.sub(b, d));
        storeRow(tile + 12 * plane, plane, f32x4.neg(c), f32x4.neg(d));
      }
    }
  }
}

function storeRow(to: usize, plane: usize, left: v128, right: v128): void {
  v128.store(to, left);
  v128.store(to + plane, f32x4.add(left, right));
  v128.store(to + 2 * plane, f32x4.sub(left, right));
  v128.store(to + 3 * plane, f32x4.neg(right));
}

/** Adds some tiles to the sums of one of the 16 products. */
function addProduct(job: Job, x: usize, dy: usize, tiles: i32, tileBytes: usize, sums: usize): void {
  const blocks = (job.outputs + BLOCK - 1) / BLOCK;
  const last = job.inputs - 1;
  const pixel = <usize>job.inputs * 4;
  for (let input = 0; input < job.inputs; input += TILE) {
    const x1 = x + <usize>min(input + 1, last) * 4;
    const x2 = x + <usize>min(input + 2, last) * 4;
    const x3 = x + <usize>min(input + 3, last) * 4;
    for (let block = 0; block < blocks; block++) {
      addTile(x + <usize>input * 4, x1, x2, x3, dy + <usize>(block * BLOCK) * 4, 1, tiles, 0, pixel, tileBytes, sums);
      sums += SUMS_BYTES;
    }
  }
}

/** Gᵀ S G of one input and output: nine taps of 16 sums. */
function finishTaps(job: Job, sums: usize, plane: usize, kernel: usize): void {
  for (let row = 0; row < 4; row++) {
    const at = sums + <usize>(row * 4) * plane;
    foldTaps(at, plane, at, plane);
  }
  for (let column: usize = 0; column < 3; column++) {
    foldTaps(sums + column * plane, 4 * plane, kernel + <i32>column * job.kernelColumn, job.kernelRow);
  }
}

function foldTaps(from: usize, step: usize, to: usize, toStep: usize): void {
  const half: f32 = 0.5;
  const first = load<f32>(from);
  const second = load<f32>(from + step);
  const third = load<f32>(from + 2 * step);
  const last = load<f32>(from + 3 * step);
  store<f32>(to, first + half * (second + third));
  store<f32>(to + toStep, half * (second - third));
  store<f32>(to + 2 * toStep, half * (second + third) + last);
}
