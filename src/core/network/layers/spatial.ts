import { channelsOf, mapOf, mismatch, passing, sizeOf, windowedMap, type Layer } from './definition.ts';

function pooling<K extends 'MaxPooling2D' | 'AveragePooling2D'>(): Layer<K> {
  return passing<K>({
    outputShape(node, [input]) {
      const [height, width, channels] = mapOf(node, input);
      const { poolSize, strides, padding } = node.config;
      return [...windowedMap(node, height, width, { size: poolSize, strides, padding }), channels];
    },
  });
}

function globalPooling<K extends 'GlobalAveragePooling2D' | 'GlobalMaxPooling2D'>(): Layer<K> {
  return passing<K>({ outputShape: (node, [input]) => [mapOf(node, input)[2]] });
}

export const MaxPooling2D: Layer<'MaxPooling2D'> = pooling();
export const AveragePooling2D: Layer<'AveragePooling2D'> = pooling();
export const GlobalAveragePooling2D: Layer<'GlobalAveragePooling2D'> = globalPooling();
export const GlobalMaxPooling2D: Layer<'GlobalMaxPooling2D'> = globalPooling();

export const ZeroPadding2D: Layer<'ZeroPadding2D'> = passing({
  outputShape(node, [input]) {
    const [height, width, channels] = mapOf(node, input);
    const [[top, bottom], [left, right]] = node.config.padding;
    if (Math.min(top, bottom, left, right) < 0) throw mismatch(node, 'pads by a negative number of positions');
    return [height + top + bottom, width + left + right, channels];
  },
});

export const Flatten: Layer<'Flatten'> = passing({
  outputShape: (_node, [input]) => [sizeOf(input)],
  coupling: 'lays each channel out as one feature a position',
  // Channels-last order: feature p · C + c at position p.
  couple(_node, [input], output, coupler) {
    const channels = channelsOf(input);
    for (let feature = 0; feature < channelsOf(output); feature++) coupler.through(0, feature % channels, feature);
  },
});
