import { sizeOf } from '../../core/network/index.ts';
import { foldedOps } from './onnx-constants.ts';
import type { OnnxGraph } from './onnx-graph.ts';
import { transposed } from './onnx-layout.ts';
import type { OnnxNode } from './onnx-proto.ts';
import { intOf, intsOf } from './onnx-windows.ts';

/** Takes constants, shapes and arithmetic on them; false where the operation computes on images. */
export function foldConstant(graph: OnnxGraph, operation: OnnxNode): boolean {
  const { op, inputs, outputs, attributes } = operation;
  const [output] = outputs;
  if (op === 'Constant') {
    const { value, value_float: one, value_floats: floats, value_int: int, value_ints: ints } = Object.fromEntries(attributes);
    const numbers = one ? [one.float ?? 0] : int ? [int.int ?? 0] : (floats?.floats ?? ints?.ints ?? []);
    const dims = one || int ? [] : [numbers.length];
    graph.setConstant(output, value?.tensor ?? { name: output, dims, type: one || floats ? 1 : 7, numbers });
    return true;
  }
  if (op === 'Shape') {
    const { id, layout } = graph.solid(operation, inputs[0]);
    const shape = graph.shapeOf(id);
    const sides = layout === 'channels-first' ? [shape[2], shape[0], shape[1]] : shape;
    const all = [graph.batch, ...sides].slice(intOf(operation, 'start', 0), attributes.get('end')?.int);
    graph.setConstant(output, { name: output, dims: [all.length], type: 7, numbers: all });
    return true;
  }
  if (inputs.length === 0 || !inputs.every((name) => name === '' || graph.constant(name) !== undefined)) return false;
  const [first] = inputs;
  const tensor = graph.constant(first);
  if (op === 'Identity' && tensor) graph.setConstant(output, tensor);
  else if (op === 'Transpose' && tensor?.dims.length === 2 && intsOf(operation, 'perm', [1, 0]).join() === '1,0') {
    const { shape, data } = transposed(graph.floats(operation, first), [1, 0]);
    graph.setConstant(output, { name: output, dims: shape, type: 1, raw: new Uint8Array(data.buffer) });
  } else {
    // Shapes are short; weights are not computed with here.
    const short = inputs.every((name) => name === '' || sizeOf(graph.constant(name)?.dims ?? []) <= 16);
    const made = short
      ? foldedOps[op]?.(
          inputs.map((name) => graph.ints(name) ?? []),
          (name) => attributes.get(name)?.ints,
        )
      : undefined;
    if (made === undefined) throw graph.unsupported(operation, 'computes on constants in a way that is not supported');
    graph.setConstant(output, made);
  }
  return true;
}
