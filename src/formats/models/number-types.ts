import { fromHalf } from './half.ts';

export interface NumberType {
  readonly bytes: number;
  /** Little-endian values as float32; float32 itself is a view of the given bytes. */
  decode(packed: Uint8Array): Float32Array;
}

type View<T> = new (buffer: ArrayBufferLike, byteOffset: number, length: number) => T;

/** A typed array over the bytes, which are copied where they do not start at a multiple of its width. */
function viewed<T>(Type: View<T>, width: number, packed: Uint8Array): T {
  const aligned = packed.byteOffset % width === 0 ? packed : new Uint8Array(packed);
  return new Type(aligned.buffer, aligned.byteOffset, aligned.length / width);
}

function widened(Type: View<ArrayLike<number>>, bytes: number): NumberType {
  return { bytes, decode: (packed) => Float32Array.from(viewed(Type, bytes, packed)) };
}

function narrowed(Type: View<ArrayLike<bigint>>): NumberType {
  return { bytes: 8, decode: (packed) => Float32Array.from(viewed(Type, 8, packed), Number) };
}

/** The number types of stored tensors, by their safetensors names. */
export const numberTypes = {
  F64: widened(Float64Array, 8),
  F32: { bytes: 4, decode: (packed) => viewed(Float32Array, 4, packed) },
  F16: { bytes: 2, decode: (packed) => fromHalf(viewed(Uint16Array, 2, packed)) },
  BF16: {
    bytes: 2,
    decode: (packed) => new Float32Array(Uint32Array.from(viewed(Uint16Array, 2, packed), (bits) => bits << 16).buffer),
  },
  I64: narrowed(BigInt64Array),
  U64: narrowed(BigUint64Array),
  I32: widened(Int32Array, 4),
  U32: widened(Uint32Array, 4),
  I16: widened(Int16Array, 2),
  U16: widened(Uint16Array, 2),
  I8: widened(Int8Array, 1),
  U8: widened(Uint8Array, 1),
} as const satisfies Readonly<Record<string, NumberType>>;

export type NumberTypeName = keyof typeof numberTypes;

export function isNumberType(name: string): name is NumberTypeName {
  return Object.hasOwn(numberTypes, name);
}
