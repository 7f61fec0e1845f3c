import { activations } from './layers/activations.ts';
import { channelsOf, sizeOf, windowed, type LayerWeights } from './layers/definition.ts';
import { inferShapes, inputShapesOf, weightsOf } from './shapes.ts';
import type { Kind, Network, NodeOf, Pair, Padding, Shape } from './types.ts';

interface Call<K extends Kind> {
  readonly config: NodeOf<K>['config'];
  readonly inputs: readonly Float32Array[];
  readonly shapes: readonly Shape[];
  readonly output: Shape;
  readonly weights: LayerWeights;
}

/**
 * The slow reference: what each kind computes, in plain loops over one example. Fast paths must agree with it.
 *
 * @param input height × width × channels values, already preprocessed
 * @returns the output of every node, row-major, by id
 */
export function referenceForward(network: Network, input: Float32Array): Map<string, Float32Array> {
  const shapes = inferShapes(network);
  const values = new Map<string, Float32Array>();
  const run = <K extends Kind>(node: NodeOf<K>, call: Call<K>): Float32Array => operations[node.kind](call);
  for (const node of network.nodes) {
    const inputs = node.kind === 'Input' ? [input] : node.inputs.map((id) => values.get(id) ?? new Float32Array());
    const output = shapes.get(node.id) ?? [];
    const weights = weightsOf(network, node, shapes);
    values.set(node.id, run(node, { config: node.config, inputs, shapes: inputShapesOf(node, shapes), output, weights }));
  }
  return values;
}

const operations: { readonly [K in Kind]: (call: Call<K>) => Float32Array } = {
  Input: ({ inputs: [x] }) => x,
  Dropout: ({ inputs: [x] }) => x,
  Flatten: ({ inputs: [x] }) => x,
  ReLU: ({ config, inputs: [x] }) => x.map((value) => Math.min(config.maxValue ?? Number.POSITIVE_INFINITY, Math.max(0, value))),
  Activation: ({ config, inputs: [x] }) => x.map(activations[config.activation].of),
  Add: ({ inputs }) => inputs[0].map((_, at) => inputs.reduce((sum, x) => sum + x[at], 0)),
  Softmax: ({ inputs: [x], output }) => overPositions(x, channelsOf(output), softmax),

  Conv2D({ config, inputs: [x], shapes: [shape], output, weights: { kernel, bias } }) {
    const { filters, groups } = config;
    const channels = channelsOf(shape);
    const depth = channels / groups;
    const y = new Float32Array(sizeOf(output));
    const size = config.kernelSize;
    for (let f = 0; f < filters; f++) {
      const first = Math.floor(f / (filters / groups)) * depth;
      forEachWindow(shape, output, { ...config, size }, (position, taps) => {
        let sum = bias === undefined ? 0 : bias.data[f];
        for (const { at, tap } of taps) {
          for (let c = 0; c < depth; c++) sum += x[at * channels + first + c] * kernel.data[(tap * depth + c) * filters + f];
        }
        y[position * filters + f] = sum;
      });
    }
    return y;
  },

  DepthwiseConv2D({ config, inputs: [x], shapes: [shape], output, weights: { kernel, bias } }) {
    const channels = channelsOf(shape);
    const outputs = channelsOf(output);
    const y = new Float32Array(sizeOf(output));
    forEachWindow(shape, output, { ...config, size: config.kernelSize }, (position, taps) => {
      for (let o = 0; o < outputs; o++) {
        const channel = Math.floor(o / config.depthMultiplier);
        let sum = bias === undefined ? 0 : bias.data[o];
        for (const { at, tap } of taps) sum += x[at * channels + channel] * kernel.data[tap * outputs + o];
        y[position * outputs + o] = sum;
      }
    });
    return y;
  },

  Dense({ config: { units }, inputs: [x], weights: { kernel, bias } }) {
    return Float32Array.from({ length: units }, (_, u) =>
      x.reduce((sum, value, k) => sum + value * kernel.data[k * units + u], bias === undefined ? 0 : bias.data[u]),
    );
  },

  BatchNormalization({ config, inputs: [x], output, weights }) {
    const channels = channelsOf(output);
    return x.map((value, at) => {
      const c = at % channels;
      const deviation = Math.sqrt(weights.moving_variance.data[c] + config.epsilon);
      return ((value - weights.moving_mean.data[c]) / deviation) * weights.gamma.data[c] + weights.beta.data[c];
    });
  },

  LayerNormalization({ config, inputs: [x], output, weights: { gamma, beta } }) {
    const over = config.over ?? Array.from({ length: channelsOf(output) }, (_, c) => c);
    return overPositions(x, channelsOf(output), (values) => {
      const centre = mean(over.map((c) => values[c]));
      const variance = mean(over.map((c) => (values[c] - centre) ** 2));
      return values.map((value, c) => ((value - centre) / Math.sqrt(variance + config.epsilon)) * gamma.data[c] + beta.data[c]);
    });
  },

  LayerScale: ({ inputs: [x], output, weights: { gamma } }) => x.map((value, at) => value * gamma.data[at % channelsOf(output)]),

  // The one position of a gate counts for all, which is its index modulo its size.
  Multiply({ inputs, output }) {
    return Float32Array.from({ length: sizeOf(output) }, (_, at) => inputs.reduce((product, x) => product * x[at % x.length], 1));
  },

  MaxPooling2D: (call) => pool(call, (values) => Math.max(...values)),
  AveragePooling2D: (call) => pool(call, mean),
  GlobalAveragePooling2D: ({ inputs: [x], output }) => perChannel(x, channelsOf(output), mean),
  GlobalMaxPooling2D: ({ inputs: [x], output }) => perChannel(x, channelsOf(output), (values) => Math.max(...values)),

  Concatenate({ inputs, shapes, output }) {
    const widths = shapes.map(channelsOf);
    const positions = sizeOf(output) / channelsOf(output);
    const y: number[] = [];
    for (let p = 0; p < positions; p++) {
      for (const [i, x] of inputs.entries()) y.push(...x.subarray(p * widths[i], (p + 1) * widths[i]));
    }
    return Float32Array.from(y);
  },

  ZeroPadding2D({ config, inputs: [x], shapes: [shape], output }) {
    const [[top], [left]] = config.padding;
    const y = new Float32Array(sizeOf(output));
    const row = shape[1] * shape[2];
    for (let r = 0; r < shape[0]; r++) y.set(x.subarray(r * row, (r + 1) * row), ((r + top) * output[1] + left) * output[2]);
    return y;
  },

  ChannelMap({ config, inputs: [x], shapes: [shape], output }) {
    const [rows, columns, channels] = output;
    const y = new Float32Array(sizeOf(output));
    for (let p = 0; p < rows * columns; p++) {
      const at = Math.floor(p / columns) * config.strides[0] * shape[1] + (p % columns) * config.strides[1];
      for (const [o, from] of config.map.entries()) if (from >= 0) y[p * channels + o] = x[at * shape[2] + from];
    }
    return y;
  },

  ChannelGather: ({ config, inputs: [x], shapes: [shape], output }) =>
    Float32Array.from({ length: sizeOf(output) }, (_, at) => {
      const channels = channelsOf(output);
      return x[Math.floor(at / channels) * channelsOf(shape) + config.indices[at % channels]];
    }),
};

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

function softmax(values: Float32Array): Float32Array {
  const largest = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - largest));
  const total = powers.reduce((sum, value) => sum + value, 0);
  return powers.map((value) => value / total);
}

function overPositions(x: Float32Array, channels: number, apply: (values: Float32Array) => Float32Array): Float32Array {
  const y = new Float32Array(x.length);
  for (let at = 0; at < x.length; at += channels) y.set(apply(x.subarray(at, at + channels)), at);
  return y;
}

function perChannel(x: Float32Array, channels: number, reduce: (values: number[]) => number): Float32Array {
  return Float32Array.from({ length: channels }, (_, c) => reduce(Array.from(x).filter((_, at) => at % channels === c)));
}

function pool(
  { config, inputs: [x], shapes: [shape], output }: Call<'MaxPooling2D'> | Call<'AveragePooling2D'>,
  reduce: (values: number[]) => number,
): Float32Array {
  const channels = channelsOf(output);
  const y = new Float32Array(sizeOf(output));
  forEachWindow(shape, output, { ...config, size: config.poolSize, dilationRate: [1, 1] }, (position, taps) => {
    for (let c = 0; c < channels; c++) y[position * channels + c] = reduce(taps.map(({ at }) => x[at * channels + c]));
  });
  return y;
}

/** Visits every output position with the input positions under its window; positions in the padding are left out. */
function forEachWindow(
  shape: Shape,
  output: Shape,
  window: { readonly size: Pair; readonly strides: Pair; readonly padding: Padding; readonly dilationRate: Pair },
  visit: (position: number, taps: readonly { readonly at: number; readonly tap: number }[]) => void,
): void {
  const { size, strides, padding, dilationRate } = window;
  const top = windowed(shape[0], size[0], strides[0], padding, dilationRate[0]).before;
  const left = windowed(shape[1], size[1], strides[1], padding, dilationRate[1]).before;
  for (let row = 0; row < output[0]; row++) {
    for (let column = 0; column < output[1]; column++) {
      const taps = [];
      for (let tap = 0; tap < size[0] * size[1]; tap++) {
        const y = row * strides[0] - top + Math.floor(tap / size[1]) * dilationRate[0];
        const x = column * strides[1] - left + (tap % size[1]) * dilationRate[1];
        if (y >= 0 && y < shape[0] && x >= 0 && x < shape[1]) taps.push({ at: y * shape[1] + x, tap });
      }
      visit(row * output[1] + column, taps);
    }
  }
}
