import { z } from 'zod';
import type { ActivationName, Configs, Kind, Shape, Tensor } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { sizeOf } from '../../core/network/index.ts';
import type { Affine } from './entrance.ts';
import { pointwise, shapes } from './keras-settings.ts';

/** One layer of a Keras 2 model; `inputs` are names of layers in the file, and ids of nodes once those are converted. */
export interface KerasLayer {
  readonly className: string;
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly inputs: readonly string[];
}

/** What a layer may do to the network that is being read. Verbs that make a node return its id. */
export interface Importer {
  add<K extends Kind>(kind: K, id: string, config: Configs[K], inputs: readonly string[]): string;
  /** Takes a weight of the layer from the file; `ones` says how many leading axes of length one come to it, or leave it if negative. */
  take(id: string, weight: string, from: { readonly layer: string; readonly stored?: string; readonly ones?: number }): void;
  /** Sets a weight that the file leaves out. */
  fill(id: string, weight: string, shape: Shape, value: number): void;
  shapeOf(id: string): Shape;
  /** A weight of the layer in the file. */
  stored(layer: string, weight: string): Tensor | undefined;
  /** Takes what a layer does to the pixels as the preparation of images. */
  prepare(layer: KerasLayer, affine: Affine): string;
}

/** Keras's smallest deviation. */
const NORMALIZATION_EPSILON = 1e-7;

function unsupported(layer: KerasLayer, what: string): Failure {
  return new Failure('unsupported-layer', `Layer "${layer.name}" (${layer.className}) ${what}.`, {
    hint: `Layers read here: ${[...kerasClasses].join(', ')}.`,
    field: layer.name,
  });
}

function parse<T>(schema: z.ZodType<T>, layer: KerasLayer): T {
  const result = schema.safeParse(layer.config);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw unsupported(layer, `has a setting that is not supported: ${issue.path.join('.')}: ${issue.message}`);
}

/**
 * Keras 3's hard_sigmoid, under a name of its own: Keras 2's function of that name is steeper, min(1, max(0, 0.2 x + 0.5)), and
 * no layer here.
 */
export const HARD_SIGMOID = 'keras3.hard_sigmoid';

const activationNames: Readonly<Record<string, ActivationName>> = {
  sigmoid: 'sigmoid',
  swish: 'swish',
  silu: 'swish',
  hard_silu: 'hard_swish',
  hard_swish: 'hard_swish',
  gelu: 'gelu',
  [HARD_SIGMOID]: 'hard_sigmoid',
};

/** Adds the node of an `activation:` field after the given node, or nothing for a linear one. */
function activate(into: Importer, layer: KerasLayer, name: unknown, from: string, id: string): string {
  if (name === undefined || name === null || name === 'linear') return from;
  if (name === 'relu') return into.add('ReLU', id, { maxValue: null }, [from]);
  if (name === 'relu6') return into.add('ReLU', id, { maxValue: 6 }, [from]);
  if (name === 'softmax') return into.add('Softmax', id, {}, [from]);
  if (typeof name === 'string' && Object.hasOwn(activationNames, name)) {
    return into.add('Activation', id, { activation: activationNames[name] }, [from]);
  }
  throw unsupported(layer, `has the activation ${JSON.stringify(name)}, which is not supported`);
}

function takeKernel(into: Importer, { name: layer }: KerasLayer, id: string, useBias: boolean, stored = 'kernel', ones = 0): void {
  into.take(id, 'kernel', { layer, stored, ones });
  if (useBias) into.take(id, 'bias', { layer });
}

function pooling(kind: 'MaxPooling2D' | 'AveragePooling2D') {
  return (layer: KerasLayer, into: Importer): string => {
    const { pool_size: poolSize, strides, padding } = parse(shapes.pooling, layer);
    return into.add(kind, layer.name, { poolSize, strides: strides ?? poolSize, padding }, layer.inputs);
  };
}

function globalPooling(kind: 'GlobalAveragePooling2D' | 'GlobalMaxPooling2D', whole: 'AveragePooling2D' | 'MaxPooling2D') {
  return (layer: KerasLayer, into: Importer): string => {
    if (parse(shapes.global, layer).keepdims) {
      const [height, width] = into.shapeOf(layer.inputs[0]);
      const poolSize = [height, width] as const;
      return into.add(whole, layer.name, { poolSize, strides: poolSize, padding: 'valid' }, layer.inputs);
    }
    return into.add(kind, layer.name, {}, layer.inputs);
  };
}

/** Axes are counted with the batch in front, so that the last of a shape of n sides is n. */
function refuseOtherAxis(layer: KerasLayer, into: Importer, axis: number): void {
  if (axis !== -1 && axis !== into.shapeOf(layer.inputs[0]).length)
    throw unsupported(layer, `works along axis ${axis}, not along the channels`);
}

/** Takes gamma and beta, or what they are where the layer leaves them out. */
function scaleAndCentre(layer: KerasLayer, into: Importer, id: string, has: { readonly center: boolean; readonly scale: boolean }): void {
  const channels = into.shapeOf(id).slice(-1);
  if (has.scale) into.take(id, 'gamma', { layer: layer.name });
  else into.fill(id, 'gamma', channels, 1);
  if (has.center) into.take(id, 'beta', { layer: layer.name });
  else into.fill(id, 'beta', channels, 0);
}

/** How each Keras class becomes nodes; the id of the node that stands for its output comes back. */
const converters: Readonly<Record<string, (layer: KerasLayer, into: Importer) => string>> = {
  Conv2D(layer, into) {
    const config = parse(shapes.convolution, layer);
    const { filters, kernel_size: kernelSize, strides, padding, dilation_rate: dilationRate, groups, use_bias: useBias } = config;
    if (into.shapeOf(layer.inputs[0]).length === 1 && kernelSize.every((side) => side === 1) && groups === 1) {
      const id = into.add('Dense', layer.name, { units: filters, useBias }, layer.inputs);
      takeKernel(into, layer, id, useBias, 'kernel', -2);
      return activate(into, layer, config.activation, id, `${id}_activation`);
    }
    const id = into.add('Conv2D', layer.name, { filters, kernelSize, strides, padding, dilationRate, groups, useBias }, layer.inputs);
    takeKernel(into, layer, id, useBias);
    return activate(into, layer, config.activation, id, `${id}_activation`);
  },
  DepthwiseConv2D(layer, into) {
    const config = parse(shapes.depthwise, layer);
    const { kernel_size: kernelSize, strides, padding, dilation_rate: dilationRate, depth_multiplier: depthMultiplier } = config;
    const useBias = config.use_bias;
    const fields = { kernelSize, strides, padding, dilationRate, depthMultiplier, useBias };
    const id = into.add('DepthwiseConv2D', layer.name, fields, layer.inputs);
    takeKernel(into, layer, id, useBias, 'depthwise_kernel');
    return activate(into, layer, config.activation, id, `${id}_activation`);
  },
  SeparableConv2D(layer, into) {
    const config = parse(shapes.separable, layer);
    const { kernel_size: kernelSize, strides, padding, dilation_rate: dilationRate, depth_multiplier: depthMultiplier } = config;
    const { filters, use_bias: useBias } = config;
    const fields = { kernelSize, strides, padding, dilationRate, depthMultiplier, useBias: false };
    const depthwise = into.add('DepthwiseConv2D', `${layer.name}_depthwise`, fields, layer.inputs);
    takeKernel(into, layer, depthwise, false, 'depthwise_kernel');
    const id = into.add('Conv2D', layer.name, { ...pointwise, filters, useBias }, [depthwise]);
    takeKernel(into, layer, id, useBias, 'pointwise_kernel');
    return activate(into, layer, config.activation, id, `${id}_activation`);
  },
  Dense(layer, into) {
    const { units, use_bias: useBias, activation } = parse(shapes.dense, layer);
    // On a map it is a linear layer of every position.
    const isMap = into.shapeOf(layer.inputs[0]).length === 3;
    const id = isMap
      ? into.add('Conv2D', layer.name, { ...pointwise, filters: units, useBias }, layer.inputs)
      : into.add('Dense', layer.name, { units, useBias }, layer.inputs);
    takeKernel(into, layer, id, useBias, 'kernel', isMap ? 2 : 0);
    return activate(into, layer, activation, id, `${id}_activation`);
  },
  BatchNormalization(layer, into) {
    const { axis, epsilon, momentum, center, scale } = parse(shapes.normalisation, layer);
    refuseOtherAxis(layer, into, axis);
    const id = into.add('BatchNormalization', layer.name, { epsilon, momentum }, layer.inputs);
    scaleAndCentre(layer, into, id, { center, scale });
    into.take(id, 'moving_mean', { layer: layer.name });
    into.take(id, 'moving_variance', { layer: layer.name });
    return id;
  },
  LayerNormalization(layer, into) {
    const { axis, epsilon, center, scale } = parse(shapes.normalisation, layer);
    refuseOtherAxis(layer, into, axis);
    const id = into.add('LayerNormalization', layer.name, { epsilon }, layer.inputs);
    scaleAndCentre(layer, into, id, { center, scale });
    return id;
  },
  Activation: (layer, into) => activate(into, layer, parse(shapes.activation, layer).activation, layer.inputs[0], layer.name),
  ReLU: (layer, into) => into.add('ReLU', layer.name, { maxValue: parse(shapes.relu, layer).max_value ?? null }, layer.inputs),
  Softmax(layer, into) {
    refuseOtherAxis(layer, into, parse(shapes.lastAxis, layer).axis);
    return into.add('Softmax', layer.name, {}, layer.inputs);
  },
  MaxPooling2D: pooling('MaxPooling2D'),
  AveragePooling2D: pooling('AveragePooling2D'),
  GlobalAveragePooling2D: globalPooling('GlobalAveragePooling2D', 'AveragePooling2D'),
  GlobalMaxPooling2D: globalPooling('GlobalMaxPooling2D', 'MaxPooling2D'),
  Add: (layer, into) => into.add('Add', layer.name, {}, layer.inputs),
  Multiply: (layer, into) => into.add('Multiply', layer.name, {}, layer.inputs),
  Concatenate(layer, into) {
    refuseOtherAxis(layer, into, parse(shapes.lastAxis, layer).axis);
    return into.add('Concatenate', layer.name, {}, layer.inputs);
  },
  ZeroPadding2D: (layer, into) =>
    into.add('ZeroPadding2D', layer.name, { padding: parse(shapes.zeroPadding, layer).padding }, layer.inputs),
  Flatten(layer, into) {
    parse(shapes.flatten, layer);
    return into.add('Flatten', layer.name, {}, layer.inputs);
  },
  Reshape(layer, into) {
    const { target_shape: target } = parse(shapes.reshape, layer);
    const shape = into.shapeOf(layer.inputs[0]);
    const filled = target.map((side) => (side === -1 ? Math.abs(sizeOf(shape) / sizeOf(target)) : side));
    // A vector and a map of one position hold the same; MobileNet goes over from one to the other around its last convolution.
    if (filled.join() === shape.join() || filled.join() === [1, 1, ...shape].join()) return layer.inputs[0];
    if (filled.length === 1 && filled[0] === sizeOf(shape)) return into.add('Flatten', layer.name, {}, layer.inputs);
    throw unsupported(layer, `turns shape [${shape.join(', ')}] into [${target.join(', ')}]; only flattening is supported`);
  },
  Dropout: (layer, into) => into.add('Dropout', layer.name, { rate: parse(shapes.dropout, layer).rate }, layer.inputs),
  Rescaling(layer, into) {
    const { scale, offset } = parse(shapes.rescaling, layer);
    return into.prepare(layer, { scale: [scale], offset: [offset] });
  },
  Normalization(layer, into) {
    const config = parse(shapes.normalization, layer);
    refuseOtherAxis(layer, into, config.axis ?? -1);
    const [mean, variance] = (['mean', 'variance'] as const).map(
      (name) => config[name] ?? Array.from(into.stored(layer.name, name)?.data ?? []),
    );
    const deviation = variance.map((value) => Math.max(Math.sqrt(value), NORMALIZATION_EPSILON));
    const fits = mean.length > 0 && mean.length === deviation.length;
    if (!fits) throw unsupported(layer, 'has no mean and variance');
    return into.prepare(layer, { scale: deviation.map((value) => 1 / value), offset: mean.map((value, c) => -value / deviation[c]) });
  },
  // Of ConvNeXt in keras.applications.
  LayerScale(layer, into) {
    const id = into.add('LayerScale', layer.name, {}, layer.inputs);
    into.take(id, 'gamma', { layer: layer.name });
    return id;
  },
  // Drops whole branches while training, nothing otherwise.
  StochasticDepth: ({ inputs: [from] }) => from,
};

const kerasClasses = Object.keys(converters);

/**
 * Adds the nodes and weights of one Keras layer.
 *
 * @returns id of the node that stands for the layer's output
 * @throws Failure `unsupported-layer` naming class, layer and setting
 */
export function convertKerasLayer(layer: KerasLayer, into: Importer): string {
  if (!Object.hasOwn(converters, layer.className)) throw unsupported(layer, 'is of a class that is not supported');
  if (layer.inputs.length === 0) throw unsupported(layer, 'has no input');
  return converters[layer.className](layer, into);
}
