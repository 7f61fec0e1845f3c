import { Failure } from '../../core/failure.ts';
import { convolve, convolveInputGradient, convolveKernelGradient } from '../../kernels/convolution.ts';
import type { Convolution } from '../../kernels/convolution.ts';
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

  return {
    ...portable,
    conv2d(x, kernel, window) {
      const convolution = convolutionOf(shapeOf(x), shapeOf(kernel), window);
      const y = empty([convolution.images, ...convolution.positions, convolution.outputs]);
      convolve(kernels, convolution, { x: addressOf(x), kernel: addressOf(kernel), y: addressOf(y) });
      return y;
    },
    conv2dInputGradient(dy, kernel, xShape, window) {
      const dx = empty(xShape);
      const convolution = convolutionOf(xShape, shapeOf(kernel), window);
      convolveInputGradient(kernels, convolution, { x: addressOf(dx), kernel: addressOf(kernel), y: addressOf(dy) });
      return dx;
    },
    conv2dKernelGradient(dy, x, kernelShape, window) {
      const dKernel = empty(kernelShape);
      const convolution = convolutionOf(shapeOf(x), kernelShape, window);
      convolveKernelGradient(kernels, convolution, { x: addressOf(x), kernel: addressOf(dKernel), y: addressOf(dy) });
      return dKernel;
    },
  };
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
