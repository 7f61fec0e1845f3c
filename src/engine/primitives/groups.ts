import { shapeOf, tf } from '../tf.ts';
import type { Tensor } from '../tf.ts';
import type { Primitives } from './types.ts';

type Convolutions = Pick<Primitives, 'conv2d' | 'conv2dInputGradient' | 'conv2dKernelGradient'>;

/** Grouped convolutions and their gradients out of ordinary ones: split by group, run, joined along the channels. */
export function bySplitting({ conv2d, conv2dInputGradient, conv2dKernelGradient }: Convolutions): Convolutions {
  return {
    conv2d(x, kernel, window) {
      const groups = shapeOf(x)[3] / shapeOf(kernel)[2];
      return joined(groups, [x, kernel], ([x, kernel]) => conv2d(x, kernel, window));
    },
    conv2dInputGradient(dy, kernel, xShape, window) {
      const groups = xShape[3] / shapeOf(kernel)[2];
      const partShape = xShape.with(3, shapeOf(kernel)[2]);
      return joined(groups, [dy, kernel], ([dy, kernel]) => conv2dInputGradient(dy, kernel, partShape, window));
    },
    conv2dKernelGradient(dy, x, kernelShape, window) {
      const groups = shapeOf(x)[3] / kernelShape[2];
      const partShape = kernelShape.with(3, kernelShape[3] / groups);
      return joined(groups, [dy, x], ([dy, x]) => conv2dKernelGradient(dy, x, partShape, window));
    },
  };
}

function joined(groups: number, tensors: readonly Tensor[], run: (parts: readonly Tensor[]) => Tensor): Tensor {
  if (groups === 1) return run(tensors);
  return tf.tidy(() => {
    const parts = tensors.map((tensor) => tf.split(tensor, groups, tensor.rank - 1));
    const results = Array.from({ length: groups }, (_, group) => run(parts.map((part) => part[group])));
    return tf.concat(results, results[0].rank - 1);
  });
}
