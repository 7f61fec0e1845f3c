import { shapeOf, tf } from '../tf.ts';
import type { Tensor } from '../tf.ts';
import { portable } from './portable.ts';
import { padOrCrop } from './geometry.ts';
import type { Sides } from './geometry.ts';
import { bySplitting } from './groups.ts';
import type { Pads, Pool, Primitives, Window } from './types.ts';

/** The parts of tfjs-node's backend that run a TensorFlow op by name. */
export interface TensorflowBackend {
  readonly isUsingGpuDevice: boolean;
  readonly binding: Readonly<
    Record<'TF_FLOAT' | 'TF_INT32' | 'TF_ATTR_STRING' | 'TF_ATTR_INT' | 'TF_ATTR_FLOAT' | 'TF_ATTR_BOOL' | 'TF_ATTR_TYPE', number>
  > & {
    readonly TF_Version: string;
  };
  executeSingleOutput(name: string, attributes: readonly Attribute[], inputs: readonly Tensor[]): Tensor;
  executeMultipleOutputs(name: string, attributes: readonly Attribute[], inputs: readonly Tensor[], outputs: number): Tensor[];
}

interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: boolean | number | string | readonly number[];
}

/**
 * TensorFlow's own ops, called by name: one op where tfjs composes several (BatchNorm 1 instead of 12, ReLU's
 * gradient 1 instead of 2), and grouped convolutions, which tf.conv2d refuses.
 */
export function tensorflowPrimitives(backend: TensorflowBackend): Primitives {
  const { binding } = backend;
  const type = (name: string, value = binding.TF_FLOAT): Attribute => ({ name, type: binding.TF_ATTR_TYPE, value });
  const string = (name: string, value: string): Attribute => ({ name, type: binding.TF_ATTR_STRING, value });
  const ints = (name: string, value: readonly number[]): Attribute => ({ name, type: binding.TF_ATTR_INT, value });
  const float = (name: string, value: number): Attribute => ({ name, type: binding.TF_ATTR_FLOAT, value });
  const bool = (name: string, value: boolean): Attribute => ({ name, type: binding.TF_ATTR_BOOL, value });

  const T = [type('T')];
  const nhwc = string('data_format', 'NHWC');

  const padding = (pads: Pads): Attribute[] =>
    typeof pads === 'string'
      ? [string('padding', pads.toUpperCase())]
      : [string('padding', 'EXPLICIT'), ints('explicit_paddings', [0, 0, ...pads[0], ...pads[1], 0, 0])];
  const windowAttributes = ({ strides, dilations, pads }: Window): Attribute[] => [
    ...T,
    ints('strides', [1, ...strides, 1]),
    ints('dilations', [1, ...dilations, 1]),
    nhwc,
    ...padding(pads),
  ];
  const poolAttributes = ({ size, strides, pads }: Pool): Attribute[] => [
    ...T,
    ints('ksize', [1, ...size, 1]),
    ints('strides', [1, ...strides, 1]),
    nhwc,
    ...padding(pads),
  ];
  const withShape = <R>(shape: readonly number[], use: (tensor: Tensor) => R): R => {
    const tensor = tf.tensor1d([...shape], 'int32');
    try {
      return use(tensor);
    } finally {
      tensor.dispose();
    }
  };
  const one = backend.executeSingleOutput.bind(backend);
  const several = backend.executeMultipleOutputs.bind(backend);
  const normAttributes = (epsilon: number): Attribute[] => [...T, type('U'), float('epsilon', epsilon), nhwc, bool('is_training', true)];
  // FusedBatchNorm wants four axes; a batch of vectors is a batch of 1×1 images.
  const asImages = <R>(tensors: readonly Tensor[], use: (images: Tensor[]) => R): R => {
    if (tensors[0].rank === 4) return use([...tensors]);
    const images = tensors.map((t) => tf.reshape(t, [shapeOf(t)[0], 1, 1, shapeOf(t)[1] ?? 1]));
    const result = use(images);
    tf.dispose(images);
    return result;
  };
  const likeThe = (original: Tensor, result: Tensor): Tensor => {
    if (original.rank === 4) return result;
    const shaped = tf.reshape(result, shapeOf(original));
    result.dispose();
    return shaped;
  };

  const direct: Primitives = {
    conv2d: (x, kernel, window) => one('Conv2D', windowAttributes(window), [x, kernel]),
    conv2dInputGradient: (dy, kernel, xShape, window) =>
      withShape(xShape, (sizes) => one('Conv2DBackpropInput', windowAttributes(window), [sizes, kernel, dy])),
    conv2dKernelGradient: (dy, x, kernelShape, window) =>
      withShape(kernelShape, (sizes) => one('Conv2DBackpropFilter', windowAttributes(window), [x, sizes, dy])),

    depthwise: (x, kernel, window) => one('DepthwiseConv2dNative', windowAttributes(window), [x, kernel]),
    depthwiseInputGradient: (dy, kernel, xShape, window) =>
      withShape(xShape, (sizes) => one('DepthwiseConv2dNativeBackpropInput', windowAttributes(window), [sizes, kernel, dy])),
    depthwiseKernelGradient: (dy, x, kernelShape, window) =>
      withShape(kernelShape, (sizes) => one('DepthwiseConv2dNativeBackpropFilter', windowAttributes(window), [x, sizes, dy])),

    matMul: (a, b, transposeA, transposeB) =>
      one('MatMul', [...T, bool('transpose_a', transposeA), bool('transpose_b', transposeB)], [a, b]),
    addBias: (x, bias) => one('BiasAdd', [...T, nhwc], [x, bias]),
    sumToBias: (dy) => one('BiasAddGrad', [...T, nhwc], [dy]),

    batchNorm: (x, { gamma, beta }, { mean, variance }, { epsilon, momentum }) =>
      asImages([x], ([images]) => {
        const attributes = [...normAttributes(epsilon), float('exponential_avg_factor', 1 - momentum)];
        const [y, newMean, newVariance, ...saved] = several('FusedBatchNormV3', attributes, [images, gamma, beta, mean, variance], 6);
        return { y: likeThe(x, y), mean: newMean, variance: newVariance, saved };
      }),
    batchNormGradient: (dy, x, gamma, saved, epsilon) =>
      asImages([dy, x], ([dyImages, images]) => {
        const [dx, dgamma, dbeta, ...unused] = several(
          'FusedBatchNormGradV3',
          normAttributes(epsilon),
          [dyImages, images, gamma, ...saved],
          5,
        );
        tf.dispose(unused);
        return [likeThe(x, dx), dgamma, dbeta];
      }),

    relu: (x, maxValue) => {
      if (maxValue === null) return one('Relu', T, [x]);
      if (maxValue === 6) return one('Relu6', T, [x]);
      return portable.relu(x, maxValue);
    },
    reluGradient: (dy, y, maxValue) => {
      if (maxValue === null) return one('ReluGrad', T, [dy, y]);
      if (maxValue === 6) return one('Relu6Grad', T, [dy, y]);
      return portable.reluGradient(dy, y, maxValue);
    },

    maxPool: (x, pool) => one('MaxPool', poolAttributes(pool), [x]),
    maxPoolGradient: (dy, x, y, pool) => one('MaxPoolGrad', poolAttributes(pool), [x, y, dy]),
    averagePool: (x, pool) => one('AvgPool', poolAttributes(pool), [x]),
    averagePoolGradient: (dy, x, pool) => withShape(shapeOf(x), (sizes) => one('AvgPoolGrad', poolAttributes(pool), [sizes, dy])),

    adamw: portable.adamw,

    softmaxCrossEntropy: (logits, oneHot) => {
      const [losses, gradient] = several('SoftmaxCrossEntropyWithLogits', T, [logits, oneHot], 2);
      return { losses, gradient };
    },
  };
  return withDilatedDepthwise(groupsWork(direct) ? withPaddedGroups(direct) : { ...direct, ...bySplitting(direct) });
}

/** TensorFlow leaves explicit padding to its own kernels, which have no gradient of a grouped convolution: padded before. */
function withPaddedGroups(direct: Primitives): Primitives {
  const apart = (channels: number, kernelShape: readonly number[], { pads }: Window): Sides | undefined =>
    channels === kernelShape[2] || typeof pads === 'string' ? undefined : pads;
  return {
    ...direct,
    conv2dInputGradient(dy, kernel, xShape, window) {
      const pads = apart(xShape[3], shapeOf(kernel), window);
      if (pads === undefined) return direct.conv2dInputGradient(dy, kernel, xShape, window);
      const [[top, bottom], [left, right]] = pads;
      const [count, height, width, channels] = xShape;
      const padded = [count, height + top + bottom, width + left + right, channels];
      return tf.tidy(() =>
        padOrCrop(direct.conv2dInputGradient(dy, kernel, padded, { ...window, pads: 'valid' }), [
          [-top, -bottom],
          [-left, -right],
        ]),
      );
    },
    conv2dKernelGradient(dy, x, kernelShape, window) {
      const pads = apart(shapeOf(x)[3], kernelShape, window);
      if (pads === undefined) return direct.conv2dKernelGradient(dy, x, kernelShape, window);
      return tf.tidy(() => direct.conv2dKernelGradient(dy, padOrCrop(x, pads), kernelShape, { ...window, pads: 'valid' }));
    },
  };
}

/** oneDNN refuses the gradients of a dilated depthwise convolution, but not of the grouped one that is the same. */
function withDilatedDepthwise(direct: Primitives): Primitives {
  const dilated = ({ dilations }: Window): boolean => dilations[0] > 1 || dilations[1] > 1;
  const groupedShape = ([height, width, channels, multiplier]: readonly number[]): number[] => [height, width, 1, channels * multiplier];
  const asGrouped = (kernel: Tensor): Tensor => tf.reshape(kernel, groupedShape(shapeOf(kernel)));
  return {
    ...direct,
    depthwise: (x, kernel, window) =>
      dilated(window) ? tf.tidy(() => direct.conv2d(x, asGrouped(kernel), window)) : direct.depthwise(x, kernel, window),
    depthwiseInputGradient: (dy, kernel, xShape, window) =>
      dilated(window)
        ? tf.tidy(() => direct.conv2dInputGradient(dy, asGrouped(kernel), xShape, window))
        : direct.depthwiseInputGradient(dy, kernel, xShape, window),
    depthwiseKernelGradient: (dy, x, kernelShape, window) =>
      dilated(window)
        ? tf.tidy(() => tf.reshape(direct.conv2dKernelGradient(dy, x, groupedShape(kernelShape), window), [...kernelShape]))
        : direct.depthwiseKernelGradient(dy, x, kernelShape, window),
  };
}

/** Grouped convolutions and their gradients need oneDNN, which a processor may lack or a variable turn off. */
function groupsWork(direct: Primitives): boolean {
  return tf.tidy(() => {
    try {
      const window: Window = { strides: [1, 1], dilations: [1, 1], pads: 'same' };
      const x = tf.ones([1, 2, 2, 4]);
      const kernel = tf.ones([1, 1, 2, 4]);
      const y = direct.conv2d(x, kernel, window);
      direct.conv2dInputGradient(y, kernel, shapeOf(x), window);
      direct.conv2dKernelGradient(y, x, shapeOf(kernel), window);
      return y.dataSync().every((value) => value === 2);
    } catch {
      return false;
    }
  });
}
