import { closeSync, openSync, readSync } from 'node:fs';
import type { Tensor } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { limits } from '../../limits.ts';
import { HALF_MAX, toHalf } from './half.ts';
import { isNumberType, numberTypes } from './number-types.ts';

export interface Safetensors {
  /** In stored order, every number type widened or narrowed to float32; float32 itself is a view of the file. */
  readonly tensors: ReadonlyMap<string, Tensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

function malformed(fileName: string, what: string): Failure {
  return new Failure('malformed-file', `${fileName} is no sound safetensors file: ${what}.`, {
    hint: 'Write or download the file again.',
    field: fileName,
  });
}

/** Whether the bytes begin as a safetensors file does: a plausible header length, then a JSON object. */
export function looksLikeSafetensors(head: Uint8Array): boolean {
  return head.length > 8 && head[8] === 0x7b && headerBytesOf(head) <= limits.modelHeaderBytesMax;
}

function headerBytesOf(bytes: Uint8Array): number {
  return Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true));
}

/**
 * Reads a safetensors file.
 *
 * @throws Failure `malformed-file` naming the tensor for bad headers and for offsets that leave gaps, overlap or miss the shape;
 * `unsupported-format` naming the dtype; `limit-exceeded` for headers beyond limits.modelHeaderBytesMax
 */
export function parseSafetensors(bytes: Uint8Array, fileName: string): Safetensors {
  if (bytes.length < 8) throw malformed(fileName, 'it is shorter than its header');
  const headerBytes = headerBytesOf(bytes);
  if (headerBytes > bytes.length - 8) throw malformed(fileName, 'the header is longer than the file');
  if (headerBytes > limits.modelHeaderBytesMax) {
    throw new Failure('limit-exceeded', `${fileName} has a header of ${headerBytes} bytes, over ${limits.modelHeaderBytesMax}.`, {
      hint: 'Store only the weights of one model.',
      field: fileName,
    });
  }
  const data = bytes.subarray(8 + headerBytes);
  const { spans, metadata } = layoutOf(bytes.subarray(8, 8 + headerBytes), data.length, fileName);
  const tensors = new Map<string, Tensor>();
  for (const { name, begin, end, shape, dtype } of spans) {
    tensors.set(name, { shape, data: numberTypes[dtype].decode(data.subarray(begin, end)) });
  }
  return { tensors, metadata };
}

/**
 * Reads a file of this service's own: its header now, and each tensor's values when they are first asked for.
 *
 * @param bytes length of the file
 * @throws as {@link parseSafetensors}
 */
export function openSafetensors(path: string, bytes: number, fileName: string): Safetensors {
  const headerBytes = headerBytesOf(readAt(path, 0, 8));
  const first = 8 + headerBytes;
  const { spans, metadata } = layoutOf(readAt(path, 8, first), bytes - first, fileName);
  const tensors = new Map<string, Tensor>();
  for (const { name, begin, end, shape, dtype } of spans) {
    let data: Float32Array | undefined;
    tensors.set(name, {
      shape,
      get data() {
        return (data ??= numberTypes[dtype].decode(readAt(path, first + begin, first + end)));
      },
    });
  }
  return { tensors, metadata };
}

function readAt(path: string, begin: number, end: number): Uint8Array {
  const file = openSync(path, 'r');
  try {
    const bytes = new Uint8Array(end - begin);
    readSync(file, bytes, 0, bytes.length, begin);
    return bytes;
  } finally {
    closeSync(file);
  }
}

/** Where the tensors lie in the file's data, in stored order. */
function layoutOf(header: Uint8Array, dataBytes: number, fileName: string) {
  const { __metadata__: metadata = {}, ...entries } = parseHeader(header, fileName);
  const spans = Object.entries(entries).map(([name, entry]) => ({ name, ...checkEntry(name, entry, dataBytes, fileName) }));
  let covered = 0;
  for (const { name, begin, end } of spans.toSorted((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== covered) throw malformed(fileName, `tensor "${name}" begins at byte ${begin}, where ${covered} was due`);
    covered = end;
  }
  if (covered !== dataBytes) throw malformed(fileName, `${dataBytes - covered} bytes belong to no tensor`);
  return { spans, metadata: checkMetadata(metadata, fileName) };
}

function parseHeader(bytes: Uint8Array, fileName: string): Record<string, unknown> {
  let header: unknown;
  try {
    header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw malformed(fileName, 'the header is not JSON');
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header)) throw malformed(fileName, 'the header is not a JSON object');
  return { ...header };
}

function checkMetadata(metadata: unknown, fileName: string): Record<string, string> {
  const fits = typeof metadata === 'object' && metadata !== null && Object.values(metadata).every((value) => typeof value === 'string');
  if (!fits) throw malformed(fileName, '__metadata__ must map names to text');
  return metadata as Record<string, string>;
}

function checkEntry(name: string, entry: unknown, dataBytes: number, fileName: string) {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  const whole = (values: unknown): values is number[] =>
    Array.isArray(values) && values.every((value) => Number.isSafeInteger(value) && value >= 0);
  if (typeof dtype !== 'string' || !whole(shape) || !whole(offsets) || offsets.length !== 2) {
    throw malformed(fileName, `tensor "${name}" needs dtype, shape and two data_offsets`);
  }
  if (!isNumberType(dtype)) {
    throw new Failure('unsupported-format', `Tensor "${name}" of ${fileName} has dtype ${dtype}.`, {
      hint: `Store it as one of ${Object.keys(numberTypes).join(', ')}.`,
      field: fileName,
    });
  }
  const [begin, end] = offsets;
  const due = shape.reduce((product, size) => product * size, numberTypes[dtype].bytes);
  if (end > dataBytes) throw malformed(fileName, `tensor "${name}" ends at byte ${end} of ${dataBytes}`);
  if (end - begin !== due) throw malformed(fileName, `tensor "${name}" of shape [${shape}] has ${end - begin} bytes instead of ${due}`);
  return { begin, end, shape, dtype };
}

/**
 * Writes a safetensors file; the same input gives the same bytes. With `float16`, tensors of two or more axes whose values fit are
 * stored as F16; vectors (biases, BatchNormalization) stay F32, since they cost little and rounding them costs accuracy.
 */
export function writeSafetensors(
  tensors: Iterable<readonly [string, Tensor]>,
  metadata: Readonly<Record<string, string>>,
  precision: 'float32' | 'float16' = 'float32',
): Uint8Array {
  const header: Record<string, unknown> = { __metadata__: metadata };
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [name, { shape, data }] of tensors) {
    const half = precision === 'float16' && shape.length >= 2 && data.every((value) => Math.abs(value) <= HALF_MAX);
    const packed = half ? toHalf(data) : data;
    const part = new Uint8Array(packed.buffer, packed.byteOffset, packed.byteLength);
    header[name] = { dtype: half ? 'F16' : 'F32', shape, data_offsets: [offset, offset + part.length] };
    parts.push(part);
    offset += part.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  // The format asks for data at a multiple of eight, with spaces as filling.
  const padded = Buffer.alloc(Math.ceil(text.length / 8) * 8, ' ');
  text.copy(padded);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([length, padded, ...parts]);
}
