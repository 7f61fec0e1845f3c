import { sizeOf } from '../core/network/index.ts';
import type { Primitives } from './primitives/types.ts';
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

interface Step {
  /** 1, 2, … */
  readonly number: number;
  readonly learningRate: number;
  /** Weight decay of each value. */
  readonly decay: Tensor | undefined;
}

/** How one method turns the values, its moments and a gradient into the next ones. Call within tf.tidy. */
interface Rule {
  readonly moments: number;
  move(primitives: Primitives, old: readonly Tensor[], gradient: Tensor, step: Step): Tensor[];
}

const rules: { readonly [K in OptimizerChoice['kind']]: (choice: Extract<OptimizerChoice, { kind: K }>) => Rule } = {
  /** Loshchilov and Hutter 2019, algorithm 2. */
  adamw: () => ({
    moments: 2,
    move(primitives, [values, first, second], gradient, { number, learningRate, decay }) {
      // m̂ / (√v̂ + ε) with both bias corrections moved into two scalars.
      const root = Math.sqrt(1 - BETA_2 ** number);
      const next = primitives.adamw({ values, first, second }, gradient, decay, {
        beta1: BETA_1,
        beta2: BETA_2,
        rate: (learningRate * root) / (1 - BETA_1 ** number),
        epsilon: EPSILON * root,
        decayRate: learningRate,
      });
      return [next.values, next.first, next.second];
    },
  }),
  /** Nesterov's momentum as Sutskever et al. 2013 rewrite it, in the form that deep learning libraries share. */
  sgd: ({ momentum }) => ({
    moments: 1,
    move(_, [values, velocity], gradient, { learningRate, decay }) {
      const newVelocity = tf.add(tf.mul(velocity, momentum), gradient);
      const direction = tf.add(gradient, tf.mul(newVelocity, momentum));
      const kept = decay === undefined ? values : tf.sub(values, tf.mul(tf.mul(values, decay), learningRate));
      return [tf.sub(kept, tf.mul(direction, learningRate)), newVelocity];
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
  primitives: Primitives,
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
        const ofLoss = clipped(tf.concat(parameters.map(({ key }) => flattened(gradients, key))), clipNorm);
        const gradient = penalty === undefined ? ofLoss : tf.add(ofLoss, penalty(old[0]));
        return rule.move(primitives, old, gradient, { number: step, learningRate, decay });
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
