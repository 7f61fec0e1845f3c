import { sizeOf } from './layers/definition.ts';
import type { Tensor } from './types.ts';

/** The slices at `indices` along an axis, in that order. */
export function gather(tensor: Tensor, axis: number, indices: readonly number[]): Tensor {
  const outer = sizeOf(tensor.shape.slice(0, axis));
  const inner = sizeOf(tensor.shape.slice(axis + 1));
  const side = tensor.shape[axis];
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
  const keep = new Uint8Array(side);
  for (const index of kept) keep[index] = 1;
  const data = tensor.data.map((value, at) => (keep[Math.floor(at / inner) % side] === 1 ? value : 0));
  return { shape: tensor.shape, data };
}
