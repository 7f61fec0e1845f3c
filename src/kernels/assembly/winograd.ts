import { BLOCK, correlateBlock, writePlaces } from './correlate';
import { imageOf, preparePadding } from './image';
import { Job } from './job';

// Winograd's minimal filtering F(2×2, 3×3) (Lavin and Gray 2016): 16 products instead of 36 for four values of y. Values of
// a tile lie in planes, one for each of the 16 products; channels are taken four at a time as in depthwise.ts.

export const VECTOR: usize = 16;
/** Planes begin at other sets of the cache. */
export const PLANE_GAP: usize = 64;

/** {@link correlate} for 3×3 taps that touch, windows at every pixel, one group, at least four channels each way. */
export function winograd(job: Job): void {
  const tileRows = (job.rows + 1) / 2;
  const tileColumns = (job.columns + 1) / 2;
  const blocks = (job.outputs + BLOCK - 1) / BLOCK;
  const inputBytes = <usize>job.inputs * 4;
  const outputBytes = <usize>job.outputs * 4;
  const inputPlane = <usize>(job.chunk * tileColumns) * inputBytes + PLANE_GAP;
  // Tiles are run in fours, so that the last strip may write as far as a whole one.
  const outputPlane = <usize>(job.chunk * tileColumns) * outputBytes + PLANE_GAP;
  const kernelPlane = <usize>(blocks * job.inputs * BLOCK) * 4;
  const small = job.widened;
  const inputs = small + 16 * VECTOR;
  const outputs = inputs + 16 * inputPlane;
  transformKernel(job, kernelPlane);
  writePlaces(job.places, 1, job.chunk * tileColumns, 0, inputBytes, 0, outputBytes);
  preparePadding(job);
  for (let n = 0; n < job.images; n++) {
    const image = imageOf(job, n);
    const y = job.y + <usize>n * job.yImage;
    for (let first = 0; first < tileRows; first += job.chunk) {
      const rows = min(job.chunk, tileRows - first);
      transformInputs(job, image, first, rows, tileColumns, inputs, inputPlane, small);
      for (let product = 0; product < 16; product++) {
        const x = inputs + <usize>product * inputPlane;
        for (let block = 0; block < blocks; block++) {
          const packed = job.packed + <usize>product * kernelPlane + <usize>(block * job.inputs * BLOCK) * 4;
          const to = outputs + <usize>product * outputPlane + <usize>(block * BLOCK) * 4;
          correlateBlock(job.places, rows * tileColumns, x, packed, to, 1, 0, 1, 0, inputBytes, job.outputs - block * BLOCK);
        }
      }
      transformOutputs(job, y, first, rows, tileColumns, outputs, outputPlane, small);
    }
  }
}

/** G g Gᵀ for each input and output, as [product][block][input][eight outputs]. */
function transformKernel(job: Job, plane: usize): void {
  memory.fill(job.packed, 0, 16 * plane);
  for (let output = 0; output < job.outputs; output++) {
    for (let input = 0; input < job.inputs; input++) {
      const from = job.kernel + input * job.kernelInput + output * job.kernelOutput;
      const to = job.packed + <usize>(((output / BLOCK) * job.inputs + input) * BLOCK + (output % BLOCK)) * 4;
      for (let column = 0; column < 3; column++) {
        const tap = from + column * job.kernelColumn;
        transformTaps(
          load<f32>(tap),
          load<f32>(tap + job.kernelRow),
          load<f32>(tap + 2 * job.kernelRow),
          to + <usize>column * plane,
          4 * plane,
        );
      }
      for (let row = 0; row < 4; row++) {
        const at = to + <usize>(row * 4) * plane;
        transformTaps(load<f32>(at), load<f32>(at + plane), load<f32>(at + 2 * plane), at, plane);
      }
    }
  }
}

function transformTaps(a: f32, b: f32, c: f32, to: usize, step: usize): void {
  const half: f32 = 0.5;
  store<f32>(to, a);
  store<f32>(to + step, half * (a + b + c));
  store<f32>(to + 2 * step, half * (a - b + c));
  store<f32>(to + 3 * step, c);
}

/** Bᵀ d B of the 4×4 pixels under each tile; tiles are two apart. */
export function transformInputs(job: Job, image: usize, first: i32, rows: i32, columns: i32, to: usize, plane: usize, small: usize): void {
  const pixel = job.paddedPixel;
  const line = <usize>job.paddedWidth * pixel;
  const vectors = (job.inputs + 3) / 4;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      for (let vector = 0; vector < vectors; vector++) {
        const channels = <usize>min(vector * 4, job.inputs - 4) * 4;
        const from = image + <usize>(2 * (first + row)) * line + <usize>(2 * column) * pixel + channels;
        const tile = to + <usize>((row * columns + column) * job.inputs) * 4 + channels;
        for (let at: usize = 0; at < 4; at++) transformPixels(from + at * line, pixel, small + at * 4 * VECTOR, VECTOR);
        for (let at: usize = 0; at < 4; at++) transformPixels(small + at * VECTOR, 4 * VECTOR, tile + at * plane, 4 * plane);
      }
    }
  }
}

function transformPixels(from: usize, step: usize, to: usize, toStep: usize): void {
  const a = v128.load(from);
  const b = v128.load(from + step);
  const c = v128.load(from + 2 * step);
  const d = v128.load(from + 3 * step);
  v128.store(to, f32x4.sub(a, c));
  v128.store(to + toStep, f32x4.add(b, c));
  v128.store(to + 2 * toStep, f32x4.sub(c, b));
  v128.store(to + 3 * toStep, f32x4.sub(b, d));
}

/** Aᵀ m A: the 2×2 values of each tile, without those past the last row and column. */
function transformOutputs(job: Job, y: usize, first: i32, rows: i32, columns: i32, from: usize, plane: usize, small: usize): void {
  const vectors = (job.outputs + 3) / 4;
  for (let row = 0; row < rows; row++) {
    const yRow = 2 * (first + row);
    for (let column = 0; column < columns; column++) {
      for (let vector = 0; vector < vectors; vector++) {
        const channels = <usize>min(vector * 4, job.outputs - 4) * 4;
        const tile = from + <usize>((row * columns + column) * job.outputs) * 4 + channels;
        const to = y + <usize>yRow * job.yRow + <usize>(2 * column) * job.yColumn + channels;
        for (let at: usize = 0; at < 4; at++) {
          transformProducts(tile + at * 4 * plane, plane, small + at * 2 * VECTOR, VECTOR, true);
        }
        const below = yRow + 1 < job.rows;
        transformProducts(small, 2 * VECTOR, to, job.yRow, below);
        if (2 * column + 1 < job.columns) transformProducts(small + VECTOR, 2 * VECTOR, to + job.yColumn, job.yRow, below);
      }
    }
  }
}

function transformProducts(from: usize, step: usize, to: usize, toStep: usize, both: bool): void {
  const b = v128.load(from + step);
  const c = v128.load(from + 2 * step);
  v128.store(to, f32x4.add(f32x4.add(v128.load(from), b), c));
  if (both) v128.store(to + toStep, f32x4.sub(f32x4.sub(b, c), v128.load(from + 3 * step)));
}
