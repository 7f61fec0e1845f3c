import { Failure } from '../../failure.ts';
import type { Kind } from '../types.ts';
import { Conv2D, Dense, DepthwiseConv2D } from './convolution.ts';
import type { Layer } from './definition.ts';
import { Add, ChannelGather, ChannelMap, Concatenate, Input, Multiply } from './joining.ts';
import { Activation, BatchNormalization, Dropout, LayerNormalization, LayerScale, ReLU, Softmax } from './pointwise.ts';
import { AveragePooling2D, Flatten, GlobalAveragePooling2D, GlobalMaxPooling2D, MaxPooling2D, ZeroPadding2D } from './spatial.ts';

/** The one layer table: a new kind is one entry here, its config in `Configs`, and one forward op in the engine. */
export const layers: { readonly [K in Kind]: Layer<K> } = {
  Input,
  Conv2D,
  DepthwiseConv2D,
  Dense,
  BatchNormalization,
  LayerNormalization,
  LayerScale,
  ReLU,
  Activation,
  MaxPooling2D,
  AveragePooling2D,
  GlobalAveragePooling2D,
  GlobalMaxPooling2D,
  Add,
  Multiply,
  Concatenate,
  ZeroPadding2D,
  Flatten,
  Dropout,
  Softmax,
  ChannelMap,
  ChannelGather,
};

export const isKind = (kind: string): kind is Kind => Object.hasOwn(layers, kind);

/**
 * The table's entry for a kind.
 * @throws Failure `unsupported-layer` naming a kind that the table does not know (data can hold one, types cannot).
 */
export function layerOf<K extends Kind>(kind: K): Layer<K> {
  if (!isKind(kind)) {
    throw new Failure('unsupported-layer', `Layers of kind "${String(kind)}" are not supported.`, {
      hint: `Supported kinds are ${Object.keys(layers).join(', ')}.`,
    });
  }
  return layers[kind];
}
