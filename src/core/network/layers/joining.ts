import { channelsOf, mapOf, mismatch, passing, sizeOf, windowedMap, type Layer } from './definition.ts';

export const Input: Layer<'Input'> = passing({
  inputs: [0, 0],
  role: 'entrance',
  outputShape(node) {
    if (!node.config.shape.every((side) => Number.isInteger(side) && side > 0)) {
      throw mismatch(node, `declares the shape [${node.config.shape.join(', ')}]`);
    }
    return node.config.shape;
  },
});

export const Add: Layer<'Add'> = passing({
  inputs: [2, Number.POSITIVE_INFINITY],
  coupling: 'adds its inputs channel by channel',
  outputShape(node, inputs) {
    const [first] = inputs;
    for (const shape of inputs) {
      if (shape.join() !== first.join()) {
        throw mismatch(node, `adds shapes that differ, [${first.join(', ')}] and [${shape.join(', ')}]`);
      }
    }
    return first;
  },
});

export const Multiply: Layer<'Multiply'> = passing({
  inputs: [2, Number.POSITIVE_INFINITY],
  coupling: 'multiplies its inputs channel by channel',
  outputShape(node, inputs) {
    const largest = inputs.reduce((a, b) => (sizeOf(b) > sizeOf(a) || (sizeOf(b) === sizeOf(a) && b.length > a.length) ? b : a));
    for (const shape of inputs) {
      const isGate = channelsOf(shape) === channelsOf(largest) && sizeOf(shape) === channelsOf(shape);
      if (!isGate && shape.join() !== largest.join()) {
        throw mismatch(node, `multiplies shapes that do not fit, [${largest.join(', ')}] and [${shape.join(', ')}]`);
      }
    }
    return largest;
  },
});

export const Concatenate: Layer<'Concatenate'> = passing({
  inputs: [1, Number.POSITIVE_INFINITY],
  coupling: 'joins its inputs one after the other',
  outputShape(node, inputs) {
    const [first] = inputs;
    const sides = first.slice(0, -1);
    for (const shape of inputs) {
      if (shape.slice(0, -1).join() !== sides.join()) {
        throw mismatch(node, `joins shapes that differ beside the channels, [${first.join(', ')}] and [${shape.join(', ')}]`);
      }
    }
    return [...sides, inputs.reduce((sum, shape) => sum + channelsOf(shape), 0)];
  },
  couple(_node, inputs, _output, coupler) {
    let offset = 0;
    for (const [input, shape] of inputs.entries()) {
      coupler.through(input, 0, offset, channelsOf(shape));
      offset += channelsOf(shape);
    }
  },
});

export const ChannelMap: Layer<'ChannelMap'> = passing({
  produces: true,
  outputShape(node, [input]) {
    const [height, width, channels] = mapOf(node, input);
    const { map, strides } = node.config;
    const bad = map.find((from) => !Number.isInteger(from) || from < -1 || from >= channels);
    if (bad !== undefined) throw mismatch(node, `maps from channel ${bad} of an input with ${channels} channels`);
    const [rows, columns] = windowedMap(node, height, width, { size: [1, 1], strides, padding: 'same' });
    return [rows, columns, map.length];
  },
  coupling: 'copies channels, or puts zero where the source has left',
  // An output channel whose source has left is zero, so neither side holds the other.
  couple: () => undefined,
  resized({ config }, kept) {
    const place = new Map(kept.inputs[0].map((channel, at) => [channel, at]));
    return { ...config, map: kept.output.map((channel) => place.get(config.map[channel]) ?? -1) };
  },
  blinded({ config }, kept) {
    const stays = new Set(kept);
    return { ...config, map: config.map.map((from) => (stays.has(from) ? from : -1)) };
  },
});

export const ChannelGather: Layer<'ChannelGather'> = passing({
  outputShape(node, [input]) {
    const channels = channelsOf(input);
    const bad = node.config.indices.find((from) => !Number.isInteger(from) || from < 0 || from >= channels);
    if (bad !== undefined) throw mismatch(node, `takes channel ${bad} of an input with ${channels} channels`);
    return [...input.slice(0, -1), node.config.indices.length];
  },
  coupling: 'takes channels, or puts them in another order',
  couple({ config }, _inputs, _output, coupler) {
    for (const [to, from] of config.indices.entries()) coupler.through(0, from, to);
  },
  resized({ config }, { inputs: [input], output }) {
    const place = new Map(input.map((channel, at) => [channel, at]));
    return { indices: output.flatMap((channel) => place.get(config.indices[channel]) ?? []) };
  },
});
