import type { Pair } from '../core/network/types.ts';
import type { Operands, PreparedJob } from './jobs.ts';
import { FLOAT, prepare } from './layout.ts';
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

/** What to run for a convolution and its gradients, whatever the tensors: made once for a shape. */
export interface ConvolutionPlan {
  readonly forward: PreparedJob;
  readonly inputGradient: readonly PreparedJob[];
  /** Bytes of x's gradient where some of it sees no window. */
  readonly clearedBytes: number;
  readonly kernelGradient: PreparedJob;
}

export function planConvolution(given: Convolution): ConvolutionPlan {
  const convolution = flattened(given);
  const windows = { ...windowsOf(convolution), ...kernelOf(convolution), ...resultOf(convolution), x: 0, kernel: 0, y: 0 };
  return {
    forward: prepare('correlate', windows),
    ...planInputGradient(convolution),
    kernelGradient: prepare('kernelGradient', windows),
  };
}

/** y = x convolved with the kernel. */
export function convolve(kernels: TrainingKernels, { forward }: ConvolutionPlan, at: Operands): void {
  kernels.run(forward, at);
}

/** The gradient by the kernel, from x and y's gradient. */
export function convolveKernelGradient(kernels: TrainingKernels, { kernelGradient }: ConvolutionPlan, at: Operands): void {
  kernels.run(kernelGradient, at);
}

/** The gradient by x, from the kernel and y's gradient. */
export function convolveInputGradient(kernels: TrainingKernels, plan: ConvolutionPlan, { x, kernel, y }: Operands): void {
  if (plan.clearedBytes > 0) kernels.clear(x, plan.clearedBytes);
  for (const job of plan.inputGradient) kernels.run(job, { x: y, kernel, y: x });
}

/**
 * x's rows (and columns) that are the same modulo the stride see the same
 * taps, so each such phase is a convolution of dy by stride one, with those taps turned round.
 */
function planInputGradient(convolution: Convolution): Pick<ConvolutionPlan, 'inputGradient' | 'clearedBytes'> {
  const { images, height, width, inputs, outputs, groups, kernel, positions } = convolution;
  const [rowPhases, columnPhases] = [phasesOf(convolution, 0), phasesOf(convolution, 1)];
  const pixel = inputs * FLOAT;
  const isPartial = [...rowPhases, ...columnPhases].some(({ taps }) => taps === 0);
  const strides = kernelOf(convolution);
  const seen = ({ taps }: Phase): boolean => taps > 0;
  const inputGradient = rowPhases.filter(seen).flatMap((row) =>
    columnPhases.filter(seen).map((column) =>
      prepare('correlate', {
        images,
        groups,
        x: 0,
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
        kernel: (row.lastTap * kernel[1] + column.lastTap) * strides.kernelColumn,
        kernelGroup: strides.kernelGroup,
        kernelRow: -row.tapStep * strides.kernelRow,
        kernelColumn: -column.tapStep * strides.kernelColumn,
        kernelInput: strides.kernelOutput,
        kernelOutput: strides.kernelInput,
        y: (row.first * width + column.first) * pixel,
        yImage: height * width * pixel,
        yRow: row.stride * width * pixel,
        yColumn: column.stride * pixel,
      }),
    ),
  );
  return { inputGradient, clearedBytes: isPartial ? images * height * width * pixel : 0 };
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
