import { Failure } from '../../core/failure.ts';
import { convolve, convolveInputGradient, convolveKernelGradient, planConvolution } from '../../kernels/convolution.ts';
import type { Convolution, ConvolutionPlan } from '../../kernels/convolution.ts';
import { CHANNELS_LEAST, normalise, normaliseGradient } from '../../kernels/normalisation.ts';
import { openTrainingKernels } from '../../kernels/training.ts';
import type { TrainingKernels } from '../../kernels/training.ts';
import { shapeOf, tf } from '../tf.ts';
import type { Tensor, TensorInfo } from '../tf.ts';
import { explicitPads } from './geometry.ts';
import { portable } from './portable.ts';
import type { Primitives, Window } from './types.ts';

/** The parts of tfjs-wasm's backend that show where its tensors lie. */
export interface WasmBackend {
  readonly wasm: { readonly asm: { readonly memory: WebAssembly.Memory }; _malloc(bytes: number): number; _free(address: number): void };
  readonly dataIdMap: { get(dataId: object): { readonly memoryOffset: number } };
  incRef(dataId: object): void;
  makeOutput(shape: readonly number[], dtype: 'float32'): TensorInfo;
}

export function openWasmKernels({ wasm }: WasmBackend): TrainingKernels {
  return openTrainingKernels({
    memory: wasm.asm.memory,
    allocate(bytes) {
      // Addresses above 2 GiB come out negative.
      const address = wasm._malloc(bytes) >>> 0;
      if (address > 0) return address;
      throw new Failure('out-of-memory', `The wasm engine needs ${(bytes / 1e6).toFixed(0)} MB more than there are.`, {
        hint: 'Use a smaller batch or smaller images.',
      });
    },
    free: (address) => wasm._free(address),
  });
}

/** Own kernels, in place on tfjs-wasm's memory, for what training spends its time on; the rest is portable. */
export function wasmPrimitives(backend: WasmBackend, kernels: TrainingKernels): Primitives {
  const addressOf = ({ dataId }: Tensor): number => backend.dataIdMap.get(dataId).memoryOffset;
  const empty = (shape: readonly number[]): Tensor => {
    const { dataId, dtype } = backend.makeOutput(shape, 'float32');
    return tf.engine().makeTensorFromDataId(dataId, [...shape], dtype);
  };

  // Planning costs more than a small convolution.
  const planned = new Map<string, PlannedConvolution>();
  const plannedOf = (xShape: readonly number[], kernelShape: readonly number[], window: Window): PlannedConvolution => {
    const key = [xShape, kernelShape, window.strides, window.dilations, window.pads].join(';');
    const known = planned.get(key);
    if (known !== undefined) return known;
    const convolution = convolutionOf(xShape, kernelShape, window);
    const yShape = [convolution.images, ...convolution.positions, convolution.outputs];
    const made = { plan: planConvolution(convolution), yShape };
    planned.set(key, made);
    return made;
  };

  // Shapes are given apart from tensors: a depthwise kernel is a grouped one of another shape, value by value.
  const convolved = (x: Tensor, kernel: Tensor, kernelShape: readonly number[], window: Window): Tensor => {
    const { plan, yShape } = plannedOf(shapeOf(x), kernelShape, window);
    const y = empty(yShape);
    convolve(kernels, plan, { x: addressOf(x), kernel: addressOf(kernel), y: addressOf(y) });
    return y;
  };
  const inputGradient = (dy: Tensor, kernel: Tensor, shapes: Shapes, window: Window): Tensor => {
    const dx = empty(shapes.x);
    const { plan } = plannedOf(shapes.x, shapes.kernel, window);
    convolveInputGradient(kernels, plan, { x: addressOf(dx), kernel: addressOf(kernel), y: addressOf(dy) });
    return dx;
  };
  const kernelGradient = (dy: Tensor, x: Tensor, dKernel: Tensor, kernelShape: readonly number[], window: Window): Tensor => {
    const { plan } = plannedOf(shapeOf(x), kernelShape, window);
    convolveKernelGradient(kernels, plan, { x: addressOf(x), kernel: addressOf(dKernel), y: addressOf(dy) });
    return dKernel;
  };

  return {
    ...portable,
    conv2d: (x, kernel, window) => convolved(x, kernel, shapeOf(kernel), window),
    conv2dInputGradient: (dy, kernel, x, window) => inputGradient(dy, kernel, { x, kernel: shapeOf(kernel) }, window),
    conv2dKernelGradient: (dy, x, shape, window) => kernelGradient(dy, x, empty(shape), shape, window),

    depthwise: (x, kernel, window) => convolved(x, kernel, asGrouped(shapeOf(kernel)), window),
    depthwiseInputGradient: (dy, kernel, x, window) => inputGradient(dy, kernel, { x, kernel: asGrouped(shapeOf(kernel)) }, window),
    depthwiseKernelGradient: (dy, x, shape, window) => kernelGradient(dy, x, empty(shape), asGrouped(shape), window),

    batchNorm(x, affine, moving, config) {
      const shape = shapeOf(affine.gamma);
      if (affine.gamma.size < CHANNELS_LEAST) return portable.batchNorm(x, affine, moving, config);
      const y = empty(shapeOf(x));
      const [mean, inverse, newMean, newVariance] = Array.from({ length: 4 }, () => empty(shape));
      const addresses = {
        ...rowsOf(x),
        x: addressOf(x),
        gamma: addressOf(affine.gamma),
        beta: addressOf(affine.beta),
        mean: addressOf(mean),
        inverse: addressOf(inverse),
        y: addressOf(y),
        oldMean: addressOf(moving.mean),
        oldVariance: addressOf(moving.variance),
        newMean: addressOf(newMean),
        newVariance: addressOf(newVariance),
      };
      normalise(kernels, addresses, config.epsilon, config.momentum);
      return { y, mean: newMean, variance: newVariance, saved: [mean, inverse] };
    },
    batchNormGradient(dy, x, gamma, saved, epsilon) {
      if (gamma.size < CHANNELS_LEAST) return portable.batchNormGradient(dy, x, gamma, saved, epsilon);
      const [dx, dGamma, dBeta] = [x, gamma, gamma].map((like) => empty(shapeOf(like)));
      normaliseGradient(kernels, {
        ...rowsOf(x),
        x: addressOf(x),
        gamma: addressOf(gamma),
        mean: addressOf(saved[0]),
        inverse: addressOf(saved[1]),
        dy: addressOf(dy),
        dx: addressOf(dx),
        dGamma: addressOf(dGamma),
        dBeta: addressOf(dBeta),
      });
      return [dx, dGamma, dBeta];
    },

    adamw({ values, first, second }, gradient, decay, step) {
      const [newValues, newFirst, newSecond] = Array.from({ length: 3 }, () => empty(shapeOf(values)));
      kernels.adamw({
        ...step,
        share1: 1 - step.beta1,
        share2: 1 - step.beta2,
        count: values.size,
        values: addressOf(values),
        first: addressOf(first),
        second: addressOf(second),
        gradient: addressOf(gradient),
        decay: decay === undefined ? 0 : addressOf(decay),
        newValues: addressOf(newValues),
        newFirst: addressOf(newFirst),
        newSecond: addressOf(newSecond),
      });
      return { values: newValues, first: newFirst, second: newSecond };
    },

    relu(x, maxValue) {
      const y = empty(shapeOf(x));
      kernels.rectify(addressOf(x), addressOf(y), x.size, maxValue ?? Number.POSITIVE_INFINITY);
      return y;
    },
    reluGradient(dy, y, maxValue) {
      const dx = empty(shapeOf(y));
      kernels.rectifyGradient(addressOf(dy), addressOf(y), addressOf(dx), y.size, maxValue ?? Number.POSITIVE_INFINITY);
      return dx;
    },
  };
}

function rowsOf(x: Tensor): { rows: number; channels: number } {
  const channels = shapeOf(x)[x.rank - 1];
  return { rows: x.size / channels, channels };
}

interface PlannedConvolution {
  readonly plan: ConvolutionPlan;
  readonly yShape: readonly number[];
}

interface Shapes {
  readonly x: readonly number[];
  readonly kernel: readonly number[];
}

/** The shape of a grouped kernel that holds a depthwise one's values in the same order. */
function asGrouped([height, width, channels, multiplier]: readonly number[]): number[] {
  return [height, width, 1, channels * multiplier];
}

function convolutionOf(xShape: readonly number[], kernelShape: readonly number[], window: Window): Convolution {
  const [images, height, width, inputs] = xShape;
  const sides = explicitPads(xShape, kernelShape, window);
  const { strides, dilations } = window;
  const positions = (axis: 0 | 1): number => {
    const size = xShape[axis + 1] + sides[axis][0] + sides[axis][1];
    return Math.floor((size - (kernelShape[axis] - 1) * dilations[axis] - 1) / strides[axis]) + 1;
  };
  return {
    images,
    height,
    width,
    inputs,
    outputs: kernelShape[3],
    groups: inputs / kernelShape[2],
    kernel: [kernelShape[0], kernelShape[1]],
    strides,
    dilations,
    before: [sides[0][0], sides[1][0]],
    positions: [positions(0), positions(1)],
  };
}
