import type { ActivationName } from '../core/network/types.ts';
import type { Operation } from './operations.ts';
import { gatherChannels } from './primitives/geometry.ts';
import { shapeOf, tf } from './tf.ts';
import type { Tensor } from './tf.ts';

interface ActivationFunction {
  of(x: Tensor): Tensor;
  /** dy times the slope at x, of which y is known. */
  gradient(dy: Tensor, x: Tensor, y: Tensor): Tensor;
}

const hardSigmoid = (x: Tensor): Tensor => tf.div(tf.relu6(tf.add(x, 3)), 6);
/** Φ(x) of the normal distribution. */
const normalShare = (x: Tensor): Tensor => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);
/** 1 where −3 < x < 3. */
const within3 = (x: Tensor): Tensor => tf.step(tf.sub(3, tf.abs(x)));

/** The functions of core's layer table on tensors. Call within tf.tidy. */
const activationFunctions: Readonly<Record<ActivationName, ActivationFunction>> = {
  sigmoid: {
    of: (x) => tf.sigmoid(x),
    gradient: (dy, _, y) => tf.mul(dy, tf.mul(y, tf.sub(1, y))),
  },
  hard_sigmoid: {
    of: hardSigmoid,
    gradient: (dy, x) => tf.mul(dy, tf.div(within3(x), 6)),
  },
  swish: {
    of: (x) => tf.mul(x, tf.sigmoid(x)),
    gradient(dy, x, y) {
      const s = tf.sigmoid(x);
      return tf.mul(dy, tf.add(s, tf.mul(y, tf.sub(1, s))));
    },
  },
  hard_swish: {
    of: (x) => tf.mul(x, hardSigmoid(x)),
    gradient: (dy, x) => tf.mul(dy, tf.add(hardSigmoid(x), tf.mul(tf.div(x, 6), within3(x)))),
  },
  gelu: {
    of: (x) => tf.mul(x, normalShare(x)),
    gradient(dy, x) {
      const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
      return tf.mul(dy, tf.add(normalShare(x), tf.mul(x, density)));
    },
  },
};

/** (x − mean) / √(variance + ε) over the last axis, statistics from the channels in `over` or all; [normalised, 1 / √(…)]. */
function standardise(x: Tensor, epsilon: number, over: readonly number[] | undefined): [Tensor, Tensor] {
  return tf.tidy(() => {
    const counted = over === undefined ? x : gatherChannels(x, over);
    const mean = tf.mean(counted, -1, true);
    const variance = tf.mean(tf.squaredDifference(counted, mean), -1, true);
    const inverse = tf.rsqrt(tf.add(variance, epsilon));
    return [tf.mul(tf.sub(x, mean), inverse), inverse];
  });
}

/** The gradient by x of {@link standardise}'s first result, of which `gradient` is the gradient. */
function standardiseGradient(gradient: Tensor, normalised: Tensor, inverse: Tensor, over: readonly number[] | undefined): Tensor {
  return tf.tidy(() => {
    const channels = shapeOf(normalised).at(-1) ?? 0;
    const counted = over?.length ?? channels;
    const throughMean = tf.sum(gradient, -1, true);
    const throughDeviation = tf.mul(normalised, tf.sum(tf.mul(gradient, normalised), -1, true));
    const throughStatistics = tf.div(tf.add(throughMean, throughDeviation), counted);
    const own = new Set(over);
    const felt =
      over === undefined
        ? throughStatistics
        : tf.mul(throughStatistics, tf.tensor1d(Float32Array.from({ length: channels }, (_, c) => (own.has(c) ? 1 : 0))));
    return tf.mul(inverse, tf.sub(gradient, felt));
  });
}

/** Vectors as images of one position, where the others are images. */
function asFactors(inputs: readonly Tensor[]): Tensor[] {
  const rank = Math.max(...inputs.map((x) => x.rank));
  return inputs.map((x) => (x.rank === rank ? x : tf.reshape(x, [shapeOf(x)[0], 1, 1, shapeOf(x)[1]])));
}

/** The gradient of a product by one of its inputs; where that was one position for all, the sum over them. */
function productGradient(dy: Tensor, inputs: readonly Tensor[], at: number): Tensor {
  return tf.tidy(() => {
    const others = asFactors(inputs).filter((_, place) => place !== at);
    const gradient = tf.mul(
      dy,
      others.reduce((product, x) => tf.mul(product, x)),
    );
    return inputs[at].size === dy.size ? gradient : tf.reshape(tf.sum(gradient, [1, 2]), shapeOf(inputs[at]));
  });
}

export const Activation: Operation<'Activation'> = {
  backwardReads: ['inputs', 'output'],
  forward: (_, { config }, [x]) => tf.tidy(() => activationFunctions[config.activation].of(x)),
  backward: (_, { config }, { inputs: [x], y, dy }) => ({
    inputs: [tf.tidy(() => activationFunctions[config.activation].gradient(dy, x, y))],
  }),
};

export const LayerNormalization: Operation<'LayerNormalization'> = {
  backwardReads: [],
  forward(_, { config, weights: { gamma, beta } }, [x], training) {
    const saved = standardise(x, config.epsilon, config.over);
    const y = tf.tidy(() => tf.add(tf.mul(saved[0], gamma), beta));
    if (training === undefined) tf.dispose(saved);
    else training.save(saved);
    return y;
  },
  backward(p, { config, weights }, { dy, saved: [normalised, inverse] }) {
    const dx = tf.tidy(() => standardiseGradient(tf.mul(dy, weights.gamma), normalised, inverse, config.over));
    return { inputs: [dx], weights: { gamma: tf.tidy(() => p.sumToBias(tf.mul(dy, normalised))), beta: p.sumToBias(dy) } };
  },
};

export const LayerScale: Operation<'LayerScale'> = {
  backwardReads: ['inputs'],
  forward: (_, { weights }, [x]) => tf.mul(x, weights.gamma),
  backward: (p, { weights }, { inputs: [x], dy }) => ({
    inputs: [tf.mul(dy, weights.gamma)],
    weights: { gamma: tf.tidy(() => p.sumToBias(tf.mul(dy, x))) },
  }),
  asScale: (_, { gamma }) => ({ factor: gamma, shift: new Float32Array(gamma.length) }),
};

export const Multiply: Operation<'Multiply'> = {
  backwardReads: ['inputs'],
  forward: (_, _call, inputs) => tf.tidy(() => asFactors(inputs).reduce((product, x) => tf.mul(product, x))),
  backward: (_, _call, { inputs, dy, wanted }) => ({
    inputs: inputs.map((_, at) => (wanted[at] ? productGradient(dy, inputs, at) : undefined)),
  }),
};
