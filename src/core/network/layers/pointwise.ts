import type { NodeOf, Shape } from '../types.ts';
import { channelsOf, passing, type Layer, type WeightSpec } from './definition.ts';

function normalisationWeights(_node: NodeOf<'BatchNormalization'>, [input]: readonly Shape[]): readonly WeightSpec[] {
  const spec = (name: string, trainable: boolean): WeightSpec => ({
    name,
    shape: [channelsOf(input)],
    trainable,
    decay: false,
    outAxis: 0,
  });
  return [spec('gamma', true), spec('beta', true), spec('moving_mean', false), spec('moving_variance', false)];
}

export const BatchNormalization: Layer<'BatchNormalization'> = passing({
  role: 'normalisation',
  outputShape: (_node, [input]) => input,
  weights: normalisationWeights,
  coupling: 'normalises each channel by itself',
});

export const ReLU: Layer<'ReLU'> = passing({
  role: 'activation',
  nonNegative: true,
  outputShape: (_node, [input]) => input,
});

export const Dropout: Layer<'Dropout'> = passing({ outputShape: (_node, [input]) => input });

export const Softmax: Layer<'Softmax'> = passing({
  role: 'probability',
  nonNegative: true,
  outputShape: (_node, [input]) => input,
  couple(node, _inputs, output, coupler) {
    for (let channel = 0; channel < channelsOf(output); channel++) coupler.through(0, channel, channel);
    coupler.pin(0, `"${node.id}" (Softmax) normalises over all its channels`);
  },
});
