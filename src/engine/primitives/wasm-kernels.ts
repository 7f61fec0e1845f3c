import type { NamedAttrMap } from '@tensorflow/tfjs-core';
import type { TrainingKernels } from '../../kernels/training.ts';
import { tf } from '../tf.ts';
import type { TensorInfo } from '../tf.ts';
import type { WasmBackend } from './wasm.ts';

const FLOAT = 4;

/** Undefined for what it leaves to the kernel of tfjs. */
type Kernel = (x: TensorInfo, attributes: NamedAttrMap) => TensorInfo | TensorInfo[] | undefined;

/**
 * Replaces kernels of tfjs-wasm that copy more than they need to: Identity copies what could be shared, SplitV copies the
 * whole tensor for each part, and Tile goes value by value.
 */
export function replaceSlowKernels(backend: WasmBackend, kernels: TrainingKernels): void {
  const addressOf = ({ dataId }: TensorInfo): number => backend.dataIdMap.get(dataId).memoryOffset;

  // Nothing in the engine writes into a tensor, so that a clone may share its memory.
  replace('Identity', (x) => {
    if (x.dtype === 'string') return undefined;
    backend.incRef(x.dataId);
    return { dataId: x.dataId, shape: x.shape, dtype: x.dtype };
  });

  replace('SplitV', (x, { numOrSizeSplits, axis }) => {
    const sizes = Array.isArray(numOrSizeSplits) ? numOrSizeSplits.map(Number) : [];
    if (x.dtype !== 'float32' || x.shape.length !== 1 || axis !== 0 || sizes.length === 0 || sizes.some((size) => size < 0))
      return undefined;
    let from = addressOf(x);
    return sizes.map((size) => {
      const part = backend.makeOutput([size], 'float32');
      kernels.copy(from, addressOf(part), size * FLOAT);
      from += size * FLOAT;
      return part;
    });
  });

  // One pixel an image spread over all its positions, as the gradient of a global average does.
  replace('Tile', (x, { reps }) => {
    const [images, height, width, channels] = x.shape;
    const [once, rows, columns, each] = Array.isArray(reps) ? reps.map(Number) : [];
    if (x.dtype !== 'float32' || x.shape.length !== 4 || height * width !== 1 || once !== 1 || each !== 1) return undefined;
    const y = backend.makeOutput([images, rows, columns, channels], 'float32');
    const pixel = channels * FLOAT;
    const image = rows * columns * pixel;
    for (let n = 0; n < images; n++) {
      const to = addressOf(y) + n * image;
      kernels.copy(addressOf(x) + n * pixel, to, pixel);
      // What is there is doubled until the image is full.
      for (let filled = pixel; filled < image; filled *= 2) kernels.copy(to, to + filled, Math.min(filled, image - filled));
    }
    return y;
  });
}

function replace(kernelName: string, own: Kernel): void {
  const original = tf.getKernel(kernelName, 'wasm');
  tf.unregisterKernel(kernelName, 'wasm');
  tf.registerKernel({
    ...original,
    kernelFunc(given) {
      const { x } = given.inputs;
      return (x === undefined ? undefined : own(x, given.attrs ?? {})) ?? original.kernelFunc(given);
    },
  });
}
