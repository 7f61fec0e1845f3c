import type { Tensor } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { sizeOf } from '../../core/network/index.ts';
import { limits } from '../../limits.ts';
import { openArchive } from '../archive.ts';
import { numberTypes, type NumberTypeName } from './number-types.ts';
import { Global, readPickle, type Pickled, type PickleHost } from './pickle.ts';

/** The storages that tensors may lie in. */
const storageTypes: Readonly<Record<string, NumberTypeName>> = {
  'torch.DoubleStorage': 'F64',
  'torch.FloatStorage': 'F32',
  'torch.HalfStorage': 'F16',
  'torch.BFloat16Storage': 'BF16',
  'torch.LongStorage': 'I64',
  'torch.IntStorage': 'I32',
  'torch.ShortStorage': 'I16',
  'torch.CharStorage': 'I8',
  'torch.ByteStorage': 'U8',
  'torch.BoolStorage': 'U8',
};

class Storage {
  readonly type: NumberTypeName;
  readonly key: string;
  constructor(type: NumberTypeName, key: string) {
    this.type = type;
    this.key = key;
  }
}

/** A window on a storage: value [i, j, …] is number offset + i · strides[0] + j · strides[1] + …. */
class StoredTensor {
  readonly storage: Storage;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly strides: readonly number[];
  constructor(storage: Storage, offset: number, shape: readonly number[], strides: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.strides = strides;
  }
}

const whole = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const wholes = (values: unknown): values is number[] => Array.isArray(values) && values.every(whole);

/** Calls that a state dict is made of. */
const calls: Readonly<Record<string, (args: readonly Pickled[]) => Pickled | undefined>> = {
  'collections.OrderedDict': (args) => (args.length === 0 ? new Map<Pickled, Pickled>() : undefined),
  'torch._utils._rebuild_tensor_v2': ([storage, offset, shape, strides]) =>
    storage instanceof Storage && whole(offset) && wholes(shape) && wholes(strides) && shape.length === strides.length
      ? new StoredTensor(storage, offset, shape, strides)
      : undefined,
  'torch._utils._rebuild_parameter': ([tensor]) => (tensor instanceof StoredTensor ? tensor : undefined),
  'torch.Size': ([sides]) => sides,
};

const host: PickleHost = {
  knows: (name) => Object.hasOwn(calls, name) || Object.hasOwn(storageTypes, name),
  call: (name, args) => (Object.hasOwn(calls, name) ? calls[name](args) : undefined),
  persistent(id) {
    const [tag, type, key] = Array.isArray(id) ? id : [];
    const known = tag === 'storage' && type instanceof Global && Object.hasOwn(storageTypes, type.name) && typeof key === 'string';
    return known ? new Storage(storageTypes[type.name], key) : null;
  },
};

/** Whether the names of a zip's entries are those of torch.save. */
export function looksLikePyTorch(names: readonly string[]): boolean {
  return names.some((name) => name === 'data.pkl' || name.endsWith('/data.pkl'));
}

/**
 * Reads the state dict of a file by torch.save (PyTorch 1.6 or later), which may be nested in a checkpoint.
 *
 * @throws Failure `unsupported-format` naming what is no tensor; `malformed-file`; `limit-exceeded`
 */
export async function readPyTorch(path: string, fileName: string): Promise<ReadonlyMap<string, Tensor>> {
  const files = new Map<string, Uint8Array>();
  let pickle: { readonly folder: string; readonly bytes: Uint8Array } | undefined;
  let total = 0;
  for await (const entry of openArchive(path, fileName)) {
    total += entry.bytes;
    if (total > limits.modelBytesMax || files.size > limits.modelArchiveEntriesMax) throw exceeded(fileName);
    const isPickle = entry.name === 'data.pkl' || entry.name.endsWith('/data.pkl');
    if (isPickle && entry.bytes > limits.pickleBytesMax) throw exceeded(fileName);
    const bytes = await entry.read();
    if (isPickle) pickle = { folder: entry.name.slice(0, -'data.pkl'.length), bytes };
    else files.set(entry.name, bytes);
  }
  if (pickle === undefined) throw malformed(fileName, 'it holds no data.pkl');
  const { folder } = pickle;
  const order = files.get(`${folder}byteorder`);
  if (order !== undefined && Buffer.from(order).toString() !== 'little') throw malformed(fileName, 'its numbers are not little-endian');
  const named = stateDict(readPickle(pickle.bytes, host, fileName), fileName);
  return materialised(named, (key) => files.get(`${folder}data/${key}`), fileName);
}

/** Where checkpoints keep the weights beside the optimizer and its like. */
const NESTED = ['state_dict', 'model_state_dict', 'model', 'state_dict_ema', 'model_ema', 'net', 'network', 'weights', 'params'];

function stateDict(root: Pickled, fileName: string): Map<string, StoredTensor> {
  const candidates = [root, ...(root instanceof Map ? NESTED.map((key) => root.get(key)) : [])];
  for (const candidate of candidates) {
    if (!(candidate instanceof Map)) continue;
    const tensors = new Map<string, StoredTensor>();
    for (const [name, value] of candidate) if (typeof name === 'string' && value instanceof StoredTensor) tensors.set(name, value);
    if (tensors.size > 0) return tensors;
  }
  throw new Failure('unsupported-format', `${fileName} holds no weights by name.`, {
    hint: 'Save the state dict: torch.save(model.state_dict(), file).',
    field: fileName,
  });
}

function materialised(
  named: ReadonlyMap<string, StoredTensor>,
  bytesOf: (key: string) => Uint8Array | undefined,
  fileName: string,
): ReadonlyMap<string, Tensor> {
  const storages = new Map<string, Float32Array>();
  const valuesOf = ({ type, key }: Storage, name: string): Float32Array => {
    const known = storages.get(`${type} ${key}`);
    if (known !== undefined) return known;
    const bytes = bytesOf(key);
    if (bytes === undefined || bytes.length % numberTypes[type].bytes !== 0) {
      throw malformed(fileName, `the values of tensor "${name}" are missing or cut off`);
    }
    const values = numberTypes[type].decode(bytes);
    storages.set(`${type} ${key}`, values);
    return values;
  };
  const tensors = new Map<string, Tensor>();
  let bytes = 0;
  for (const [name, tensor] of named) {
    const { storage, offset, shape, strides } = tensor;
    const size = sizeOf(shape);
    // A stride of zero makes many values of one, so that a small file could ask for any amount.
    bytes += size * Float32Array.BYTES_PER_ELEMENT;
    if (!(bytes <= limits.modelBytesMax)) throw exceeded(fileName);
    const values = valuesOf(storage, name);
    const last = shape.reduce((sum, side, axis) => sum + (side - 1) * strides[axis], offset);
    if (size > 0 && last >= values.length) throw malformed(fileName, `tensor "${name}" goes beyond its values`);
    tensors.set(name, { shape, data: strided(values, tensor, size) });
  }
  return tensors;
}

function strided(values: Float32Array, { offset, shape, strides }: StoredTensor, size: number): Float32Array {
  let due = 1;
  const packed = shape.every((_, i) => {
    const axis = shape.length - 1 - i;
    const fits = shape[axis] === 1 || strides[axis] === due;
    due *= shape[axis];
    return fits;
  });
  if (packed) return values.subarray(offset, offset + size);
  const data = new Float32Array(size);
  const at = shape.map(() => 0);
  for (let i = 0, from = offset; i < size; i++) {
    data[i] = values[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++at[axis] < shape[axis]) break;
      from -= shape[axis] * strides[axis];
      at[axis] = 0;
    }
  }
  return data;
}

function exceeded(fileName: string): Failure {
  return new Failure('limit-exceeded', `${fileName} unpacks to more than ${limits.modelBytesMax} bytes or too many files.`, {
    hint: 'Save the weights of one model alone.',
    field: fileName,
  });
}

function malformed(fileName: string, what: string): Failure {
  return new Failure('malformed-file', `${fileName} is no sound PyTorch file: ${what}.`, {
    hint: 'Save it again with torch.save.',
    field: fileName,
  });
}
