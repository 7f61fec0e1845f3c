import type { Dataset, Entity, File, Group } from 'h5wasm';
import type { Network, Tensor } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { sizeOf } from '../../core/network/index.ts';
import { limits } from '../../limits.ts';
import { networkOfKeras, type KerasWeights } from './keras.ts';
import { ofKeras2 } from './keras3-topology.ts';
import type { AboutWeights } from './torch-weights.ts';

/**
 * Reads a Keras `.h5` file, of Keras 2 or 3; where it has no topology, by `ofWeights`.
 *
 * @throws Failure `malformed-file`, `limit-exceeded`, or what networkOfKeras finds
 */
export async function readKerasH5(
  bytes: Uint8Array,
  about: AboutWeights,
  ofWeights: (file: File, about: AboutWeights) => Network,
): Promise<Network> {
  const { fileName } = about;
  return withHdf5(bytes, fileName, (file) => {
    const topology = topologyIn(file, fileName);
    if (topology === undefined) return ofWeights(file, about);
    const version = attribute(file, 'keras_version', fileName);
    return networkOfKeras(ofKeras2(topology, version, fileName), weightsIn(file, fileName), fileName);
  });
}

/**
 * Opens an HDF5 file for a while. The library sees a copy in a file system that exists in memory only, so links to other files
 * lead nowhere.
 *
 * @throws Failure `malformed-file`
 */
export async function withHdf5<T>(bytes: Uint8Array, fileName: string, use: (file: File) => T): Promise<T> {
  // The library brings 20 MB of WebAssembly, which only this needs.
  const { File, ready } = await import('h5wasm');
  const { FS, activate_throwing_error_handler: throwErrors } = await ready;
  // Otherwise the library prints its errors and goes on with null.
  throwErrors();
  const path = '/model.h5';
  FS.writeFile(path, bytes);
  try {
    const file = opened(() => new File(path, 'r'), fileName);
    try {
      return use(file);
    } finally {
      file.close();
    }
  } finally {
    FS.unlink(path);
  }
}

function opened(open: () => File, fileName: string): File {
  return asking(fileName, 'it is truncated or damaged', () => {
    const file = open();
    if (file.file_id < 0n) throw new Error('no file id');
    return file;
  });
}

/** Errors that the HDF5 library throws are the file's. */
function asking<T>(fileName: string, what: string, question: () => T): T {
  try {
    return question();
  } catch (cause) {
    throw malformed(fileName, what, cause);
  }
}

/** The attribute model_config; undefined where there is none. */
function topologyIn(file: File, fileName: string): unknown {
  const text = attribute(file, 'model_config', fileName);
  if (typeof text !== 'string') return undefined;
  if (text.length > limits.modelHeaderBytesMax) throw malformed(fileName, 'its topology is too long');
  try {
    return JSON.parse(text);
  } catch {
    throw malformed(fileName, 'its topology is not JSON');
  }
}

function attribute(holder: Group, name: string, fileName: string): unknown {
  return asking(fileName, `attribute ${name} cannot be read`, () =>
    Object.hasOwn(holder.attrs, name) ? holder.attrs[name].value : undefined,
  );
}

/** Weights below `model_weights` by layer and name. */
function weightsIn(file: File, fileName: string): KerasWeights {
  const paths = new Map<string, string>();
  for (const { layer, weight, path } of listedWeights(file, 'model_weights/', fileName)) paths.set(`${layer}/${weight}`, path);
  return (layer, weight) => {
    // Keras 3 calls every kernel so.
    const path = paths.get(`${layer}/${weight}`) ?? paths.get(`${layer}/${weight.replace(/^depthwise_/, '')}`);
    return path === undefined ? undefined : tensorAt(file, path, fileName);
  };
}

/**
 * Keras 2's weights: `GROUP/PATH/kernel:0`, where GROUP is the layer, or a nested model with the layer as the folder of the weight.
 *
 * @param folder what the groups lie in, with a slash, or nothing
 */
export function listedWeights(
  file: File,
  folder: string,
  fileName: string,
): readonly { readonly layer: string; readonly weight: string; readonly path: string }[] {
  const root = openGroup(file, folder === '' ? '/' : folder.slice(0, -1), fileName);
  if (root === undefined) throw malformed(fileName, `it holds no ${folder}`);
  return listIn(root, 'layer_names', fileName).flatMap((layer) => {
    const group = openGroup(root, layer, fileName);
    const names = (group ? listIn(group, 'weight_names', fileName) : []).map((name) => name.split('/'));
    const nested = new Set(names.map((name) => name.at(-2))).size > 1;
    return names.map((name) => ({
      // The group's name holds where a layer was renamed after its weights were made.
      layer: (nested ? name.at(-2) : undefined) ?? layer,
      // LayerScale leaves its one variable without a name.
      weight: (name.at(-1) ?? '').replace(/:\d+$/, '').replace(/^variable(_\d+)?$/i, 'gamma'),
      path: `${folder}${layer}/${name.join('/')}`,
    }));
  });
}

/** The names in an attribute; those that are too long for one are in several with a number each. */
function listIn(group: Group, name: string, fileName: string): readonly string[] {
  const attributes = asking(fileName, `attribute ${name} cannot be read`, () => group.attrs);
  const pieces: string[] = [];
  for (let n = 0; Object.hasOwn(attributes, `${name}${n}`); n++) pieces.push(`${name}${n}`);
  return (Object.hasOwn(attributes, name) ? [name] : pieces).flatMap((piece) => {
    const listed = attribute(group, piece, fileName);
    return Array.isArray(listed) ? listed.map(String) : [];
  });
}

export function openGroup(within: Group, path: string, fileName: string): Group | undefined {
  const found = open(within, path, fileName);
  return isGroup(found) ? found : undefined;
}

const isGroup = (found: Entity | null): found is Group => found !== null && 'keys' in found;
const isDataset = (found: Entity | null): found is Dataset => found !== null && 'slice' in found;

function open(group: Group, path: string, fileName: string): Entity | null {
  return asking(fileName, `"${path}" cannot be read`, () => group.get(path));
}

/** The float32 or float64 values at a path of the file. */
export function tensorAt(file: File, path: string, fileName: string): Tensor {
  const dataset = open(file, path, fileName);
  const shape = isDataset(dataset) ? asking(fileName, `"${path}" has no shape`, () => dataset.shape) : null;
  if (!isDataset(dataset) || !shape) throw malformed(fileName, `"${path}" is not there`);
  if (sizeOf(shape) * Float32Array.BYTES_PER_ELEMENT > limits.modelBytesMax) {
    throw new Failure('limit-exceeded', `Weight "${path}" of ${fileName} has ${sizeOf(shape)} values.`, { field: fileName });
  }
  const values: unknown = asking(fileName, `"${path}" cannot be read`, () => dataset.value);
  if (values instanceof Float32Array) return { shape, data: values };
  if (values instanceof Float64Array) return { shape, data: Float32Array.from(values) };
  throw malformed(fileName, `"${path}" does not hold float32 or float64 values`);
}

function malformed(fileName: string, what: string, cause?: unknown): Failure {
  return new Failure('malformed-file', `${fileName} is no sound Keras file: ${what}.`, {
    hint: 'Save or download the model again.',
    field: fileName,
    cause,
  });
}
