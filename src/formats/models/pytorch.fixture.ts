import type { Tensor } from '../../core/network/types.ts';
import { zip } from './testing.ts';

/** Pickle instructions, to write what torch.save writes and what it would not. */
export const u8 = (...bytes: number[]): Buffer => Buffer.from(bytes);
export const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value);
  return bytes;
};
export const op = {
  start: u8(0x80, 2),
  stop: u8(0x2e),
  mark: u8(0x28),
  tuple: u8(0x74),
  call: u8(0x52),
  emptyTuple: u8(0x29),
  emptyDict: u8(0x7d),
  setItems: u8(0x75),
  setItem: u8(0x73),
  persistent: u8(0x51),
  build: u8(0x62),
  no: u8(0x89),
  text: (value: string): Buffer => Buffer.concat([u8(0x58), u32(Buffer.byteLength(value)), Buffer.from(value)]),
  global: (module: string, name: string): Buffer => Buffer.from(`c${module}\n${name}\n`),
  int: (value: number): Buffer => Buffer.concat([u8(0x4a), u32(value)]),
};
export const many = (...values: Buffer[]): Buffer => Buffer.concat([op.mark, ...values, op.tuple]);
export const orderedDict = Buffer.concat([op.global('collections', 'OrderedDict'), op.emptyTuple, op.call]);
export const dict = (entries: Record<string, Buffer>): Buffer =>
  Buffer.concat([orderedDict, op.mark, ...Object.entries(entries).flatMap(([name, value]) => [op.text(name), value]), op.setItems]);

interface Stored {
  readonly key: string;
  readonly type?: string;
  readonly offset?: number;
  readonly shape: readonly number[];
  readonly strides?: readonly number[];
}

/** The pickle of a tensor, as torch.save writes it. */
export function tensor({ key, type = 'FloatStorage', offset = 0, shape, strides }: Stored): Buffer {
  const packed = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1));
  const storage = Buffer.concat([
    many(op.text('storage'), op.global('torch', type), op.text(key), op.text('cpu'), op.int(1)),
    op.persistent,
  ]);
  const sides = many(...shape.map(op.int));
  const steps = many(...(strides ?? packed).map(op.int));
  const args = many(storage, op.int(offset), sides, steps, op.no, orderedDict);
  return Buffer.concat([op.global('torch._utils', '_rebuild_tensor_v2'), args, op.call]);
}

export const bytesOf = (data: Float32Array): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
export const floats = (...values: number[]): Uint8Array => bytesOf(Float32Array.from(values));
export const checkpoint = (pickle: Buffer, data: Record<string, Uint8Array>): Promise<Buffer> =>
  zip({
    'it/data.pkl': Buffer.concat([op.start, pickle, op.stop]),
    ...Object.fromEntries(Object.entries(data).map(([key, bytes]) => [`it/data/${key}`, bytes])),
  });

/** What `torch.save(model.state_dict(), file)` writes of these tensors. */
export function stateDictFile(tensors: Iterable<readonly [string, Tensor]>): Promise<Buffer> {
  const list = [...tensors];
  const pickle = dict(Object.fromEntries(list.map(([name, { shape }], i) => [name, tensor({ key: String(i), shape })])));
  return checkpoint(pickle, Object.fromEntries(list.map(([, { data }], i) => [String(i), bytesOf(data)])));
}
