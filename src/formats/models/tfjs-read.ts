import { posix } from 'node:path';
import { z } from 'zod';
import type { Network, Tensor } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { inferShapes, inputShapesOf, layerOf, sizeOf, validateNetwork } from '../../core/network/index.ts';
import { limits } from '../../limits.ts';
import { openArchive } from '../archive.ts';
import { parseTopology } from '../topology.ts';
import { fromHalf } from './half.ts';
import { networkOfKeras } from './keras.ts';
import { ofKeras2 } from './keras3-topology.ts';
import { networkOfGraphModel } from './graph-model.ts';
import { numberTypes } from './number-types.ts';
import { layerName, lower, storedWeight } from './tfjs-lower.ts';
import { NETWORK_METADATA } from './tfjs-write.ts';

const quantization = z.object({ dtype: z.string(), scale: z.number().optional(), min: z.number().optional() });
const manifestWeight = z.object({
  name: z.string(),
  shape: z.array(z.int().min(0)),
  dtype: z.string(),
  quantization: quantization.optional(),
});
const modelJson = z.object({
  format: z.string().optional(),
  modelTopology: z.record(z.string(), z.unknown()),
  weightsManifest: z.array(z.object({ paths: z.array(z.string()), weights: z.array(manifestWeight) })),
  userDefinedMetadata: z.record(z.string(), z.unknown()).optional(),
});
type ModelJson = z.infer<typeof modelJson>;
type ManifestWeight = z.infer<typeof manifestWeight>;

/**
 * Reads a tfjs LayersModel or GraphModel: model.json and its shards in a zip, tar or tar.gz, in any folder. A model that this service wrote comes back
 * as the Network it was.
 *
 * @throws Failure `unsupported-format` for archives without one; `malformed-file`; `limit-exceeded`; what
 * networkOfKeras finds
 */
export async function readTfjsArchive(path: string, fileName: string): Promise<Network> {
  const { folder, model } = await findModel(path, fileName);
  const weights = await readWeights(path, fileName, folder, model);
  if (model.format === 'graph-model' || 'node' in model.modelTopology) return networkOfGraphModel(model.modelTopology, weights, fileName);
  const own = model.userDefinedMetadata?.[NETWORK_METADATA];
  if (own !== undefined) return ownNetwork(own, weights, fileName);
  const { model_config: topology = model.modelTopology, keras_version: version } = model.modelTopology;
  return networkOfKeras(ofKeras2(topology, version, fileName), finder(weights), fileName);
}

/** Layer and weight are the last two folders of a name; a nested model may stand before them. */
function finder(weights: ReadonlyMap<string, Tensor>) {
  const names = [...weights.keys()];
  return (layer: string, weight: string): Tensor | undefined => {
    const name = `${layer}/${weight}`;
    return weights.get(name) ?? weights.get(names.find((longer) => longer.endsWith(`/${name}`)) ?? '');
  };
}

/** The one model.json, found without keeping anything else. */
async function findModel(path: string, fileName: string): Promise<{ folder: string; model: ModelJson }> {
  const names: string[] = [];
  let found: { folder: string; model: ModelJson } | undefined;
  for await (const entry of openArchive(path, fileName)) {
    names.push(entry.name);
    if (names.length > limits.modelArchiveEntriesMax) throw noModel(fileName, names);
    if (posix.basename(entry.name) !== 'model.json' || entry.name.startsWith('__MACOSX/')) continue;
    if (found) throw malformed(fileName, `it holds a second model.json, "${entry.name}"`);
    if (entry.bytes > limits.modelHeaderBytesMax) throw exceeded(fileName, `a model.json of ${entry.bytes} bytes`);
    found = { folder: posix.dirname(entry.name), model: parseModel(await entry.read(), fileName) };
  }
  if (!found) throw noModel(fileName, names);
  return found;
}

function parseModel(bytes: Uint8Array, fileName: string): ModelJson {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw malformed(fileName, 'model.json is not JSON');
  }
  const result = modelJson.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw malformed(fileName, `model.json is not a tfjs model's (${issue.path.join('.') || 'root'}: ${issue.message})`);
}

function noModel(fileName: string, names: readonly string[]): Failure {
  const what = `is an archive of ${names.length} files without a model.json`;
  return new Failure('unsupported-format', `${fileName} ${what}.`, {
    hint: 'Give a tfjs model (model.json and its shards) as zip or tar, Keras .h5 or .keras, ONNX, safetensors, or a PyTorch state dict.',
    field: fileName,
  });
}

async function readWeights(path: string, fileName: string, folder: string, model: ModelJson): Promise<Map<string, Tensor>> {
  const wanted = new Set(model.weightsManifest.flatMap(({ paths }) => paths.map((shard) => posix.join(folder, shard))));
  const shards = new Map<string, Uint8Array>();
  let bytes = 0;
  for await (const entry of openArchive(path, fileName)) {
    if (!wanted.has(entry.name)) continue;
    bytes += entry.bytes;
    if (bytes > limits.modelBytesMax) throw exceeded(fileName, `weights of more than ${limits.modelBytesMax} bytes`);
    shards.set(entry.name, await entry.read());
  }
  const weights = new Map<string, Tensor>();
  for (const group of model.weightsManifest) {
    const parts = group.paths.map((shard) => {
      const part = shards.get(posix.join(folder, shard));
      if (!part) throw malformed(fileName, `the weights file "${shard}" is missing`);
      return part;
    });
    const data = Buffer.concat(parts);
    let offset = 0;
    for (const weight of group.weights) {
      const { values, end } = decodeWeight(weight, data, offset, fileName);
      if (weights.has(weight.name)) throw malformed(fileName, `weight "${weight.name}" is there twice`);
      weights.set(weight.name, { shape: weight.shape, data: values });
      offset = end;
    }
    if (offset !== data.length) throw malformed(fileName, `${data.length - offset} bytes of weights belong to no layer`);
  }
  return weights;
}

/** Stored number types: plain, and tfjs's quantised ones, value = stored · scale + min. */
const decoders: Readonly<Record<string, { bytes: number; decode(packed: ArrayBuffer, scale: number, min: number): Float32Array }>> = {
  float32: { bytes: 4, decode: (packed) => new Float32Array(packed) },
  float16: { bytes: 2, decode: (packed) => fromHalf(new Uint16Array(packed)) },
  uint16: { bytes: 2, decode: (packed, scale, min) => dequantised(new Uint16Array(packed), scale, min) },
  uint8: { bytes: 1, decode: (packed, scale, min) => dequantised(new Uint8Array(packed), scale, min) },
  // Shapes and axes of a GraphModel.
  int32: { bytes: 4, decode: (packed) => numberTypes.I32.decode(new Uint8Array(packed)) },
  bool: { bytes: 1, decode: (packed) => numberTypes.U8.decode(new Uint8Array(packed)) },
};

function dequantised(stored: Uint8Array | Uint16Array, scale: number, min: number): Float32Array {
  const values = new Float32Array(stored.length);
  for (let i = 0; i < values.length; i++) values[i] = stored[i] * scale + min;
  return values;
}

function decodeWeight({ name, shape, dtype, quantization }: ManifestWeight, data: Buffer, offset: number, fileName: string) {
  const stored = quantization?.dtype ?? dtype;
  const isWhole = dtype === 'int32' || dtype === 'bool';
  if ((isWhole ? stored !== dtype : dtype !== 'float32' || stored === 'int32' || stored === 'bool') || !Object.hasOwn(decoders, stored)) {
    throw new Failure('unsupported-format', `Weight "${name}" of ${fileName} is stored as ${stored} for ${dtype}.`, {
      hint: 'Convert the model with float32, float16, uint16 or uint8 weights.',
      field: fileName,
    });
  }
  const end = offset + sizeOf(shape) * decoders[stored].bytes;
  if (end > data.length) throw malformed(fileName, `weight "${name}" of shape [${shape.join(', ')}] goes beyond its file`);
  const packed = data.buffer.slice(data.byteOffset + offset, data.byteOffset + end) as ArrayBuffer;
  return { values: decoders[stored].decode(packed, quantization?.scale ?? 1, quantization?.min ?? 0), end };
}

/** The Network that writeTfjs put beside the model, with the model's weights. */
function ownNetwork(json: unknown, stored: ReadonlyMap<string, Tensor>, fileName: string): Network {
  const { nodes, metadata } = parseTopology(json, fileName);
  const shapes = inferShapes(nodes);
  const weights = new Map<string, Tensor>();
  const surplus = new Set(stored.keys());
  for (const [i, node] of nodes.entries()) {
    const layer = layerName(node.id, i);
    const inputs = inputShapesOf(node, shapes);
    for (const { suffix, fixedKernel } of lower(node, inputs)) if (fixedKernel) surplus.delete(`${layer}${suffix}/kernel`);
    for (const { name } of layerOf(node.kind).weights(node, inputs)) {
      const { name: storedName, unpack } = storedWeight(node, name);
      const tensor = stored.get(`${layer}/${storedName}`);
      if (!tensor) throw malformed(fileName, `layer "${node.id}" has no weight "${name}"`);
      surplus.delete(`${layer}/${storedName}`);
      weights.set(`${node.id}/${name}`, unpack(tensor));
    }
  }
  if (surplus.size > 0) throw malformed(fileName, `weight "${[...surplus][0]}" belongs to no layer`);
  const network: Network = { nodes, weights, metadata };
  validateNetwork(network);
  return network;
}

function exceeded(fileName: string, what: string): Failure {
  return new Failure('limit-exceeded', `${fileName} holds ${what}.`, { hint: 'Give a smaller model.', field: fileName });
}

function malformed(fileName: string, what: string): Failure {
  return new Failure('malformed-file', `${fileName} cannot be read: ${what}.`, { hint: 'Export the model again.', field: fileName });
}
