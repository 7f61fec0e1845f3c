import { SCRATCH_FIELDS, wordsOf } from './jobs.ts';
import type { PreparedJob, WindowJob } from './jobs.ts';

export const FLOAT = 4;
const BLOCK = 8;
const TILE = 4;
/** Channels from which the kernels of depthwise convolutions and of Winograd's can fill a vector. */
const CHANNELS_LEAST = 4;
/** What a chunk of windows reads stays in the second-level cache; for a kernel's gradient, with dy, in the first. */
const FORWARD_CHUNK_BYTES = 131_072;
const GRADIENT_CHUNK_BYTES = 32_768;
const WINOGRAD_CHUNK_BYTES = 196_608;
const WINOGRAD_PRODUCTS = 36;
/** Of a column of pixels that is transformed, four channels at a time: six vectors. */
const WINOGRAD_COLUMN_BYTES = 96;
const PLANE_GAP = 64;
/** Windows in each tile, on average, from which fewer products make up for the transforms. */
const WINOGRAD_WINDOWS_LEAST = 5;

const ceilTo = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/** A sum over windows before it has scratch. */
export type Planned = Omit<WindowJob, 'chunk' | (typeof SCRATCH_FIELDS)[number]>;

/** Chooses the kernel that runs a sum over windows, or a kernel's gradient, and lays its scratch out. */
export function prepare(kernel: 'correlate' | 'kernelGradient', planned: Planned): PreparedJob {
  if (winogradPays(planned)) return prepareWinograd(kernel, planned);
  const { paddedHeight, paddedWidth, paddedPixel, rows, columns, tapRows, tapColumns, inputs, outputs, groups } = planned;
  const blocked = groups * tapRows * tapColumns * ceilTo(inputs, TILE) * ceilTo(outputs, BLOCK);
  const windows = ceilTo(rows * columns, TILE);
  const isGradient = kernel === 'kernelGradient';
  const places = paddedHeight * paddedWidth * paddedPixel;
  const packed = places + windows * 2 * FLOAT;
  const widened = packed + blocked * FLOAT;
  const read = paddedPixel * planned.rowStride * planned.columnStride;
  const chunk = isGradient ? GRADIENT_CHUNK_BYTES / (read + groups * outputs * FLOAT) : FORWARD_CHUNK_BYTES / read;
  const depthwise = isGradient ? 'depthwiseKernelGradient' : 'depthwise';
  return {
    kernel: inputs === 1 && outputs === 1 && groups >= CHANNELS_LEAST ? depthwise : kernel,
    words: wordsOf({ ...planned, chunk: Math.max(16 * TILE, ceilTo(chunk, TILE)), padded: 0, places, packed, widened, lines: 0 }),
    scratchBytes: widened + (isGradient ? windows * groups * ceilTo(outputs, BLOCK) * FLOAT : 0),
  };
}

/** Whether 36 products a tile, with what the transforms cost, are fewer than nine a window. */
function winogradPays({ groups, inputs, outputs, rows, columns, ...job }: Planned): boolean {
  const { rowStride, columnStride, tapRows, tapColumns, tapRowStride, tapColumnStride } = job;
  const plain = [groups, rowStride, columnStride, tapRowStride, tapColumnStride].every((count) => count === 1);
  if (!plain || tapRows !== 3 || tapColumns !== 3 || Math.min(inputs, outputs) < CHANNELS_LEAST) return false;
  return WINOGRAD_WINDOWS_LEAST * tilesAlong(rows) * tilesAlong(columns) <= rows * columns;
}

/** Tiles of 4×4 windows; the frame is made whole tiles, of which the last may reach past the windows. */
function prepareWinograd(kernel: 'correlate' | 'kernelGradient', planned: Planned): PreparedJob {
  const { images, rows, columns, inputs, outputs, paddedPixel } = planned;
  const [tileRows, tileColumns] = [tilesAlong(rows), tilesAlong(columns)];
  const [paddedHeight, paddedWidth] = [TILE * tileRows + 2, TILE * tileColumns + 2];
  const tileBytes = WINOGRAD_PRODUCTS * (ceilTo(inputs, TILE) + ceilTo(outputs, BLOCK)) * FLOAT;
  const inCache = Math.max(4 * TILE, ceilTo(WINOGRAD_CHUNK_BYTES / tileBytes, TILE));
  const chunk = Math.min(inCache, ceilTo(images * tileRows * tileColumns, TILE));
  const packed = paddedHeight * paddedWidth * paddedPixel;
  const lines = packed + WINOGRAD_PRODUCTS * (ceilTo(inputs, TILE) * ceilTo(outputs, BLOCK) * FLOAT + PLANE_GAP);
  const planes = lines + paddedWidth * WINOGRAD_COLUMN_BYTES;
  return {
    kernel: kernel === 'kernelGradient' ? 'winogradKernelGradient' : 'winograd',
    words: wordsOf({ ...planned, paddedHeight, paddedWidth, chunk, padded: 0, places: 0, packed, widened: 0, lines }),
    scratchBytes: planes + chunk * tileBytes + 2 * WINOGRAD_PRODUCTS * PLANE_GAP,
  };
}

function tilesAlong(windows: number): number {
  return Math.ceil(windows / TILE);
}
