import type { Shape } from '../types.ts';
import { activations } from './activations.ts';
import { channelsOf, passing, type Layer, type WeightSpec } from './definition.ts';

/** A weight of one value a channel, which weight decay leaves alone. */
function perChannel(name: string, [input]: readonly Shape[], trainable: boolean): WeightSpec {
  return { name, shape: [channelsOf(input)], trainable, decay: false, outAxis: 0 };
}

export const BatchNormalization: Layer<'BatchNormalization'> = passing({
  role: 'normalisation',
  outputShape: (_node, [input]) => input,
  weights: (_node, inputs) => [
    perChannel('gamma', inputs, true),
    perChannel('beta', inputs, true),
    perChannel('moving_mean', inputs, false),
    perChannel('moving_variance', inputs, false),
  ],
  coupling: 'normalises each channel by itself',
});

export const LayerNormalization: Layer<'LayerNormalization'> = passing({
  role: 'normalisation',
  outputShape: (_node, [input]) => input,
  weights: (_node, inputs) => [perChannel('gamma', inputs, true), perChannel('beta', inputs, true)],
  coupling: 'normalises each position over the channels that are there',
  resized({ config }, { inputs: [kept] }) {
    if (config.over === undefined) return config;
    const over = new Set(config.over);
    return { ...config, over: kept.flatMap((channel, at) => (over.has(channel) ? [at] : [])) };
  },
  blinded({ config }, kept) {
    const over = config.over === undefined ? kept : kept.filter((channel) => config.over?.includes(channel));
    return { ...config, over };
  },
});

export const LayerScale: Layer<'LayerScale'> = passing({
  outputShape: (_node, [input]) => input,
  weights: (_node, inputs) => [perChannel('gamma', inputs, true)],
  coupling: 'scales each channel by itself',
});

export const ReLU: Layer<'ReLU'> = passing({
  role: 'activation',
  nonNegative: () => true,
  outputShape: (_node, [input]) => input,
});

export const Activation: Layer<'Activation'> = passing({
  role: 'activation',
  nonNegative: ({ config }) => activations[config.activation].nonNegative,
  outputShape: (_node, [input]) => input,
});

export const Dropout: Layer<'Dropout'> = passing({ outputShape: (_node, [input]) => input });

export const Softmax: Layer<'Softmax'> = passing({
  role: 'probability',
  nonNegative: () => true,
  outputShape: (_node, [input]) => input,
  couple(node, _inputs, output, coupler) {
    coupler.through(0, 0, 0, channelsOf(output));
    coupler.pin(0, `"${node.id}" (Softmax) normalises over all its channels`);
  },
});
