import type { Kind, Pair, Shape, Tensor } from '../../core/network/types.ts';

/** Values in the order of other axes: result[i0, i1, …] is at axes[k] ↦ ik of the tensor. */
export function transposed({ shape, data }: Tensor, axes: readonly number[]): Tensor {
  const steps = axes.map((axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1));
  const sides = axes.map((axis) => shape[axis]);
  const result = new Float32Array(data.length);
  const at = sides.map(() => 0);
  const inner = sides.length - 1;
  for (let i = 0, from = 0; i < result.length;) {
    for (let k = 0; k < sides[inner]; k++) result[i++] = data[from + k * steps[inner]];
    for (let axis = inner - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++at[axis] < sides[axis]) break;
      from -= sides[axis] * steps[axis];
      at[axis] = 0;
    }
  }
  return { shape: sides, data: result };
}

/** OIHW from HWIO; for a depthwise kernel (channels · multiplier, 1, h, w) from (h, w, channels, multiplier). */
export function storedInOnnx(kind: Kind, name: string, tensor: Tensor): Tensor {
  if (kind === 'Conv2D' && name === 'kernel') return transposed(tensor, [3, 2, 0, 1]);
  if (kind === 'DepthwiseConv2D' && name === 'kernel') {
    const { shape, data } = transposed(tensor, [2, 3, 0, 1]);
    return { shape: [shape[0] * shape[1], 1, shape[2], shape[3]], data };
  }
  // A factor for each channel of a map stands before the map's two sides.
  return kind === 'LayerScale' ? { shape: [...tensor.shape, 1, 1], data: tensor.data } : tensor;
}

/** Undoes {@link storedInOnnx}; `shape` is the shape here. */
export function fromOnnx(kind: Kind, name: string, tensor: Tensor, shape: Shape): Tensor {
  if (kind === 'Conv2D' && name === 'kernel') return transposed(tensor, [2, 3, 1, 0]);
  if (kind === 'DepthwiseConv2D' && name === 'kernel') {
    const [height, width, channels, multiplier] = shape;
    return transposed({ shape: [channels, multiplier, height, width], data: tensor.data }, [2, 3, 0, 1]);
  }
  return kind === 'LayerScale' ? { shape, data: tensor.data } : tensor;
}

/** Pads [top, left, bottom, right] that give a window every strides-th position, as TensorFlow's `same` does. */
export function samePads(
  [height, width]: Shape,
  { kernel, strides, dilation }: { readonly kernel: Pair; readonly strides: Pair; readonly dilation: Pair },
): readonly [number, number, number, number] {
  const [[top, bottom], [left, right]] = [height, width].map((side, axis) => {
    const reach = (kernel[axis] - 1) * dilation[axis] + 1;
    const total = Math.max((Math.ceil(side / strides[axis]) - 1) * strides[axis] + reach - side, 0);
    return [Math.floor(total / 2), Math.ceil(total / 2)];
  });
  return [top, left, bottom, right];
}
