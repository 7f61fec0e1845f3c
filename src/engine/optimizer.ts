import { sizeOf } from '../core/network/index.ts';
import { tf } from './tf.ts';
import type { Tensor } from './tf.ts';
import type { Recipe } from './types.ts';

const BETA_1 = 0.9;
const BETA_2 = 0.999;
const EPSILON = 1e-8;

export interface Parameter {
  readonly key: string;
  readonly shape: readonly number[];
  readonly decay: boolean;
}

/** All parameters, one after the other, and as long for each moment that the rule keeps. */
export interface FlatState {
  readonly step: number;
  readonly values: Float32Array;
  readonly moments: readonly Float32Array[];
}

type OptimizerChoice = NonNullable<Recipe['optimizer']>;

/** How one method turns the gradients of step 1, 2, … into the way to go. Call within tf.tidy. */
interface Rule {
  readonly moments: number;
  /** The values move by −learning rate · factor · direction. */
  move(gradient: Tensor, moments: readonly Tensor[], step: number): { direction: Tensor; factor: number; moments: Tensor[] };
}

const rules: { readonly [K in OptimizerChoice['kind']]: (choice: Extract<OptimizerChoice, { kind: K }>) => Rule } = {
  /** Loshchilov and Hutter 2019, algorithm 2. */
  adamw: () => ({
    moments: 2,
    move(gradient, [first, second], step) {
      const newFirst = tf.add(tf.mul(first, BETA_1), tf.mul(gradient, 1 - BETA_1));
      const newSecond = tf.add(tf.mul(second, BETA_2), tf.mul(tf.square(gradient), 1 - BETA_2));
      // m̂ / (√v̂ + ε) with both bias corrections moved into the two scalars.
      const root = Math.sqrt(1 - BETA_2 ** step);
      const direction = tf.div(newFirst, tf.add(tf.sqrt(newSecond), EPSILON * root));
      return { direction, factor: root / (1 - BETA_1 ** step), moments: [newFirst, newSecond] };
    },
  }),
  /** Nesterov's momentum as Sutskever et al. 2013 rewrite it, in the form that deep learning libraries share. */
  sgd: ({ momentum }) => ({
    moments: 1,
    move(gradient, [velocity]) {
      const newVelocity = tf.add(tf.mul(velocity, momentum), gradient);
      return { direction: tf.add(gradient, tf.mul(newVelocity, momentum)), factor: 1, moments: [newVelocity] };
    },
  }),
};

function ruleOf(choice: OptimizerChoice = { kind: 'adamw' }): Rule {
  // The table ties kind and choice together, which an indexed access cannot say.
  return (rules[choice.kind] as (choice: OptimizerChoice) => Rule)(choice);
}

/** How many vectors the length of the parameters an optimizer keeps beside them. */
export const momentsOf = ({ optimizer }: Pick<Recipe, 'optimizer'>): number => ruleOf(optimizer).moments;

/**
 * The recipe's rule with every parameter in one flat vector: a dozen operations a step in all and not for each parameter.
 * Weight decay is decoupled and left out where a parameter says so.
 */
export interface Optimizer {
  /** The parameters as they now are, by key; they belong to the optimizer and last until the next update. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  /** The same as one vector, with the same life. */
  flat(): Tensor;
  /** Updates done. */
  steps(): number;
  /**
   * One step down the gradients, one for every parameter.
   * @param penalty from all values, what is added to their gradient after clipping
   */
  update(gradients: ReadonlyMap<string, Tensor>, learningRate: number, penalty?: (values: Tensor) => Tensor): void;
  /** Puts other values in the place of all; moments stay. */
  assign(values: Float32Array): void;
  state(): FlatState;
  dispose(): void;
}

export function createOptimizer(
  parameters: readonly Parameter[],
  { optimizer, weightDecay, clipNorm }: Pick<Recipe, 'optimizer' | 'weightDecay' | 'clipNorm'>,
  from: FlatState,
): Optimizer {
  const rule = ruleOf(optimizer);
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
  /** Values, then the moments. */
  let flat: Tensor[] = [from.values, ...from.moments].map((data) => tf.tensor1d(data.slice()));
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
    flat: () => flat[0],
    steps: () => step,
    update(gradients, learningRate, penalty) {
      step++;
      const old = flat;
      flat = tf.tidy(() => {
        const [values, ...moments] = old;
        const ofLoss = clipped(tf.concat(parameters.map(({ key }) => flattened(gradients, key))), clipNorm);
        const gradient = penalty === undefined ? ofLoss : tf.add(ofLoss, penalty(values));
        const { direction, factor, moments: newMoments } = rule.move(gradient, moments, step);
        const kept = decay === undefined ? values : tf.sub(values, tf.mul(tf.mul(values, decay), learningRate));
        return [tf.sub(kept, tf.mul(direction, learningRate * factor)), ...newMoments];
      });
      flat.forEach((tensor) => tf.keep(tensor));
      tf.dispose(old);
      spread(flat[0]);
    },
    assign(values) {
      flat[0].dispose();
      flat[0] = tf.tensor1d(values.slice());
      spread(flat[0]);
    },
    state() {
      const [values, ...moments] = flat.map((tensor) => tensor.dataSync<'float32'>());
      return { step, values, moments };
    },
    dispose() {
      tf.dispose([...flat, ...tensors.values()]);
      decay?.dispose();
    },
  };
}

/** The gradient at most as long as `norm` (Pascanu et al. 2013). */
function clipped(gradient: Tensor, norm: number | undefined): Tensor {
  if (norm === undefined) return gradient;
  const length = tf.sqrt(tf.sum(tf.square(gradient)));
  return tf.mul(gradient, tf.div(norm, tf.maximum(length, norm)));
}

function flattened(gradients: ReadonlyMap<string, Tensor>, key: string): Tensor {
  const gradient = gradients.get(key);
  if (gradient === undefined) throw new Error(`No gradient of "${key}".`);
  return gradient.rank === 1 ? gradient : tf.reshape(gradient, [-1]);
}
