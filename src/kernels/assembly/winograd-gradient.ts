import { BLOCK, storeFew } from './correlate';
import { preparePadding } from './image';
import { Job } from './job';
import { Matrix } from './multiply';
import {
  inputBytes,
  inputPlane,
  inputPlanes,
  outputBytes,
  outputPlane,
  outputPlanes,
  PLANE_GAP,
  runOf,
  tileColumns,
  tilesOfImage,
  transformInputs,
} from './winograd';
import { Line, PRODUCTS, REACH, TILE, VECTOR } from './winograd-transforms';

/**
 * The kernel's gradient for what `winograd` takes, by the same matrices: Gᵀ (Σ over tiles of A dy Aᵀ ⊙ Bᵀ d B) G. Sums lie as
 * [product][input][output].
 */
export function winogradKernelGradient(job: Job): void {
  const tiles = job.images * tilesOfImage(job);
  const sumsPlane = (inputBytes(job) * outputBytes(job)) / 4 + PLANE_GAP;
  memory.fill(job.packed, 0, PRODUCTS * sumsPlane);
  preparePadding(job);
  for (let first = 0; first < tiles; first += job.chunk) {
    const count = min(job.chunk, tiles - first);
    for (let done = 0, run = 0; done < count; done += run) {
      run = runOf(job, first + done, count - done);
      transformInputs(job, first + done, run, inputPlanes(job) + <usize>done * inputBytes(job));
      transformGradients(job, first + done, run, outputPlanes(job) + <usize>done * outputBytes(job));
    }
    // Added up chunk by chunk, which rounds less than one long sum.
    for (let product: usize = 0; product < PRODUCTS; product++) {
      const x = inputPlanes(job) + product * inputPlane(job);
      for (let output = 0; output < job.outputs; output += BLOCK) {
        const dy = outputPlanes(job) + product * outputPlane(job) + <usize>output * 4;
        const sums = job.packed + product * sumsPlane + <usize>output * 4;
        Matrix.multiply(x, 4, inputBytes(job), dy, outputBytes(job), count, job.inputs, sums, outputBytes(job), true);
      }
    }
  }
  for (let input = 0; input < job.inputs; input++) {
    for (let output = 0; output < job.outputs; output += 4) {
      const sums = job.packed + <usize>input * outputBytes(job) + <usize>output * 4;
      finishTaps(job, sums, sumsPlane, job.kernel + input * job.kernelInput + output * job.kernelOutput, job.outputs - output);
    }
  }
}

/** A dy Aᵀ of a run of tiles, with zeros past the last row and column. */
function transformGradients(job: Job, tile: i32, run: i32, to: usize): void {
  const at = tile % tilesOfImage(job);
  const row = TILE * (at / tileColumns(job));
  const rows = min(TILE, job.rows - row);
  const plane = outputPlane(job);
  let column = TILE * (at % tileColumns(job));
  let y = job.y + <usize>(tile / tilesOfImage(job)) * job.yImage + <usize>row * job.yRow + <usize>column * job.yColumn;
  for (; run > 0; run--) {
    const columns = min(TILE, job.columns - column);
    for (let channel = 0; channel < job.outputs; channel += 4) {
      const channels = <usize>min(channel, job.outputs - 4) * 4;
      let from = y + channels;
      for (let c = 0; c < columns; c++) {
        Line.spreadValues(from, job.yRow, rows, job.lines + <usize>c * VECTOR, <usize>TILE * VECTOR);
        from += job.yColumn;
      }
      let products = to + channels;
      for (let r: usize = 0; r < REACH; r++) {
        Line.spreadValues(job.lines + r * <usize>TILE * VECTOR, VECTOR, columns, products, plane);
        products += REACH * plane;
      }
    }
    column += TILE;
    y += <usize>TILE * job.yColumn;
    to += outputBytes(job);
  }
}

/** Gᵀ S G of one input and four outputs, of which `left` exist: nine taps of 36 sums. */
function finishTaps(job: Job, sums: usize, plane: usize, kernel: usize, left: i32): void {
  for (let row: usize = 0; row < REACH; row++) Line.foldSums(sums + row * REACH * plane, plane, job.lines + row * 3 * VECTOR, VECTOR);
  const taps = job.lines + REACH * 3 * VECTOR;
  for (let column = 0; column < 3; column++) {
    Line.foldSums(job.lines + <usize>column * VECTOR, 3 * VECTOR, taps, VECTOR);
    let to = kernel + column * job.kernelColumn;
    for (let row: usize = 0; row < 3; row++) {
      const tap = v128.load(taps + row * VECTOR);
      if (left >= 4) v128.store(to, tap);
      else storeFew(to, tap, left);
      to += job.kernelRow;
    }
  }
}
