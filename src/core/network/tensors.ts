import { sizeOf } from './layers/definition.ts';
import type { Tensor } from './types.ts';

/** The slices at ascending `indices` along an axis; the tensor itself when that is all of them. */
export function gather(tensor: Tensor, axis: number, indices: readonly number[]): Tensor {
  const outer = sizeOf(tensor.shape.slice(0, axis));
  const inner = sizeOf(tensor.shape.slice(axis + 1));
  const side = tensor.shape[axis];
  if (indices.length === side) return tensor;
  const data = new Float32Array(outer * indices.length * inner);
  let at = 0;
  for (let o = 0; o < outer; o++) {
    for (const index of indices) {
      const from = (o * side + index) * inner;
      if (inner === 1) data[at] = tensor.data[from];
      else data.set(tensor.data.subarray(from, from + inner), at);
      at += inner;
    }
  }
  return { shape: tensor.shape.with(axis, indices.length), data };
}

/** A copy with zeros at every index of the axis that is not kept. */
export function zeroOutside(tensor: Tensor, axis: number, kept: readonly number[]): Tensor {
  const inner = sizeOf(tensor.shape.slice(axis + 1));
  const side = tensor.shape[axis];
  const stays = new Set(kept);
  const data = tensor.data.slice();
  for (let from = 0; from < data.length; from += inner) {
    if (!stays.has((from / inner) % side)) data.fill(0, from, from + inner);
  }
  return { shape: tensor.shape, data };
}
