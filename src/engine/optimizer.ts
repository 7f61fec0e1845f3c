import { sizeOf } from '../core/network/index.ts';
import { tf } from './tf.ts';
import type { Tensor } from './tf.ts';

const BETA_1 = 0.9;
const BETA_2 = 0.999;
const EPSILON = 1e-8;

export interface Parameter {
  readonly key: string;
  readonly shape: readonly number[];
  readonly decay: boolean;
}

export interface FlatState {
  readonly step: number;
  readonly values: Float32Array;
  readonly firstMoment: Float32Array;
  readonly secondMoment: Float32Array;
}

/**
 * AdamW (Loshchilov and Hutter 2019, algorithm 2) with every parameter in one flat vector: a dozen operations a step
 * in all and not for each parameter. Weight decay is decoupled and left out where a parameter says so.
 */
export interface Optimizer {
  /** The parameters as they now are, by key; they belong to the optimizer and last until the next update. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** One step down the gradients, one for every parameter. */
  update(gradients: ReadonlyMap<string, Tensor>, learningRate: number): void;
  state(): FlatState;
  dispose(): void;
}

export function createOptimizer(parameters: readonly Parameter[], weightDecay: number, from: FlatState): Optimizer {
  const sizes = parameters.map(({ shape }) => sizeOf(shape));
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const decayed = new Float32Array(total);
  let offset = 0;
  for (const [at, { decay }] of parameters.entries()) {
    if (decay) decayed.fill(weightDecay, offset, offset + sizes[at]);
    offset += sizes[at];
  }

  let step = from.step;
  const decay = weightDecay === 0 ? undefined : tf.tensor1d(decayed);
  // values, first and second moment
  let flat: Tensor[] = [from.values, from.firstMoment, from.secondMoment].map((data) => tf.tensor1d(data.slice()));
  const tensors = new Map<string, Tensor>();
  const spread = (values: Tensor): void => {
    tf.dispose([...tensors.values()]);
    for (const [at, part] of tf.split(values, sizes).entries()) {
      const { key, shape } = parameters[at];
      tensors.set(key, tf.keep(shape.length === 1 ? part : tf.reshape(part, [...shape])));
      if (shape.length !== 1) part.dispose();
    }
  };
  spread(flat[0]);

  return {
    tensors,
    update(gradients, learningRate) {
      step++;
      const old = flat;
      flat = tf.tidy(() => {
        const [values, first, second] = old;
        const gradient = tf.concat(parameters.map(({ key }) => flattened(gradients, key)));
        const newFirst = tf.add(tf.mul(first, BETA_1), tf.mul(gradient, 1 - BETA_1));
        const newSecond = tf.add(tf.mul(second, BETA_2), tf.mul(tf.square(gradient), 1 - BETA_2));
        // m̂ / (√v̂ + ε) with both bias corrections moved into the two scalars.
        const root = Math.sqrt(1 - BETA_2 ** step);
        const direction = tf.div(newFirst, tf.add(tf.sqrt(newSecond), EPSILON * root));
        const move = tf.mul(direction, (learningRate * root) / (1 - BETA_1 ** step));
        const kept = decay === undefined ? values : tf.sub(values, tf.mul(tf.mul(values, decay), learningRate));
        return [tf.sub(kept, move), newFirst, newSecond];
      });
      flat.forEach((tensor) => tf.keep(tensor));
      tf.dispose(old);
      spread(flat[0]);
    },
    state() {
      const [values, firstMoment, secondMoment] = flat.map((tensor) => tensor.dataSync<'float32'>());
      return { step, values, firstMoment, secondMoment };
    },
    dispose() {
      tf.dispose([...flat, ...tensors.values()]);
      decay?.dispose();
    },
  };
}

function flattened(gradients: ReadonlyMap<string, Tensor>, key: string): Tensor {
  const gradient = gradients.get(key);
  if (gradient === undefined) throw new Error(`No gradient of "${key}".`);
  return gradient.rank === 1 ? gradient : tf.reshape(gradient, [-1]);
}
