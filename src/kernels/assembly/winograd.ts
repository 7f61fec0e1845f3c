import { BLOCK } from './correlate';
import { addressOf, imageOf, preparePadding } from './image';
import { Job } from './job';
import { Matrix } from './multiply';
import { Line, PRODUCTS, REACH, TILE, VECTOR } from './winograd-transforms';

// Tiles are counted through all images, row by row, and run `chunk` at a time, a multiple of four. Their values lie in planes,
// one for each of a tile's products; channels are taken four at a time as in depthwise.ts.

/** Planes begin at other sets of the cache. */
export const PLANE_GAP: usize = 64;

export function tileColumns(job: Job): i32 {
  return (job.columns + TILE - 1) / TILE;
}

export function tilesOfImage(job: Job): i32 {
  return ((job.rows + TILE - 1) / TILE) * tileColumns(job);
}

/** How many tiles, at most `left`, lie beside each other from this one on. */
export function runOf(job: Job, tile: i32, left: i32): i32 {
  return min(tileColumns(job) - (tile % tileColumns(job)), left);
}

/** Bytes of a tile's inputs in one plane, in whole vectors. */
export function inputBytes(job: Job): usize {
  return <usize>((job.inputs + 3) / 4) * VECTOR;
}

/** The same of its outputs, in whole blocks. */
export function outputBytes(job: Job): usize {
  return <usize>((job.outputs + BLOCK - 1) / BLOCK) * (2 * VECTOR);
}

export function inputPlane(job: Job): usize {
  return <usize>job.chunk * inputBytes(job) + PLANE_GAP;
}

export function outputPlane(job: Job): usize {
  return <usize>job.chunk * outputBytes(job) + PLANE_GAP;
}

/** Where the planes of inputs begin: before them lies a run's tiles after the first of the two transforms. */
export function inputPlanes(job: Job): usize {
  return job.lines + <usize>(tileColumns(job) * TILE + 2) * (REACH * VECTOR);
}

export function outputPlanes(job: Job): usize {
  return inputPlanes(job) + PRODUCTS * inputPlane(job);
}

/** {@link correlate} for 3×3 taps that touch, windows at every pixel, one group, at least four channels each way. */
export function winograd(job: Job): void {
  const tiles = job.images * tilesOfImage(job);
  const kernelPlane = outputBytes(job) * job.inputs + PLANE_GAP;
  transformKernel(job, kernelPlane);
  preparePadding(job);
  for (let first = 0; first < tiles; first += job.chunk) {
    const count = min(job.chunk, tiles - first);
    for (let done = 0, run = 0; done < count; done += run) {
      run = runOf(job, first + done, count - done);
      transformInputs(job, first + done, run, inputPlanes(job) + <usize>done * inputBytes(job));
    }
    for (let product: usize = 0; product < PRODUCTS; product++) {
      const x = inputPlanes(job) + product * inputPlane(job);
      const y = outputPlanes(job) + product * outputPlane(job);
      let w = job.packed + product * kernelPlane;
      for (let output = 0; output < job.outputs; output += BLOCK) {
        Matrix.multiply(x, inputBytes(job), 4, w, 2 * VECTOR, job.inputs, count, y + <usize>output * 4, outputBytes(job), false);
        w += <usize>job.inputs * (2 * VECTOR);
      }
    }
    for (let done = 0, run = 0; done < count; done += run) {
      run = runOf(job, first + done, count - done);
      transformOutputs(job, first + done, run, outputPlanes(job) + <usize>done * outputBytes(job));
    }
  }
}

/** G g Gᵀ for each input and output, as [product][block][input][eight outputs]. */
function transformKernel(job: Job, plane: usize): void {
  const step = job.kernelOutput;
  for (let output = 0; output < job.outputs; output += 4) {
    const left = job.outputs - output;
    let to = job.packed + <usize>((output / BLOCK) * job.inputs * BLOCK + (output % BLOCK)) * 4;
    for (let input = 0; input < job.inputs; input++) {
      let tap = job.kernel + input * job.kernelInput + output * step;
      for (let column: usize = 0; column < 3; column++) {
        const below = tap + job.kernelRow;
        const lines = job.lines + column * VECTOR;
        Line.spreadTaps(
          loadFew(tap, step, left),
          loadFew(below, step, left),
          loadFew(below + job.kernelRow, step, left),
          lines,
          3 * VECTOR,
        );
        tap += job.kernelColumn;
      }
      for (let row: usize = 0; row < REACH; row++) {
        const line = job.lines + row * 3 * VECTOR;
        Line.spreadTaps(v128.load(line), v128.load(line, 16), v128.load(line, 32), to + row * REACH * plane, plane);
      }
      to += 2 * VECTOR;
    }
  }
}

/** The next four values, `step` bytes apart, or `count` of them and zeros. */
function loadFew(from: usize, step: i32, count: i32): v128 {
  if (step === 4 && count >= 4) return v128.load(from);
  let value = v128.load32_zero(from);
  if (count > 1) value = v128.load32_lane(from + step, value, 1);
  if (count > 2) value = v128.load32_lane(from + 2 * step, value, 2);
  if (count > 3) value = v128.load32_lane(from + 3 * step, value, 3);
  return value;
}

/** Bᵀ d B of the pixels under a run of tiles, whose columns are transformed once where two tiles share them. */
export function transformInputs(job: Job, tile: i32, run: i32, to: usize): void {
  const n = tile / tilesOfImage(job);
  const at = tile % tilesOfImage(job);
  // An image is padded as its first tile comes, and stays until the next one's.
  const image = at === 0 ? imageOf(job, n) : addressOf(job, n);
  const pixel = job.paddedPixel;
  const line = <usize>job.paddedWidth * pixel;
  const from = image + <usize>(TILE * (at / tileColumns(job))) * line + <usize>(TILE * (at % tileColumns(job))) * pixel;
  const column = REACH * VECTOR;
  const endOfTiles = job.lines + <usize>(run * TILE) * column;
  const endOfColumns = endOfTiles + 2 * column;
  const tileBytes = inputBytes(job);
  const plane = inputPlane(job);
  for (let channel = 0; channel < job.inputs; channel += 4) {
    const channels = <usize>min(channel, job.inputs - 4) * 4;
    let pixels = from + channels;
    for (let lines = job.lines; lines < endOfColumns; lines += column) {
      Line.transformPixels(pixels, line, lines, VECTOR);
      pixels += pixel;
    }
    let products = to + channels;
    for (let lines = job.lines; lines < endOfTiles; lines += <usize>TILE * column) {
      for (let row: usize = 0; row < REACH; row++)
        Line.transformPixels(lines + row * VECTOR, column, products + row * REACH * plane, plane);
      products += tileBytes;
    }
  }
}

/** Aᵀ m A: the 4×4 values of each tile, without those past the last row and column. */
function transformOutputs(job: Job, tile: i32, run: i32, from: usize): void {
  const at = tile % tilesOfImage(job);
  const row = TILE * (at / tileColumns(job));
  const rows = min(TILE, job.rows - row);
  const plane = outputPlane(job);
  const lines = job.lines;
  let column = TILE * (at % tileColumns(job));
  let y = job.y + <usize>(tile / tilesOfImage(job)) * job.yImage + <usize>row * job.yRow + <usize>column * job.yColumn;
  for (; run > 0; run--) {
    const columns = min(TILE, job.columns - column);
    for (let channel = 0; channel < job.outputs; channel += 4) {
      const channels = <usize>min(channel, job.outputs - 4) * 4;
      let products = from + channels;
      for (let c: usize = 0; c < REACH; c++) {
        Line.foldProducts(products, REACH * plane, lines + c * VECTOR, REACH * VECTOR, TILE);
        products += plane;
      }
      let to = y + channels;
      for (let r = 0; r < rows; r++) {
        Line.foldProducts(lines + <usize>r * (REACH * VECTOR), VECTOR, to, job.yColumn, columns);
        to += job.yRow;
      }
    }
    column += TILE;
    y += <usize>TILE * job.yColumn;
    from += outputBytes(job);
  }
}
