import { z } from 'zod';
import type { Padding, Pair } from '../../core/network/types.ts';

const whole = z.int().positive();
const pair = z.union([z.tuple([whole, whole]), whole]).transform((value): Pair => (typeof value === 'number' ? [value, value] : value));
export const ones: Pair = [1, 1];
/** A convolution of single positions. */
export const pointwise = { kernelSize: ones, strides: ones, dilationRate: ones, padding: 'valid', groups: 1 } as const;
const padding = z
  .enum(['same', 'valid', 'SAME', 'VALID'])
  .transform((value): Padding => (value.toLowerCase() === 'same' ? 'same' : 'valid'));
const activation = z.unknown().optional();
const last = z.literal('channels_last').default('channels_last');
const axis = z.union([z.int(), z.array(z.int()).length(1)]).transform((value) => (typeof value === 'number' ? value : value[0]));
/** One number for all channels, or a list of them in lists of one. */
const numbers = z.union([
  z.number().transform((one) => [one]),
  z
    .array(z.unknown())
    .transform((nested) => nested.flat(5))
    .pipe(z.array(z.number())),
]);
const windows = {
  kernel_size: pair,
  strides: pair.default(ones),
  padding: padding.default('valid'),
  dilation_rate: pair.default(ones),
  use_bias: z.boolean().default(true),
  data_format: last,
  activation,
};
/** What the configuration of each class may say. */
export const shapes = {
  convolution: z.object({ ...windows, filters: whole, groups: whole.default(1) }),
  depthwise: z.object({ ...windows, depth_multiplier: whole.default(1) }),
  separable: z.object({ ...windows, filters: whole, depth_multiplier: whole.default(1) }),
  dense: z.object({ units: whole, use_bias: z.boolean().default(true), activation }),
  normalisation: z.object({
    axis: axis.default(-1),
    epsilon: z.number().default(1e-3),
    momentum: z.number().default(0.99),
    center: z.boolean().default(true),
    scale: z.boolean().default(true),
  }),
  activation: z.object({ activation }),
  relu: z.object({ max_value: z.number().nullish(), negative_slope: z.literal(0).nullish(), threshold: z.literal(0).nullish() }),
  pooling: z.object({ pool_size: pair.default([2, 2]), strides: pair.nullish(), padding: padding.default('valid'), data_format: last }),
  global: z.object({ data_format: last, keepdims: z.boolean().default(false) }),
  lastAxis: z.object({ axis: axis.default(-1) }),
  zeroPadding: z.object({ padding: z.tuple([z.tuple([z.int(), z.int()]), z.tuple([z.int(), z.int()])]), data_format: last }),
  flatten: z.object({ data_format: last }),
  reshape: z.object({ target_shape: z.array(z.int()) }),
  dropout: z.object({ rate: z.number() }),
  rescaling: z.object({ scale: z.number(), offset: z.number().default(0) }),
  normalization: z.object({
    axis: axis.nullish(),
    mean: numbers.nullish(),
    variance: numbers.nullish(),
    invert: z.literal(false).default(false),
  }),
};
