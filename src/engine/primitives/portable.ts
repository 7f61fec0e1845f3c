import { shapeOf, tf } from '../tf.ts';
import type { Tensor } from '../tf.ts';
import { explicitPads, gatherChannels, images, padOrCrop, upsampleWithZeros } from './geometry.ts';
import { bySplitting } from './groups.ts';
import type { Pool, Primitives, Window } from './types.ts';

/**
 * The primitives written from tfjs operations that every backend has; the wasm and cpu backends train with these.
 * tfjs-wasm has no gradient of a kernel, so that is written as a convolution itself (below).
 */
export const portable: Primitives = {
  ...bySplitting({ conv2d: convolve, conv2dInputGradient: inputGradient, conv2dKernelGradient: kernelGradient }),

  depthwise: (x, kernel, window) => {
    const padded = padOrCrop(x, explicitPads(shapeOf(x), shapeOf(kernel), window));
    const y = tf.depthwiseConv2d(images(padded), images(kernel), [...window.strides], 'valid', 'NHWC', [...window.dilations]);
    padded.dispose();
    return y;
  },

  depthwiseInputGradient: (dy, kernel, xShape, window) =>
    tf.tidy(() => {
      const multiplier = shapeOf(kernel)[3];
      const spread = dilated(dy, shapeOf(kernel), xShape, window);
      const turned = tf.reverse(kernel, [0, 1]);
      const perMultiplier = Array.from({ length: multiplier }, (_, m) => {
        const channelsOfPart = Array.from({ length: xShape[3] }, (_, c) => c * multiplier + m);
        const part = gatherChannels(spread, channelsOfPart);
        const taps = tf.slice(turned, [0, 0, 0, m], [...shapeOf(kernel).slice(0, 3), 1]);
        return tf.depthwiseConv2d(images(part), images(taps), 1, 'valid', 'NHWC', [...window.dilations]);
      });
      return tf.addN(perMultiplier);
    }),

  depthwiseKernelGradient: (dy, x, kernelShape, window) =>
    tf.tidy(() => {
      const [height, width, channels, multiplier] = kernelShape;
      const padded = padOrCrop(x, explicitPads(shapeOf(x), kernelShape, window));
      const [, rows, columns] = shapeOf(dy);
      const taps: Tensor[] = [];
      for (let ky = 0; ky < height; ky++) {
        for (let kx = 0; kx < width; kx++) {
          const top = ky * window.dilations[0];
          const left = kx * window.dilations[1];
          const seen = tf.stridedSlice(
            padded,
            [0, top, left, 0],
            [shapeOf(x)[0], top + (rows - 1) * window.strides[0] + 1, left + (columns - 1) * window.strides[1] + 1, channels],
            [1, window.strides[0], window.strides[1], 1],
          );
          const products = tf.mul(tf.expandDims(tf.reshape(seen, [-1, channels]), 2), tf.reshape(dy, [-1, channels, multiplier]));
          taps.push(tf.sum(products, 0));
        }
      }
      return tf.reshape(tf.stack(taps), [...kernelShape]);
    }),

  // Transposed operands are ten times slower than a transpose and a plain product in tfjs-wasm.
  matMul: (a, b, transposeA, transposeB) => tf.tidy(() => tf.matMul(transposeA ? tf.transpose(a) : a, transposeB ? tf.transpose(b) : b)),
  addBias: (x, bias) => tf.add(x, bias),
  sumToBias: (dy) => sumRows(dy),

  batchNorm: (x, { gamma, beta }, moving, { epsilon, momentum }) => {
    const result = tf.tidy(() => {
      const count = x.size / gamma.size;
      const mean = tf.div(sumRows(x), count);
      const variance = tf.div(sumRows(tf.square(tf.sub(x, mean))), count);
      const inverse = tf.rsqrt(tf.add(variance, epsilon));
      const scale = tf.mul(gamma, inverse);
      const y = tf.add(tf.mul(x, scale), tf.sub(beta, tf.mul(mean, scale)));
      const move = (old: Tensor, batch: Tensor): Tensor => tf.add(tf.mul(old, momentum), tf.mul(batch, 1 - momentum));
      const unbiased = tf.mul(variance, count / Math.max(1, count - 1));
      return [y, move(moving.mean, mean), move(moving.variance, unbiased), mean, inverse];
    });
    const [y, mean, variance, ...saved] = result;
    return { y, mean, variance, saved };
  },
  batchNormGradient: (dy, x, gamma, [mean, inverse]) =>
    tf.tidy(() => {
      const count = x.size / gamma.size;
      const normalised = tf.mul(tf.sub(x, mean), inverse);
      const dbeta = sumRows(dy);
      const dgamma = sumRows(tf.mul(dy, normalised));
      const centred = tf.sub(tf.sub(dy, tf.div(dbeta, count)), tf.mul(normalised, tf.div(dgamma, count)));
      return [tf.mul(centred, tf.mul(gamma, inverse)), dgamma, dbeta];
    }),

  relu: (x, maxValue) => {
    if (maxValue === null) return tf.relu(x);
    return maxValue === 6 ? tf.relu6(x) : tf.clipByValue(x, 0, maxValue);
  },
  reluGradient: (dy, y, maxValue) =>
    tf.tidy(() => {
      const open = tf.step(y);
      return tf.mul(dy, maxValue === null ? open : tf.mul(open, tf.step(tf.sub(maxValue, y))));
    }),

  maxPool: (x, { size, strides, pads }) => tf.maxPool(images(x), [...size], [...strides], pads),
  maxPoolGradient: (dy, x, y, pool) => tf.engine().runKernel('MaxPoolGrad', { dy, input: x, output: y }, poolAttributes(pool)),
  averagePool: (x, { size, strides, pads }) => tf.avgPool(images(x), [...size], [...strides], pads),
  averagePoolGradient: (dy, x, pool) =>
    tf.tidy(() => {
      // tfjs's kernel divides by the whole window at the edges too, where its forward leaves padding out.
      const corrected = tf.mul(dy, edgeCorrection(dy, x, pool));
      return tf.engine().runKernel('AvgPoolGrad', { dy: corrected, input: x }, poolAttributes(pool));
    }),

  adamw: ({ values, first, second }, gradient, decay, { beta1, beta2, rate, epsilon, decayRate }) => {
    const [newValues, newFirst, newSecond] = tf.tidy(() => {
      const mean = tf.add(tf.mul(first, beta1), tf.mul(gradient, 1 - beta1));
      const spread = tf.add(tf.mul(second, beta2), tf.mul(tf.square(gradient), 1 - beta2));
      const kept = decay === undefined ? values : tf.sub(values, tf.mul(tf.mul(values, decay), decayRate));
      return [tf.sub(kept, tf.mul(tf.div(mean, tf.add(tf.sqrt(spread), epsilon)), rate)), mean, spread];
    });
    return { values: newValues, first: newFirst, second: newSecond };
  },

  softmaxCrossEntropy: (logits, oneHot) => {
    const [losses, gradient] = tf.tidy(() => {
      const logProbabilities = tf.logSoftmax(logits);
      return [tf.neg(tf.sum(tf.mul(oneHot, logProbabilities), -1)), tf.sub(tf.exp(logProbabilities), oneHot)];
    });
    return { losses, gradient };
  },
};

/** Window size over the number of its positions that lie inside the image, for each output position. */
function edgeCorrection(dy: Tensor, x: Tensor, { size, strides, pads }: Pool): Tensor {
  const window: Window = { strides, dilations: [1, 1], pads };
  const [[top], [left]] = explicitPads(shapeOf(x), size, window);
  const share = (axis: 1 | 2, before: number): number[] =>
    Array.from({ length: shapeOf(dy)[axis] }, (_, at) => {
      const begin = at * strides[axis - 1] - before;
      const end = begin + size[axis - 1];
      return size[axis - 1] / (Math.min(end, shapeOf(x)[axis]) - Math.max(begin, 0));
    });
  const rows = share(1, top);
  const columns = share(2, left);
  return tf.tensor(
    rows.flatMap((row) => columns.map((column) => row * column)),
    [1, rows.length, columns.length, 1],
  );
}

function poolAttributes({ size, strides, pads }: Pool): { filterSize: number[]; strides: number[]; pad: string } {
  return { filterSize: [...size], strides: [...strides], pad: pads };
}

function convolve(x: Tensor, kernel: Tensor, { strides, dilations, pads }: Window): Tensor {
  const explicit: 'same' | 'valid' | [[number, number], [number, number], [number, number], [number, number]] =
    typeof pads === 'string' ? pads : [[0, 0], [...pads[0]], [...pads[1]], [0, 0]];
  return tf.conv2d(images(x), images(kernel), [...strides], explicit, 'NHWC', [...dilations]);
}

/**
 * dy spread by the strides and padded so that a valid convolution with the turned kernel gives the gradient by x,
 * at x's height and width.
 */
function dilated(dy: Tensor, kernelShape: readonly number[], xShape: readonly number[], window: Window): Tensor {
  return tf.tidy(() => {
    const pads = explicitPads(xShape, kernelShape, window);
    const extent = (axis: 0 | 1): number => (shapeOf(dy)[axis + 1] - 1) * window.strides[axis] + 1;
    const spread = upsampleWithZeros(dy, window.strides, extent(0), extent(1));
    const side = (axis: 0 | 1): [number, number] => {
      const reach = (kernelShape[axis] - 1) * window.dilations[axis];
      const before = reach - pads[axis][0];
      return [before, xShape[axis + 1] + reach - extent(axis) - before];
    };
    return padOrCrop(spread, [side(0), side(1)]);
  });
}

function inputGradient(dy: Tensor, kernel: Tensor, xShape: readonly number[], window: Window): Tensor {
  return tf.tidy(() => {
    const turned = tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2]);
    const spread = dilated(dy, shapeOf(kernel), xShape, window);
    return convolve(spread, turned, { strides: [1, 1], dilations: window.dilations, pads: 'valid' });
  });
}

/**
 * dW[ky, kx, i, o] = Σ over examples and positions of x[n, y·s + ky·d, x·s + kx·d, i] · dy[n, y, x, o]: a convolution
 * whose images are x's channels, whose channels are the examples and whose kernel is dy, strides and dilations exchanged.
 */
function kernelGradient(dy: Tensor, x: Tensor, kernelShape: readonly number[], window: Window): Tensor {
  return tf.tidy(() => {
    const pads = explicitPads(shapeOf(x), kernelShape, window);
    const side = (axis: 0 | 1): [number, number] => {
      const used = (kernelShape[axis] - 1) * window.dilations[axis] + (shapeOf(dy)[axis + 1] - 1) * window.strides[axis] + 1;
      return [pads[axis][0], used - shapeOf(x)[axis + 1] - pads[axis][0]];
    };
    const channelsAsImages = tf.transpose(padOrCrop(x, [side(0), side(1)]), [3, 1, 2, 0]);
    const dyAsKernel = tf.transpose(dy, [1, 2, 0, 3]);
    const swapped: Window = { strides: window.dilations, dilations: window.strides, pads: 'valid' };
    return tf.transpose(convolve(channelsAsImages, dyAsKernel, swapped), [1, 2, 0, 3]);
  });
}

/** Sum over all axes but the last, as a product with ones: tfjs-wasm transposes before any other sum. */
function sumRows(x: Tensor): Tensor {
  return tf.tidy(() => {
    const channels = shapeOf(x)[x.rank - 1];
    const rows = tf.reshape(x, [-1, channels]);
    return tf.reshape(tf.matMul(tf.ones([1, shapeOf(rows)[0]]), rows), [channels]);
  });
}
