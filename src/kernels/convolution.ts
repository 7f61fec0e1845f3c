import type { Pair } from '../core/network/types.ts';
import type { WindowJob } from './jobs.ts';
import type { TrainingKernels } from './training.ts';

/** A convolution of NHWC images with an HWIO kernel. */
export interface Convolution {
  readonly images: number;
  readonly height: number;
  readonly width: number;
  readonly inputs: number;
  readonly outputs: number;
  readonly groups: number;
  /** Height and width. */
  readonly kernel: Pair;
  readonly strides: Pair;
  readonly dilations: Pair;
  /** Rows of zeros above, columns of zeros at the left. */
  readonly before: Pair;
  /** Rows and columns of the result. */
  readonly positions: Pair;
}

/** Addresses of the image, the kernel and the result, or of their gradients. */
export interface Operands {
  readonly x: number;
  readonly kernel: number;
  readonly y: number;
}

const FLOAT = 4;
const BLOCK = 8;
const TILE = 4;
/** Groups of one channel from which the kernels of depthwise convolutions can fill a vector. */
const DEPTHWISE_LEAST = 4;
/** What a chunk of windows reads stays in the second-level cache; for a kernel's gradient, with dy, in the first. */
const FORWARD_CHUNK_BYTES = 131_072;
const GRADIENT_CHUNK_BYTES = 32_768;
const WINOGRAD_CHUNK_BYTES = 196_608;
const WINOGRAD_PRODUCTS = 36;
/** Of a column of pixels that is transformed, four channels at a time: six vectors. */
const WINOGRAD_COLUMN_BYTES = 96;
const PLANE_GAP = 64;
/** Channels each way from which fewer products make up for the transforms. */
const WINOGRAD_LEAST = 12;
/** Windows in each tile, on average, from which they do. */
const WINOGRAD_WINDOWS_LEAST = 5;

const ceilTo = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/** y = x convolved with the kernel. */
export function convolve(kernels: TrainingKernels, given: Convolution, at: Operands): void {
  const convolution = flattened(given);
  run(kernels, 'correlate', { ...windowsOf(convolution), ...kernelOf(convolution), ...resultOf(convolution), ...at });
}

/** The gradient by the kernel, from x and y's gradient. */
export function convolveKernelGradient(kernels: TrainingKernels, given: Convolution, at: Operands): void {
  const convolution = flattened(given);
  run(kernels, 'kernelGradient', { ...windowsOf(convolution), ...kernelOf(convolution), ...resultOf(convolution), ...at });
}

/**
 * The gradient by x, from the kernel and y's gradient. x's rows (and columns) that are the same modulo the stride see the same
 * taps, so each such phase is a convolution of dy by stride one, with those taps turned round.
 */
export function convolveInputGradient(kernels: TrainingKernels, given: Convolution, at: Operands): void {
  const convolution = flattened(given);
  const { images, height, width, inputs, outputs, groups, kernel, positions } = convolution;
  const [rowPhases, columnPhases] = [phasesOf(convolution, 0), phasesOf(convolution, 1)];
  const pixel = inputs * FLOAT;
  if ([...rowPhases, ...columnPhases].some(({ taps }) => taps === 0)) kernels.clear(at.x, images * height * width * pixel);
  const strides = kernelOf(convolution);
  for (const row of rowPhases) {
    for (const column of columnPhases) {
      if (row.taps === 0 || column.taps === 0) continue;
      run(kernels, 'correlate', {
        images,
        groups,
        x: at.y,
        height: positions[0],
        width: positions[1],
        pixel: outputs * FLOAT,
        top: row.before,
        left: column.before,
        ...frame([row, column], positions, outputs),
        rows: row.count,
        columns: column.count,
        rowStride: 1,
        columnStride: 1,
        tapRows: row.taps,
        tapColumns: column.taps,
        tapRowStride: row.tapStride,
        tapColumnStride: column.tapStride,
        inputs: outputs / groups,
        outputs: inputs / groups,
        kernel: at.kernel + (row.lastTap * kernel[1] + column.lastTap) * strides.kernelColumn,
        kernelGroup: strides.kernelGroup,
        kernelRow: -row.tapStep * strides.kernelRow,
        kernelColumn: -column.tapStep * strides.kernelColumn,
        kernelInput: strides.kernelOutput,
        kernelOutput: strides.kernelInput,
        y: at.x + (row.first * width + column.first) * pixel,
        yImage: height * width * pixel,
        yRow: row.stride * width * pixel,
        yColumn: column.stride * pixel,
      });
    }
  }
}

type Planned = Omit<WindowJob, 'chunk' | 'padded' | 'places' | 'packed' | 'widened' | 'lines'>;

/** Lays the scratch out and runs one job. */
function run(kernels: TrainingKernels, kernel: 'correlate' | 'kernelGradient', planned: Planned): void {
  if (winogradPays(planned)) return runWinograd(kernels, kernel, planned);
  const { paddedHeight, paddedWidth, paddedPixel, rows, columns, tapRows, tapColumns, inputs, outputs, groups } = planned;
  const blocked = groups * tapRows * tapColumns * ceilTo(inputs, TILE) * ceilTo(outputs, BLOCK);
  const windows = ceilTo(rows * columns, TILE);
  const isGradient = kernel === 'kernelGradient';
  const places = paddedHeight * paddedWidth * paddedPixel;
  const packed = places + windows * 2 * FLOAT;
  const widened = packed + blocked * FLOAT;
  const scratch = kernels.scratch(widened + (isGradient ? windows * groups * ceilTo(outputs, BLOCK) * FLOAT : 0));
  const read = paddedPixel * planned.rowStride * planned.columnStride;
  const chunk = isGradient ? GRADIENT_CHUNK_BYTES / (read + groups * outputs * FLOAT) : FORWARD_CHUNK_BYTES / read;
  const depthwise = isGradient ? 'depthwiseKernelGradient' : 'depthwise';
  kernels[inputs === 1 && outputs === 1 && groups >= DEPTHWISE_LEAST ? depthwise : kernel]({
    ...planned,
    chunk: Math.max(16 * TILE, ceilTo(chunk, TILE)),
    padded: scratch,
    places: scratch + places,
    packed: scratch + packed,
    widened: scratch + widened,
    lines: 0,
  });
}

/** Whether 36 products a tile, with what the transforms cost, are fewer than nine a window. */
function winogradPays({ groups, inputs, outputs, rows, columns, ...job }: Planned): boolean {
  const { rowStride, columnStride, tapRows, tapColumns, tapRowStride, tapColumnStride } = job;
  const plain = [groups, rowStride, columnStride, tapRowStride, tapColumnStride].every((count) => count === 1);
  if (!plain || tapRows !== 3 || tapColumns !== 3 || Math.min(inputs, outputs) < WINOGRAD_LEAST) return false;
  return WINOGRAD_WINDOWS_LEAST * tilesAlong(rows) * tilesAlong(columns) <= rows * columns;
}

/** Tiles of 4×4 windows; the frame is made whole tiles, of which the last may reach past the windows. */
function runWinograd(kernels: TrainingKernels, kernel: 'correlate' | 'kernelGradient', planned: Planned): void {
  const { images, rows, columns, inputs, outputs, paddedPixel } = planned;
  const [tileRows, tileColumns] = [tilesAlong(rows), tilesAlong(columns)];
  const [paddedHeight, paddedWidth] = [TILE * tileRows + 2, TILE * tileColumns + 2];
  const tileBytes = WINOGRAD_PRODUCTS * (ceilTo(inputs, TILE) + ceilTo(outputs, BLOCK)) * FLOAT;
  const inCache = Math.max(4 * TILE, ceilTo(WINOGRAD_CHUNK_BYTES / tileBytes, TILE));
  const chunk = Math.min(inCache, ceilTo(images * tileRows * tileColumns, TILE));
  const packed = paddedHeight * paddedWidth * paddedPixel;
  const lines = packed + WINOGRAD_PRODUCTS * (ceilTo(inputs, TILE) * ceilTo(outputs, BLOCK) * FLOAT + PLANE_GAP);
  const planes = lines + paddedWidth * WINOGRAD_COLUMN_BYTES;
  const scratch = kernels.scratch(planes + chunk * tileBytes + 2 * WINOGRAD_PRODUCTS * PLANE_GAP);
  kernels[kernel === 'kernelGradient' ? 'winogradKernelGradient' : 'winograd']({
    ...planned,
    paddedHeight,
    paddedWidth,
    chunk,
    padded: scratch,
    places: 0,
    packed: scratch + packed,
    widened: 0,
    lines: scratch + lines,
  });
}

function tilesAlong(windows: number): number {
  return Math.ceil(windows / TILE);
}

/** A 1×1 convolution that reads every pixel knows no images: all of them are one. */
function flattened(convolution: Convolution): Convolution {
  const { images, height, kernel, strides, before, positions, width } = convolution;
  const pointwise = [...kernel, ...strides].every((size) => size === 1) && before.every((size) => size === 0);
  if (!pointwise || positions[0] !== height || positions[1] !== width) return convolution;
  return { ...convolution, images: 1, height: images * height, positions: [images * height, width] };
}

function windowsOf(convolution: Convolution) {
  const { images, groups, height, width, inputs, outputs, kernel, strides, dilations, before, positions } = convolution;
  const axis = (at: 0 | 1) => ({
    before: before[at],
    reach: (positions[at] - 1) * strides[at] + (kernel[at] - 1) * dilations[at] + 1,
  });
  return {
    images,
    groups,
    height,
    width,
    pixel: inputs * FLOAT,
    top: before[0],
    left: before[1],
    ...frame([axis(0), axis(1)], [height, width], inputs),
    rows: positions[0],
    columns: positions[1],
    rowStride: strides[0],
    columnStride: strides[1],
    tapRows: kernel[0],
    tapColumns: kernel[1],
    tapRowStride: dilations[0],
    tapColumnStride: dilations[1],
    inputs: inputs / groups,
    outputs: outputs / groups,
  };
}

/** The size of the image as its windows see it; its own where they stay inside. */
function frame(axes: readonly { readonly before: number; readonly reach: number }[], sizes: Pair, channels: number) {
  const inside = axes.every(({ before, reach }, at) => before === 0 && reach <= sizes[at]);
  const [paddedHeight, paddedWidth] = inside ? sizes : axes.map(({ reach }) => reach);
  return { paddedHeight, paddedWidth, paddedPixel: channels * FLOAT };
}

function kernelOf({ inputs, outputs, groups, kernel }: Convolution) {
  const kernelInput = outputs * FLOAT;
  const kernelColumn = (inputs / groups) * kernelInput;
  return {
    kernelGroup: (outputs / groups) * FLOAT,
    kernelRow: kernel[1] * kernelColumn,
    kernelColumn,
    kernelInput,
    kernelOutput: FLOAT,
  };
}

function resultOf({ outputs, positions }: Convolution) {
  const yColumn = outputs * FLOAT;
  return { yImage: positions[0] * positions[1] * yColumn, yRow: positions[1] * yColumn, yColumn };
}

interface Phase {
  /** Where its positions in x begin, how many there are and how far apart. */
  readonly first: number;
  readonly count: number;
  readonly stride: number;
  /** The taps it sees: the last one, and how many taps apart they are. */
  readonly taps: number;
  readonly lastTap: number;
  readonly tapStep: number;
  /** How many positions of dy apart they read, how many lie before the first, and the span of all windows. */
  readonly tapStride: number;
  readonly before: number;
  readonly reach: number;
}

/** x[i] meets dy[(i + before − tap · dilation) / stride] where that is whole. */
function phasesOf(convolution: Convolution, axis: 0 | 1): Phase[] {
  const size = [convolution.height, convolution.width][axis];
  const stride = convolution.strides[axis];
  const dilation = convolution.dilations[axis];
  return Array.from({ length: Math.min(stride, size) }, (_, first): Phase => {
    const count = Math.ceil((size - first) / stride);
    const reached = (tap: number): number => (first + convolution.before[axis] - tap * dilation) / stride;
    const taps = Array.from({ length: convolution.kernel[axis] }, (_, tap) => tap).filter((tap) => Number.isInteger(reached(tap)));
    const lastTap = taps[taps.length - 1] ?? 0;
    const tapStep = taps.length > 1 ? taps[1] - taps[0] : 1;
    const tapStride = taps.length > 1 ? reached(taps[0]) - reached(taps[1]) : 1;
    const before = -reached(lastTap);
    return { first, count, stride, taps: taps.length, lastTap, tapStep, tapStride, before, reach: count + (taps.length - 1) * tapStride };
  });
}
