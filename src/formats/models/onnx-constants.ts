import { posix } from 'node:path';
import type { Tensor } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { sizeOf } from '../../core/network/index.ts';
import { numberTypes } from './number-types.ts';
import { onnxTypes, type OnnxTensor } from './onnx-proto.ts';

/** The bytes of another file of the model's folder, by its path there. */
export type OtherFiles = (path: string) => Uint8Array | undefined;

/** Puts the bytes of one tensor after the other into the same aligned space. */
export type Scratch = (raw: Uint8Array) => Uint8Array;

export function createScratch(): Scratch {
  let space = new Uint8Array();
  return (raw) => {
    if (space.length < raw.length) space = new Uint8Array(raw.length);
    space.set(raw);
    return space.subarray(0, raw.length);
  };
}

/**
 * The values of a stored tensor as float32.
 *
 * @param scratch for values that are copied before the next tensor is read: those that lie unaligned in the file need no copy of their own
 * @throws Failure `malformed-file` naming the tensor where its values and shape differ; `forbidden` for values in a file outside of the
 * model's folder; `unsupported-format` for other number types
 */
export function floatsOf(tensor: OnnxTensor, others: OtherFiles, fileName: string, scratch?: Scratch): Tensor {
  const { name, dims: shape, type, numbers = [] } = tensor;
  const malformed = (what: string): Failure =>
    new Failure('malformed-file', `Tensor "${name}" of ${fileName} ${what}.`, { hint: 'Export the model again.', field: name });
  const numberType = onnxTypes[type];
  if (numberType === undefined) {
    throw new Failure('unsupported-format', `Tensor "${name}" of ${fileName} has the ONNX number type ${type}.`, {
      hint: 'Export the model with float weights.',
      field: name,
    });
  }
  if (!shape.every((side) => Number.isSafeInteger(side) && side >= 0)) throw malformed('has a shape of impossible sides');
  const { bytes, decode } = numberTypes[numberType];
  const raw = tensor.external === undefined ? tensor.raw : outside(tensor, others, fileName);
  const stored = raw === undefined ? numbers.length : raw.length / bytes;
  if (stored !== sizeOf(shape)) throw malformed(`has shape [${shape.join(', ')}] but ${stored} values`);
  if (raw === undefined) return { shape, data: Float32Array.from(numbers) };
  return { shape, data: decode(scratch === undefined || raw.byteOffset % bytes === 0 ? raw : scratch(raw)) };
}

function outside({ name, external = new Map<string, string>() }: OnnxTensor, others: OtherFiles, fileName: string): Uint8Array {
  const location = external.get('location') ?? '';
  const path = posix.normalize(location.replaceAll('\\', '/'));
  if (location === '' || path.startsWith('..') || posix.isAbsolute(path) || /^[A-Za-z]:/.test(path)) {
    throw new Failure('forbidden', `Tensor "${name}" of ${fileName} lies in "${location}", outside of the model's folder.`, {
      hint: 'Save the model with its weights inside of the file, or beside it.',
      field: name,
    });
  }
  const file = others(path);
  const from = Number(external.get('offset') ?? 0);
  const length = Number(external.get('length') ?? (file?.length ?? 0) - from);
  if (file === undefined) {
    throw new Failure('malformed-file', `Tensor "${name}" of ${fileName} lies in "${location}", which is not there.`, {
      hint: 'Pack the .onnx file and its data files into one zip.',
      field: name,
    });
  }
  const fits = Number.isSafeInteger(from) && Number.isSafeInteger(length) && from >= 0 && length >= 0 && from + length <= file.length;
  if (fits) return file.subarray(from, from + length);
  throw new Failure('malformed-file', `Tensor "${name}" of ${fileName} goes beyond "${location}".`, {
    hint: 'Export the model again.',
    field: name,
  });
}

const tensorOfInts = (values: readonly number[], dims: readonly number[] = [values.length]): OnnxTensor => ({
  name: '',
  dims,
  type: 7,
  numbers: values,
});

const ofScalars =
  (compute: (a: number, b: number) => number) =>
  ([a, b]: readonly (readonly number[])[]): OnnxTensor | undefined =>
    a.length === 1 && b.length === 1 ? tensorOfInts([compute(a[0], b[0])], []) : undefined;

/** Arithmetic on shapes that exporters leave in the graph: inputs and attributes to the result. */
export const foldedOps: Readonly<
  Record<string, (inputs: readonly (readonly number[])[], ints: (name: string) => readonly number[] | undefined) => OnnxTensor | undefined>
> = {
  Identity: ([values]) => tensorOfInts(values),
  Cast: ([values]) => tensorOfInts(values),
  Unsqueeze: ([values]) => tensorOfInts(values),
  Squeeze: ([values]) => tensorOfInts(values, values.length === 1 ? [] : [values.length]),
  Concat: (inputs) => tensorOfInts(inputs.flat()),
  Gather([values, indices]) {
    const taken = indices.map((index) => values.at(index) ?? 0);
    return tensorOfInts(taken, taken.length === 1 ? [] : [taken.length]);
  },
  Slice([values, starts, ends, , steps = [1]]) {
    return steps[0] === 1 ? tensorOfInts(values.slice(starts[0], ends[0])) : undefined;
  },
  Add: ofScalars((a, b) => a + b),
  Sub: ofScalars((a, b) => a - b),
  Mul: ofScalars((a, b) => a * b),
  Div: ofScalars((a, b) => Math.trunc(a / b)),
};
