import type { NodeOf, Shape, Tensor } from '../types.ts';
import { channelsOf, mapOf, mismatch, passing, sizeOf, windowedMap, type KernelMatrix, type Layer, type WeightSpec } from './definition.ts';

const biasSpec = (channels: number): WeightSpec => ({
  name: 'bias',
  shape: [channels],
  trainable: true,
  decay: false,
  outAxis: 0,
});

/** Rows from a tensor whose last axis is the output channel (HWIO and Dense's in × out). */
function rowsOfLastAxis(kernel: Tensor): KernelMatrix {
  const count = channelsOf(kernel.shape);
  const size = sizeOf(kernel.shape) / count;
  const values = new Float32Array(kernel.data.length);
  for (let k = 0; k < size; k++) {
    for (let i = 0; i < count; i++) values[i * size + k] = kernel.data[k * count + i];
  }
  return { count, size, values };
}

function conv2dWeights({ config }: NodeOf<'Conv2D'>, [input]: readonly Shape[]): readonly WeightSpec[] {
  const shape = [...config.kernelSize, channelsOf(input) / config.groups, config.filters];
  const kernel: WeightSpec = { name: 'kernel', shape, trainable: true, decay: true, inAxis: 2, outAxis: 3 };
  return config.useBias ? [kernel, biasSpec(config.filters)] : [kernel];
}

/** Kept positions within one convolution group. Coupling keeps them the same in every group, so the first stands for all. */
function keptInGroup({ config }: NodeOf<'Conv2D'>, [input]: readonly Shape[], kept: readonly number[]): readonly number[] {
  const width = channelsOf(input) / config.groups;
  return config.groups === 1 ? kept : kept.filter((channel) => channel < width);
}

export const Conv2D: Layer<'Conv2D'> = passing({
  convolution: true,
  produces: true,
  role: 'kernels',
  outputShape(node, [input]) {
    const [height, width, channels] = mapOf(node, input);
    const { filters, groups, kernelSize, strides, padding, dilationRate } = node.config;
    if (channels % groups !== 0 || filters % groups !== 0) {
      throw mismatch(node, `cannot split ${channels} input channels and ${filters} filters into ${groups} groups`);
    }
    return [...windowedMap(node, height, width, { size: kernelSize, strides, padding, dilation: dilationRate }), filters];
  },
  weights: conv2dWeights,
  macs({ config }, [input], output) {
    return sizeOf(output) * sizeOf(config.kernelSize) * (channelsOf(input) / config.groups);
  },
  coupling: 'makes new channels; its convolution groups keep equal widths',
  // Position k of every convolution group stays or leaves in all groups at once, so that the groups keep equal widths.
  couple({ config }, [input], _output, coupler) {
    const widthIn = channelsOf(input) / config.groups;
    const widthOut = config.filters / config.groups;
    for (let group = 1; group < config.groups; group++) {
      for (let k = 0; k < widthIn; k++) coupler.inputs(0, k, group * widthIn + k);
      for (let k = 0; k < widthOut; k++) coupler.outputs(k, group * widthOut + k);
    }
  },
  resized: ({ config }, { output }) => ({ ...config, filters: output.length }),
  keptWithin: keptInGroup,
  withOutputs: ({ config }, filters) => ({ ...config, filters }),
  kernels: (_node, weights) => rowsOfLastAxis(weights.kernel),
});

function depthwiseWeights({ config }: NodeOf<'DepthwiseConv2D'>, [input]: readonly Shape[]): readonly WeightSpec[] {
  const channels = channelsOf(input);
  const shape = [...config.kernelSize, channels, config.depthMultiplier];
  const kernel: WeightSpec = { name: 'kernel', shape, trainable: true, decay: true, inAxis: 2 };
  return config.useBias ? [kernel, biasSpec(channels * config.depthMultiplier)] : [kernel];
}

export const DepthwiseConv2D: Layer<'DepthwiseConv2D'> = passing({
  convolution: true,
  role: 'kernels',
  outputShape(node, [input]) {
    const [height, width, channels] = mapOf(node, input);
    const { kernelSize, strides, padding, dilationRate, depthMultiplier } = node.config;
    const window = { size: kernelSize, strides, padding, dilation: dilationRate };
    return [...windowedMap(node, height, width, window), channels * depthMultiplier];
  },
  weights: depthwiseWeights,
  macs: ({ config }, _inputs, output) => sizeOf(output) * sizeOf(config.kernelSize),
  coupling: 'has a kernel for each channel',
  couple({ config }, _inputs, output, coupler) {
    for (let channel = 0; channel < channelsOf(output); channel++) {
      coupler.through(0, Math.floor(channel / config.depthMultiplier), channel);
    }
  },
  // (height, width, in, multiplier): the last two axes together are the output channel.
  kernels(_node, { kernel }) {
    const [height, width, channels, multiplier] = kernel.shape;
    return rowsOfLastAxis({ shape: [height, width, channels * multiplier], data: kernel.data });
  },
});

function denseWeights({ config }: NodeOf<'Dense'>, [input]: readonly Shape[]): readonly WeightSpec[] {
  const shape = [channelsOf(input), config.units];
  const kernel: WeightSpec = { name: 'kernel', shape, trainable: true, decay: true, inAxis: 0, outAxis: 1 };
  return config.useBias ? [kernel, biasSpec(config.units)] : [kernel];
}

export const Dense: Layer<'Dense'> = passing({
  produces: true,
  role: 'kernels',
  outputShape(node, [input]) {
    if (input.length !== 1) throw mismatch(node, `needs a flat input but gets shape [${input.join(', ')}]`);
    return [node.config.units];
  },
  weights: denseWeights,
  macs: ({ config }, [input]) => channelsOf(input) * config.units,
  coupling: 'makes new features',
  couple: () => undefined,
  resized: ({ config }, { output }) => ({ ...config, units: output.length }),
  withOutputs: ({ config }, units) => ({ ...config, units }),
  kernels: (_node, weights) => rowsOfLastAxis(weights.kernel),
});
