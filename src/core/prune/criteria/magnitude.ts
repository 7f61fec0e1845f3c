import { sumsOf } from '../portion.ts';
import { meanOver, ofMagnitudes, ofWeights, relative } from './criterion.ts';

/** Σ|w| of a channel's kernels, divided by the layer's mean, averaged over the group's producers (Li et al. 2017). */
export const l1 = ofMagnitudes('absolute', relative);

/** √Σw² of a channel's kernels, divided by the layer's mean, averaged over the group's producers (Li et al. 2017). */
export const l2 = ofMagnitudes('square', (squares) => relative(squares.map(Math.sqrt)));

/** Uniform and seeded: the control that every criterion must beat (Frankle & Carbin 2019). */
export const random = ofWeights((view) => Float64Array.from({ length: view.size }, () => view.random.next()));

/**
 * √Σw² over every parameter that leaves with the channel: the producers' kernels and biases, normalisation and depthwise
 * layers on the way, the consumers' input channels (Fang et al. 2023, without its sparse training); divided by the mean.
 */
export const groupNorm = ofWeights((view) => {
  const total = new Float64Array(view.size);
  for (const portion of view.parameters()) {
    const own = sumsOf(portion, square);
    for (let channel = 0; channel < view.size; channel++) total[channel] += own[channel];
  }
  return relative(total.map(Math.sqrt));
});

/** |γ| of the BatchNormalization, averaged over the group's; as it is, since its threshold is a global one (Liu et al. 2017). */
export const bnScale = ofWeights((view) => meanOver(view.scales(), view.size, (scale) => sumsOf(scale, Math.abs)), {
  obstacle: (view) => (view.scales().length === 0 ? 'It has no BatchNormalization whose scale could be its score.' : undefined),
});

/**
 * Layer-adaptive magnitude, per channel (Lee et al. 2021): Σw² over the sum of all Σw² of the layer that are not smaller,
 * averaged over the producers. It is its own normalisation: the largest channel of every layer has 1.
 */
export const lamp = ofMagnitudes('square', adaptive);

function adaptive(squares: Float64Array): Float64Array {
  const order = Array.from(squares, (_, channel) => channel).sort((a, b) => squares[b] - squares[a]);
  const scores = new Float64Array(squares.length);
  let notSmaller = 0;
  for (let first = 0; first < order.length;) {
    let end = first;
    for (; end < order.length && squares[order[end]] === squares[order[first]]; end++) notSmaller += squares[order[end]];
    for (; first < end; first++) scores[order[first]] = notSmaller === 0 ? 0 : squares[order[first]] / notSmaller;
  }
  return scores;
}

function square(value: number): number {
  return value * value;
}
