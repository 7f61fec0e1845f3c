import type { Random } from '../core/random.ts';
import type { Primitives } from './primitives/types.ts';
import { shapeOf, tf } from './tf.ts';
import type { Tensor } from './tf.ts';
import type { Recipe } from './types.ts';

/** From a batch's logits, the sum of the examples' losses and the gradient of their mean. Call within tf.tidy. */
export type Loss = (logits: Tensor) => { readonly lossSum: Tensor; readonly gradient: Tensor };

/** Images with the class shares that they should get, one row an image, and how much each counts (1 without). */
export interface Batch {
  readonly x: Tensor;
  readonly targets: Tensor;
  readonly weights?: Tensor;
}

/** Cross-entropy of the softmax with the targets. */
export function crossEntropy(primitives: Primitives, { targets, weights }: Omit<Batch, 'x'>): Loss {
  return (logits) => {
    const { losses, gradient } = primitives.softmaxCrossEntropy(logits, targets);
    const count = losses.size;
    if (weights === undefined) return { lossSum: tf.sum(losses), gradient: tf.div(gradient, count) };
    const rows = tf.reshape(weights, [count, 1]);
    return { lossSum: tf.sum(tf.mul(losses, weights)), gradient: tf.mul(gradient, tf.div(rows, count)) };
  };
}

/**
 * Knowledge distillation (Hinton, Vinyals and Dean 2015): (1 − share) · loss + share · T² · cross-entropy of
 * softmax(logits / T) with softmax(teacher / T). T² keeps the gradients' scale whatever the temperature.
 */
export function distilled(
  primitives: Primitives,
  loss: Loss,
  teacher: Tensor,
  { temperature, share }: NonNullable<Recipe['distillation']>,
): Loss {
  return (logits) => {
    const hard = loss(logits);
    const soft = primitives.softmaxCrossEntropy(tf.div(logits, temperature), tf.softmax(tf.div(teacher, temperature)));
    const softSum = tf.mul(tf.sum(soft.losses), share * temperature ** 2);
    // One of the two factors T is undone by the slope of logits / T.
    const softGradient = tf.mul(soft.gradient, (share * temperature) / shapeOf(logits)[0]);
    return {
      lossSum: tf.add(tf.mul(hard.lossSum, 1 - share), softSum),
      gradient: tf.add(tf.mul(hard.gradient, 1 - share), softGradient),
    };
  };
}

/** Mixup (Zhang et al. 2018): each image takes `share` of itself and the rest of the one at the same place from the end. */
export function mixed({ x, targets, weights }: Batch, share: number): Batch {
  const mix = <T extends Tensor>(values: T): Tensor => tf.add(tf.mul(values, share), tf.mul(tf.reverse(values, 0), 1 - share));
  return { x: mix(x), targets: mix(targets), weights: weights && mix(weights) };
}

/** A draw from Beta(α, α) with 0 < α ≤ 1 (Jöhnk 1964). */
export function mixingShare(alpha: number, random: Random): number {
  for (;;) {
    const one = random.next() ** (1 / alpha);
    const other = random.next() ** (1 / alpha);
    const sum = one + other;
    if (sum > 0 && sum <= 1) return one / sum;
  }
}

/** For every class, images / (classes · images of the class): 1 on average over the images. */
export function balancedWeights(labels: Int32Array, classes: number): Float32Array {
  const counts = new Float32Array(classes);
  for (const label of labels) counts[label]++;
  return counts.map((count) => labels.length / (classes * Math.max(1, count)));
}
