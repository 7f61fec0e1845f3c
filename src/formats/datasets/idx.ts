import { gunzipSync } from 'node:zlib';
import { Failure } from '../../core/failure.ts';
import { limits } from '../../limits.ts';
import type { SplitName } from './container.ts';

/** One IDX file of unsigned bytes: images (count × height × width) or labels (count). */
export interface IdxFile {
  readonly split: SplitName;
  readonly shape: readonly number[];
  readonly values: Uint8Array;
}

const UNSIGNED_BYTE = 0x08;
/** Signed bytes, shorts, ints, floats, doubles. */
const OTHER_TYPES = [0x09, 0x0b, 0x0c, 0x0d, 0x0e];

/**
 * Reads an IDX file, gzipped or not, of images (three dimensions) or labels (one); undefined when it is no IDX file at all.
 * The split is read from the name: `train`, `t10k` or `test`, `val`; none of them means train.
 *
 * @throws Failure `malformed-file` for other value types or dimensions and for a length that does not fit the header
 */
export function parseIdx(bytes: Uint8Array, fileName: string): IdxFile | undefined {
  const file = unpacked(bytes, fileName);
  if (!file || file.length < 4) return undefined;
  const [zero, zeroToo, type, dimensions] = file;
  if (zero !== 0 || zeroToo !== 0 || (type !== UNSIGNED_BYTE && !OTHER_TYPES.includes(type))) return undefined;
  const malformed = (what: string): Failure =>
    new Failure('malformed-file', `${fileName} ${what}.`, { hint: 'Give IDX files as MNIST has them.', field: fileName });
  if (type !== UNSIGNED_BYTE) throw malformed('is an IDX file of another type than unsigned bytes');
  if (dimensions !== 1 && dimensions !== 3) throw malformed(`is an IDX file of ${dimensions} dimensions; images have 3, labels 1`);
  const header = 4 + 4 * dimensions;
  if (file.length < header) throw malformed('is cut off in its header');
  const view = new DataView(file.buffer, file.byteOffset, header);
  const shape = Array.from({ length: dimensions }, (_, axis) => view.getUint32(4 + 4 * axis));
  const expected = shape.reduce((product, side) => product * side, 1);
  if (file.length - header !== expected) {
    throw malformed(`says ${shape.join(' × ')} values in its header but holds ${file.length - header}`);
  }
  return { split: splitOf(fileName), shape, values: file.subarray(header) };
}

function unpacked(bytes: Uint8Array, fileName: string): Uint8Array | undefined {
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  if (!/idx|ubyte/i.test(fileName)) return undefined;
  try {
    return gunzipSync(bytes, { maxOutputLength: limits.idxBytesMax });
  } catch (cause) {
    const tooLarge = cause instanceof Error && 'code' in cause && cause.code === 'ERR_BUFFER_TOO_LARGE';
    throw new Failure(
      tooLarge ? 'limit-exceeded' : 'malformed-file',
      tooLarge ? `${fileName} unpacks to more than ${limits.idxBytesMax} bytes.` : `${fileName} is damaged gzip.`,
      { hint: 'Give IDX files as MNIST has them.', field: fileName, cause },
    );
  }
}

function splitOf(fileName: string): SplitName {
  const name = fileName.slice(fileName.lastIndexOf('/') + 1).toLowerCase();
  if (/(^|[^a-z])(t10k|test)/.test(name)) return 'test';
  return /(^|[^a-z])val/.test(name) ? 'validation' : 'train';
}
