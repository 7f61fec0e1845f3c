import type { Pair } from '../../core/network/types.ts';
import { shapeOf, tf } from '../tf.ts';
import type { Tensor, Tensor4D } from '../tf.ts';
import type { Window } from './types.ts';

/** [[top, bottom], [left, right]] */
export type Sides = readonly [Pair, Pair];

/** The explicit padding that `same` or `valid` stands for, TensorFlow's rule: the odd one goes to the bottom and right. */
export function explicitPads(input: readonly number[], kernel: readonly number[], window: Window): Sides {
  const { pads, strides, dilations } = window;
  if (pads === 'valid') {
    return [
      [0, 0],
      [0, 0],
    ];
  }
  if (pads !== 'same') return pads;
  const side = (axis: 0 | 1): Pair => {
    const size = input[axis + 1];
    const reach = (kernel[axis] - 1) * dilations[axis] + 1;
    const total = Math.max(0, (Math.ceil(size / strides[axis]) - 1) * strides[axis] + reach - size);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  };
  return [side(0), side(1)];
}

/** Pads an image batch with zeros; a negative number of rows or columns is cut off instead. */
export function padOrCrop(x: Tensor, [[top, bottom], [left, right]]: Sides): Tensor {
  return tf.tidy(() => {
    const [count, height, width, channels] = shapeOf(x);
    const begin = [0, Math.max(0, -top), Math.max(0, -left), 0];
    const kept = [count, height + Math.min(0, top) + Math.min(0, bottom), width + Math.min(0, left) + Math.min(0, right), channels];
    const cropped = kept[1] === height && kept[2] === width ? x : tf.slice(x, begin, kept);
    const grow = (n: number): number => Math.max(0, n);
    if (grow(top) + grow(bottom) + grow(left) + grow(right) === 0) return tf.clone(cropped);
    return tf.pad(cropped, [
      [0, 0],
      [grow(top), grow(bottom)],
      [grow(left), grow(right)],
      [0, 0],
    ]);
  });
}

/** Every strides-th position, from the first. */
export function subsample(x: Tensor, strides: Pair): Tensor {
  if (strides[0] === 1 && strides[1] === 1) return tf.clone(x);
  return tf.stridedSlice(x, [0, 0, 0, 0], [...shapeOf(x)], [1, strides[0], strides[1], 1]);
}

/** The transpose of {@link subsample}: positions taken back to a height × width image, zeros between. */
export function upsampleWithZeros(x: Tensor, strides: Pair, height: number, width: number): Tensor {
  return tf.tidy(() => {
    const [count, rows, columns, channels] = shapeOf(x);
    const spread = (flat: Tensor, stride: number): Tensor =>
      stride === 1
        ? flat
        : tf.pad(flat, [
            [0, 0],
            [0, stride - 1],
            [0, 0],
          ]);
    const tall = spread(tf.reshape(x, [count * rows, 1, columns * channels]), strides[0]);
    const wide = spread(tf.reshape(tall, [count * rows * strides[0] * columns, 1, channels]), strides[1]);
    const full = tf.reshape(wide, [count, rows * strides[0], columns * strides[1], channels]);
    return tf.clone(
      padOrCrop(full, [
        [0, height - rows * strides[0]],
        [0, width - columns * strides[1]],
      ]),
    );
  });
}

export function images(x: Tensor): Tensor4D {
  if (x.rank !== 4) throw new TypeError(`expected four axes, got [${shapeOf(x).join(', ')}]`);
  return x as Tensor4D;
}

/** Channel o is channel map[o], or zero where map[o] is −1. */
export function gatherChannels(x: Tensor, map: readonly number[]): Tensor {
  return tf.tidy(() => {
    const channels = shapeOf(x)[x.rank - 1];
    const first = map.findIndex((from) => from >= 0);
    const start = map[first] ?? 0;
    const run = map.filter((from) => from >= 0).length;
    const regular = run > 0 && map.every((from, o) => from === (o >= first && o < first + run ? start + o - first : -1));
    const outer = shapeOf(x).map((): [number, number] => [0, 0]);
    if (regular) {
      const begin = shapeOf(x).map((_, axis) => (axis === x.rank - 1 ? start : 0));
      const part = run === channels ? x : tf.slice(x, begin, shapeOf(x).with(x.rank - 1, run));
      return run === map.length ? tf.clone(part) : tf.pad(part, outer.with(x.rank - 1, [first, map.length - first - run]));
    }
    const withZero = map.includes(-1) ? tf.pad(x, outer.with(x.rank - 1, [0, 1])) : x;
    const indices = tf.tensor1d(
      map.map((from) => (from < 0 ? channels : from)),
      'int32',
    );
    return tf.gather(withZero, indices, x.rank - 1);
  });
}

/** The transpose of {@link gatherChannels}: what each of the input channels receives, added up where it was taken more than once. */
export function scatterChannels(dy: Tensor, map: readonly number[], channels: number): Tensor {
  return tf.tidy(() => {
    const rounds: number[][] = [];
    for (const [o, from] of map.entries()) {
      if (from < 0) continue;
      let round = rounds.find((taken) => taken[from] === -1);
      if (round === undefined) rounds.push((round = Array.from({ length: channels }, () => -1)));
      round[from] = o;
    }
    if (rounds.length === 0) return tf.zeros(shapeOf(dy).with(dy.rank - 1, channels));
    return tf.addN(rounds.map((round) => gatherChannels(dy, round)));
  });
}
