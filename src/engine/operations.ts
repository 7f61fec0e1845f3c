import type { Configs, Kind, Pair } from '../core/network/types.ts';
import type { Random } from '../core/random.ts';
import { Activation, LayerNormalization, LayerScale, Multiply } from './elementwise.ts';
import { gatherChannels, images, scatterChannels, subsample, upsampleWithZeros } from './primitives/geometry.ts';
import type { Pads, Pool, Primitives, Window } from './primitives/types.ts';
import { shapeOf, tf } from './tf.ts';
import type { Tensor } from './tf.ts';

export type Tensors = Readonly<Record<string, Tensor>>;

/** How one layer runs. */
export interface Call<K extends Kind> {
  readonly config: Configs[K];
  readonly weights: Tensors;
  /** Padding taken over from a ZeroPadding2D before it. */
  readonly pads?: Pads;
}

/** What a forward pass that trains asks of a layer besides its output. */
export interface Training {
  /** Whose mean and variance normalise: the batch's, or the moving ones, which then stay as they are. */
  readonly statistics: 'batch' | 'moving';
  /** Instead of each BatchNormalization's own momentum. */
  readonly momentum?: number;
  /** Absent where Dropout passes everything. */
  readonly dropout?: Random;
  /** Keeps tensors for the gradient of this layer. */
  save(tensors: readonly Tensor[]): void;
  /** Replaces weights of this layer that are no parameters. */
  update(weights: Tensors): void;
}

export interface Backward {
  readonly inputs: readonly Tensor[];
  readonly y: Tensor;
  readonly dy: Tensor;
  readonly saved: readonly Tensor[];
  /** For each input, whether its gradient is asked for. */
  readonly wanted: readonly boolean[];
  /** Whether gradients by the layer's own weights are asked for; those that cost little may come unasked. */
  readonly trained: boolean;
  readonly training: Pick<Training, 'statistics'>;
}

export interface Gradients {
  readonly inputs: readonly (Tensor | undefined)[];
  readonly weights?: Tensors;
}

/** What one layer kind is to the engine. Tensors have the batch axis first; every tensor returned is new. */
export interface Operation<K extends Kind> {
  forward(primitives: Primitives, call: Call<K>, inputs: readonly Tensor[], training?: Training): Tensor;
  backward(primitives: Primitives, call: Call<K>, backward: Backward): Gradients;
  /** Whose values `backward` reads; of the others only shapes may be used, since they are freed early. */
  readonly backwardReads: readonly ('inputs' | 'output')[];
  /** True where y is linear in `kernel` (whose last axes are the output channels) plus `bias`, so that more can be fused in. */
  readonly affine?: true;
  /** How the kernel moves, for kinds that can take explicit padding over. */
  window?(config: Configs[K]): Window;
  /** For inference: the same as y · factor + shift per channel. */
  asScale?(config: Configs[K], weights: Readonly<Record<string, Float32Array>>): { factor: Float32Array; shift: Float32Array };
  /** For inference: the same as a ReLU after the layer before it. */
  asActivation?(config: Configs[K]): { readonly maxValue: number | null };
  /** The same as explicit padding of the layer after it. */
  asPadding?(config: Configs[K]): readonly [Pair, Pair];
}

const pool = ({ poolSize, strides, padding }: Configs['MaxPooling2D' | 'AveragePooling2D']): Pool => ({
  size: poolSize,
  strides,
  pads: padding,
});
const window = ({ strides, dilationRate, padding }: Configs['Conv2D' | 'DepthwiseConv2D']): Window => ({
  strides,
  dilations: dilationRate,
  pads: padding,
});
const windowOf = ({ config, pads }: Call<'Conv2D' | 'DepthwiseConv2D'>): Window =>
  pads === undefined ? window(config) : { ...window(config), pads };

function withBias(primitives: Primitives, y: Tensor, bias: Tensor | undefined): Tensor {
  if (bias === undefined) return y;
  const biased = primitives.addBias(y, bias);
  y.dispose();
  return biased;
}

function biasGradient(primitives: Primitives, { weights }: Call<Kind>, dy: Tensor): Tensors {
  return weights.bias === undefined ? {} : { bias: primitives.sumToBias(dy) };
}

/** Spreads one value a channel over the positions of x. */
function spread(perChannel: Tensor, x: Tensor): Tensor {
  return tf.tidy(() => {
    const [count, height, width, channels] = shapeOf(x);
    return tf.tile(tf.reshape(perChannel, [count, 1, 1, channels]), [1, height, width, 1]);
  });
}

/** The only place in the engine that knows layer kinds. */
export const operations: { readonly [K in Kind]: Operation<K> } = {
  Input: {
    backwardReads: [],
    forward: (_, _call, [x]) => tf.clone(x),
    backward: () => ({ inputs: [] }),
  },

  Conv2D: {
    backwardReads: ['inputs'],
    affine: true,
    window,
    forward: (p, call, [x]) => withBias(p, p.conv2d(x, call.weights.kernel, windowOf(call)), call.weights.bias),
    backward(p, call, { inputs: [x], dy, wanted, trained }) {
      const { kernel } = call.weights;
      return {
        inputs: [wanted[0] ? p.conv2dInputGradient(dy, kernel, shapeOf(x), windowOf(call)) : undefined],
        weights: trained ? { kernel: p.conv2dKernelGradient(dy, x, shapeOf(kernel), windowOf(call)), ...biasGradient(p, call, dy) } : {},
      };
    },
  },

  DepthwiseConv2D: {
    backwardReads: ['inputs'],
    affine: true,
    window,
    forward: (p, call, [x]) => withBias(p, p.depthwise(x, call.weights.kernel, windowOf(call)), call.weights.bias),
    backward(p, call, { inputs: [x], dy, wanted, trained }) {
      const { kernel } = call.weights;
      return {
        inputs: [wanted[0] ? p.depthwiseInputGradient(dy, kernel, shapeOf(x), windowOf(call)) : undefined],
        weights: trained ? { kernel: p.depthwiseKernelGradient(dy, x, shapeOf(kernel), windowOf(call)), ...biasGradient(p, call, dy) } : {},
      };
    },
  },

  Dense: {
    backwardReads: ['inputs'],
    affine: true,
    forward: (p, { weights }, [x]) => withBias(p, p.matMul(x, weights.kernel, false, false), weights.bias),
    backward(p, call, { inputs: [x], dy, wanted, trained }) {
      return {
        inputs: [wanted[0] ? p.matMul(dy, call.weights.kernel, false, true) : undefined],
        weights: trained ? { kernel: p.matMul(x, dy, true, false), ...biasGradient(p, call, dy) } : {},
      };
    },
  },

  BatchNormalization: {
    backwardReads: ['inputs'],
    forward(p, { config, weights: { gamma, beta, moving_mean: mean, moving_variance: variance } }, [x], training) {
      if (training?.statistics !== 'batch') return tf.batchNorm(x, mean, variance, beta, gamma, config.epsilon);
      const momentum = training.momentum ?? config.momentum;
      const result = p.batchNorm(x, { gamma, beta }, { mean, variance }, { epsilon: config.epsilon, momentum });
      training.save(result.saved);
      training.update({ moving_mean: result.mean, moving_variance: result.variance });
      return result.y;
    },
    backward(p, { config, weights }, { inputs: [x], dy, saved, training }) {
      if (training.statistics === 'batch') {
        const [dx, gamma, beta] = p.batchNormGradient(dy, x, weights.gamma, saved, config.epsilon);
        return { inputs: [dx], weights: { gamma, beta } };
      }
      const scale = (): Tensor => tf.mul(weights.gamma, tf.rsqrt(tf.add(weights.moving_variance, config.epsilon)));
      return { inputs: [tf.tidy(() => tf.mul(dy, scale()))] };
    },
    asScale({ epsilon }, { gamma, beta, moving_mean: mean, moving_variance: variance }) {
      const factor = gamma.map((g, c) => g / Math.sqrt(variance[c] + epsilon));
      return { factor, shift: beta.map((b, c) => b - mean[c] * factor[c]) };
    },
  },

  ReLU: {
    backwardReads: ['output'],
    forward: (p, { config }, [x]) => p.relu(x, config.maxValue),
    backward: (p, { config }, { y, dy }) => ({ inputs: [p.reluGradient(dy, y, config.maxValue)] }),
    asActivation: ({ maxValue }) => ({ maxValue }),
  },

  MaxPooling2D: {
    backwardReads: ['inputs', 'output'],
    forward: (p, { config }, [x]) => p.maxPool(x, pool(config)),
    backward: (p, { config }, { inputs: [x], y, dy }) => ({ inputs: [p.maxPoolGradient(dy, x, y, pool(config))] }),
  },

  AveragePooling2D: {
    backwardReads: [],
    forward: (p, { config }, [x]) => p.averagePool(x, pool(config)),
    backward: (p, { config }, { inputs: [x], dy }) => ({ inputs: [p.averagePoolGradient(dy, x, pool(config))] }),
  },

  GlobalAveragePooling2D: {
    backwardReads: [],
    forward: (_, _call, [x]) => tf.mean(x, [1, 2]),
    backward: (_, _call, { inputs: [x], dy }) => ({
      inputs: [tf.tidy(() => spread(tf.div(dy, shapeOf(x)[1] * shapeOf(x)[2]), x))],
    }),
  },

  // The gradient is shared equally by positions that tie, as TensorFlow's is.
  GlobalMaxPooling2D: {
    backwardReads: ['inputs', 'output'],
    forward: (_, _call, [x]) => tf.max(x, [1, 2]),
    backward: (_, _call, { inputs: [x], y, dy }) => ({
      inputs: [
        tf.tidy(() => {
          const atMaximum = tf.cast(tf.equal(x, spread(y, x)), 'float32');
          return tf.mul(atMaximum, spread(tf.div(dy, tf.sum(atMaximum, [1, 2])), x));
        }),
      ],
    }),
  },

  Add: {
    backwardReads: [],
    forward: (_, _call, inputs) => (inputs.length === 2 ? tf.add(inputs[0], inputs[1]) : tf.addN([...inputs])),
    backward: (_, _call, { inputs, dy }) => ({ inputs: inputs.map(() => tf.clone(dy)) }),
  },

  Concatenate: {
    backwardReads: [],
    forward: (_, _call, inputs) => tf.concat([...inputs], inputs[0].rank - 1),
    backward: (_, _call, { inputs, dy }) => ({
      inputs: tf.split(
        dy,
        inputs.map((input) => shapeOf(input)[input.rank - 1]),
        dy.rank - 1,
      ),
    }),
  },

  ZeroPadding2D: {
    backwardReads: [],
    forward: (_, { config }, [x]) => tf.pad(images(x), [[0, 0], [...config.padding[0]], [...config.padding[1]], [0, 0]]),
    backward: (_, { config: { padding } }, { inputs: [x], dy }) => ({
      inputs: [tf.slice(images(dy), [0, padding[0][0], padding[1][0], 0], [...shapeOf(images(x))])],
    }),
    asPadding: ({ padding }) => padding,
  },

  Flatten: {
    backwardReads: [],
    forward: (_, _call, [x]) => tf.reshape(x, [shapeOf(x)[0], x.size / shapeOf(x)[0]]),
    backward: (_, _call, { inputs: [x], dy }) => ({ inputs: [tf.reshape(dy, shapeOf(x))] }),
  },

  // Inverted: what stays is scaled up while training, so that inference has nothing to do.
  Dropout: {
    backwardReads: [],
    forward(_, { config: { rate } }, [x], training) {
      const random = training?.dropout;
      if (training === undefined || random === undefined || rate === 0) return tf.clone(x);
      const values = Float32Array.from({ length: x.size }, () => (random.next() < rate ? 0 : 1 / (1 - rate)));
      const mask = tf.tensor(values, shapeOf(x));
      training.save([mask]);
      return tf.mul(x, mask);
    },
    backward: (_, _call, { dy, saved: [mask] }) => ({ inputs: [mask === undefined ? tf.clone(dy) : tf.mul(dy, mask)] }),
  },

  Softmax: {
    backwardReads: ['output'],
    forward: (_, _call, [x]) => tf.softmax(x),
    backward: (_, _call, { y, dy }) => ({
      inputs: [tf.tidy(() => tf.mul(y, tf.sub(dy, tf.sum(tf.mul(dy, y), -1, true))))],
    }),
  },

  ChannelMap: {
    backwardReads: [],
    forward: (_, { config }, [x]) => tf.tidy(() => gatherChannels(subsample(x, config.strides), config.map)),
    backward: (_, { config }, { inputs: [x], dy }) => ({
      inputs: [
        tf.tidy(() => {
          const [, height, width, channels] = shapeOf(x);
          return upsampleWithZeros(scatterChannels(dy, config.map, channels), config.strides, height, width);
        }),
      ],
    }),
  },

  Activation,
  LayerNormalization,
  LayerScale,
  Multiply,

  ChannelGather: {
    backwardReads: [],
    forward: (_, { config }, [x]) => gatherChannels(x, config.indices),
    backward: (_, { config }, { inputs: [x], dy }) => ({
      inputs: [scatterChannels(dy, config.indices, shapeOf(x)[x.rank - 1])],
    }),
  },
};
