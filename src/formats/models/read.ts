import { readFile, stat } from 'node:fs/promises';
import type { Network } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { limits } from '../../limits.ts';
import { archiveKindOf, openArchive, readHead } from '../archive.ts';
import { networkOf } from '../network.ts';
import { looksLikeDeepCompression, readDeepCompression } from './deep-compression-read.ts';
import { readKerasH5 } from './keras-h5.ts';
import { networkOfKerasWeights } from './keras-weights.ts';
import { looksLikeKeras3, readKeras3 } from './keras3.ts';
import { looksLikeOnnx, readOnnx, readOnnxArchive } from './onnx-read.ts';
import { looksLikePyTorch, readPyTorch } from './pytorch.ts';
import { looksLikeSafetensors, parseSafetensors } from './safetensors.ts';
import { readTfjsArchive } from './tfjs-read.ts';
import { networkOfWeights, type AboutWeights } from './torch-weights.ts';

export type ModelFormat = 'tfjs' | 'keras-h5' | 'keras' | 'safetensors' | 'pytorch' | 'onnx' | 'deep-compression' | 'espalier';

const ACCEPTED =
  'Give a tfjs model (model.json and its shards) as zip or tar, Keras .h5 or .keras, ONNX, safetensors, or a PyTorch state dict.';

/**
 * Reads a model file as a Network. Its content decides the format, never its extension.
 *
 * @param about fileName: what the user calls the file, for messages and the model's name; the rest is for files that hold weights only
 * @throws Failure `unsupported-format` saying what the file looks like; `malformed-file`; `limit-exceeded`; `unsupported-layer`;
 * `unknown-architecture`; `shape-mismatch`; `non-finite-weights`
 */
export async function readModel(path: string, about: AboutWeights): Promise<{ network: Network; format: ModelFormat }> {
  const { fileName } = about;
  const head = await readHead(path);
  const { size: bytes } = await stat(path);
  if (bytes === 0) throw new Failure('malformed-file', `${fileName} is empty.`, { hint: ACCEPTED, field: fileName });
  if (bytes > limits.modelBytesMax) {
    throw new Failure('limit-exceeded', `${fileName} has ${bytes} bytes, over ${limits.modelBytesMax}.`, {
      hint: 'Give a smaller model.',
      field: fileName,
    });
  }
  if (archiveKindOf(head)) return readArchive(path, about);
  if (startsWith(head, HDF5)) return { network: await readKerasH5(await readFile(path), about, networkOfKerasWeights), format: 'keras-h5' };
  if (looksLikeDeepCompression(head)) return { network: readDeepCompression(await readFile(path), fileName), format: 'deep-compression' };
  if (looksLikeOnnx(head)) return { network: readOnnx(await readFile(path), fileName), format: 'onnx' };
  if (!looksLikeSafetensors(head)) {
    throw new Failure('unsupported-format', `${fileName} is no model: it looks like ${appearance(head)}.`, {
      hint: ACCEPTED,
      field: fileName,
    });
  }
  const parsed = parseSafetensors(await readFile(path), fileName);
  const own = networkOf(parsed, fileName);
  if (own) return { network: own, format: 'espalier' };
  return { network: networkOfWeights(parsed.tensors, about), format: 'safetensors' };
}

/** An archive by the names of its entries. */
async function readArchive(path: string, about: AboutWeights): Promise<{ network: Network; format: ModelFormat }> {
  const names: string[] = [];
  for await (const entry of openArchive(path, about.fileName)) if (names.push(entry.name) > limits.modelArchiveEntriesMax) break;
  if (looksLikePyTorch(names)) return { network: networkOfWeights(await readPyTorch(path, about.fileName), about), format: 'pytorch' };
  if (looksLikeKeras3(names)) return { network: await readKeras3(path, about.fileName), format: 'keras' };
  if (names.some((name) => name.endsWith('.onnx'))) return { network: await readOnnxArchive(path, about.fileName), format: 'onnx' };
  return { network: await readTfjsArchive(path, about.fileName), format: 'tfjs' };
}

const HDF5 = '\x89HDF\r\n\x1a\n';

const appearances: readonly (readonly [magic: string, what: string])[] = [
  ['\x89PNG', 'a PNG image'],
  ['\xff\xd8\xff', 'a JPEG image'],
  ['GIF8', 'a GIF image'],
  ['%PDF', 'a PDF document'],
  ['\x7fELF', 'a program'],
  ['MZ', 'a program'],
  ['\x80\x02', 'a Python pickle (a PyTorch file from before 1.6; save it again)'],
  ['7z\xbc\xaf', 'a 7-Zip archive'],
  ['Rar!', 'a RAR archive'],
  ['\x28\xb5\x2f\xfd', 'a Zstandard archive'],
  ['{', 'JSON alone (a model.json needs its weight files beside it, in one archive)'],
];

function startsWith(head: Uint8Array, magic: string): boolean {
  return Buffer.from(head.subarray(0, magic.length)).toString('latin1') === magic;
}

function appearance(head: Uint8Array): string {
  const found = appearances.find(([magic]) => startsWith(head, magic));
  if (found) return found[1];
  const printable = head.every((byte) => byte >= 0x20 || byte === 0x09 || byte === 0x0a || byte === 0x0d);
  return printable ? 'text' : 'binary data of an unknown kind';
}
