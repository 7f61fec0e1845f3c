import type { Pair } from '../../core/network/types.ts';
import type { Tensor } from '../tf.ts';

/** `same`, `valid`, or explicit [[top, bottom], [left, right]]. */
export type Pads = 'same' | 'valid' | readonly [Pair, Pair];

/** How a kernel moves over an image. */
export interface Window {
  readonly strides: Pair;
  readonly dilations: Pair;
  readonly pads: Pads;
}

export interface Pool {
  readonly size: Pair;
  readonly strides: Pair;
  readonly pads: 'same' | 'valid';
}

export interface BatchNormResult {
  readonly y: Tensor;
  /** The moving statistics after this batch. */
  readonly mean: Tensor;
  readonly variance: Tensor;
  /** What the gradient needs besides x and gamma. */
  readonly saved: readonly Tensor[];
}

export interface AdamwState {
  readonly values: Tensor;
  readonly first: Tensor;
  readonly second: Tensor;
}

/** The scalars of a step, bias corrections included: values move by −rate · first / (√second + epsilon) and −decayRate · decay · values. */
export interface AdamwStep {
  readonly beta1: number;
  readonly beta2: number;
  readonly rate: number;
  readonly epsilon: number;
  readonly decayRate: number;
}

/**
 * What a backend runs in its own fastest way, values and gradients alike. Layout is NHWC, kernels HWIO; a kernel with
 * fewer input channels than the image is a grouped convolution. Every returned tensor is new and belongs to the
 * caller; arguments are never disposed. Each backend's table must agree with the portable one.
 */
export interface Primitives {
  conv2d(x: Tensor, kernel: Tensor, window: Window): Tensor;
  conv2dInputGradient(dy: Tensor, kernel: Tensor, xShape: readonly number[], window: Window): Tensor;
  conv2dKernelGradient(dy: Tensor, x: Tensor, kernelShape: readonly number[], window: Window): Tensor;

  depthwise(x: Tensor, kernel: Tensor, window: Window): Tensor;
  depthwiseInputGradient(dy: Tensor, kernel: Tensor, xShape: readonly number[], window: Window): Tensor;
  depthwiseKernelGradient(dy: Tensor, x: Tensor, kernelShape: readonly number[], window: Window): Tensor;

  /** a · b, either transposed first; two axes each. */
  matMul(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor;

  /** x + bias over the last axis. */
  addBias(x: Tensor, bias: Tensor): Tensor;
  /** The sum over all axes but the last. */
  sumToBias(dy: Tensor): Tensor;

  /**
   * Normalises over all axes but the last with the batch's own (biased) variance, and moves the statistics:
   * new = momentum · old + (1 − momentum) · batch, with the unbiased batch variance as Keras does.
   */
  batchNorm(
    x: Tensor,
    affine: { readonly gamma: Tensor; readonly beta: Tensor },
    moving: { readonly mean: Tensor; readonly variance: Tensor },
    config: { readonly epsilon: number; readonly momentum: number },
  ): BatchNormResult;
  /** [dx, dgamma, dbeta] */
  batchNormGradient(dy: Tensor, x: Tensor, gamma: Tensor, saved: readonly Tensor[], epsilon: number): [Tensor, Tensor, Tensor];

  /** max(0, x), and at most maxValue where that is a number. */
  relu(x: Tensor, maxValue: number | null): Tensor;
  /** dy where 0 < y (and y < maxValue), else 0. */
  reluGradient(dy: Tensor, y: Tensor, maxValue: number | null): Tensor;

  maxPool(x: Tensor, pool: Pool): Tensor;
  maxPoolGradient(dy: Tensor, x: Tensor, y: Tensor, pool: Pool): Tensor;
  averagePool(x: Tensor, pool: Pool): Tensor;
  averagePoolGradient(dy: Tensor, x: Tensor, pool: Pool): Tensor;

  /**
   * One step of AdamW (Loshchilov and Hutter 2019, algorithm 2) of all parameters in one vector; gives the new values and moments.
   * @param decay weight decay of each value; none where undefined
   */
  adamw(old: AdamwState, gradient: Tensor, decay: Tensor | undefined, step: AdamwStep): AdamwState;

  /** Cross-entropy of each example's softmax(logits) with a one-hot row, and its gradient by the logits. */
  softmaxCrossEntropy(logits: Tensor, oneHot: Tensor): { losses: Tensor; gradient: Tensor };
}
