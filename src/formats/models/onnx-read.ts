import { posix } from 'node:path';
import type { Network, Tensor } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { inferShapes, inputShapesOf, layerOf, validateNetwork } from '../../core/network/index.ts';
import { limits } from '../../limits.ts';
import { openArchive } from '../archive.ts';
import { parseTopology } from '../topology.ts';
import { createScratch, floatsOf, type OtherFiles } from './onnx-constants.ts';
import { foreignNetwork } from './onnx-foreign.ts';
import { fromOnnx } from './onnx-layout.ts';
import { convertOnnxNode } from './onnx-ops.ts';
import { decodeOnnx, type OnnxModel } from './onnx-proto.ts';
import { ONNX_NETWORK } from './onnx-write.ts';

const OLDEST_OPSET = 9;

/** Whether the bytes begin as a ModelProto does: ir_version, then a producer, a graph or an operator set. */
export function looksLikeOnnx(head: Uint8Array): boolean {
  return head.length > 3 && head[0] === 0x08 && head[1] < 0x20 && [0x12, 0x1a, 0x3a, 0x42].includes(head[2]);
}

/**
 * Reads an ONNX model (operator set 9 or later) of an image classifier.
 *
 * @param others files beside it that may hold weights
 * @throws Failure `malformed-file`; `unsupported-layer` naming the operation; `forbidden` for weights outside of the folder; what
 * validateNetwork finds
 */
export function readOnnx(bytes: Uint8Array, fileName: string, others: OtherFiles = () => undefined): Network {
  const model = decoded(bytes, fileName);
  if (model.nodes.length === 0) throw malformed(fileName, 'it holds no operations');
  if (model.opset < OLDEST_OPSET) {
    throw new Failure('unsupported-format', `${fileName} is written for ONNX operator set ${model.opset}, older than ${OLDEST_OPSET}.`, {
      hint: 'Export it again with a newer operator set.',
      field: fileName,
    });
  }
  const network = ownNetwork(model, others, fileName) ?? foreignNetwork(model, others, fileName, convertOnnxNode);
  validateNetwork(network);
  return network;
}

/** Reads an archive of one .onnx file and the files that hold its weights. */
export async function readOnnxArchive(path: string, fileName: string): Promise<Network> {
  const files = new Map<string, Uint8Array>();
  let total = 0;
  for await (const entry of openArchive(path, fileName)) {
    total += entry.bytes;
    if (total > limits.modelBytesMax || files.size >= limits.modelArchiveEntriesMax) {
      throw new Failure('limit-exceeded', `${fileName} unpacks to more than a model may have.`, {
        hint: 'Pack one model alone.',
        field: fileName,
      });
    }
    files.set(entry.name, await entry.read());
  }
  const models = [...files.keys()].filter((name) => name.endsWith('.onnx'));
  if (models.length !== 1) throw malformed(fileName, `it holds ${models.length} .onnx files`);
  const folder = posix.dirname(models[0]);
  return readOnnx(files.get(models[0]) ?? new Uint8Array(), fileName, (other) => files.get(posix.join(folder, other)));
}

function decoded(bytes: Uint8Array, fileName: string): OnnxModel {
  try {
    return decodeOnnx(bytes);
  } catch (cause) {
    throw malformed(fileName, 'it is truncated or damaged', cause);
  }
}

/** The Network that writeOnnx put beside the operations, with the model's weights. */
function ownNetwork(model: OnnxModel, others: OtherFiles, fileName: string): Network | undefined {
  const json = model.metadata.get(ONNX_NETWORK);
  if (json === undefined) return undefined;
  const { nodes, metadata } = parseTopology(parsedJson(json, fileName), fileName);
  const stored = new Map(model.initializers.map((tensor) => [tensor.name, tensor]));
  const shapes = inferShapes(nodes);
  const weights = new Map<string, Tensor>();
  const scratch = createScratch();
  for (const node of nodes) {
    for (const { name, shape } of layerOf(node.kind).weights(node, inputShapesOf(node, shapes))) {
      const key = `${node.id}/${name}`;
      const tensor = stored.get(key);
      if (tensor === undefined) throw malformed(fileName, `layer "${node.id}" has no weight "${name}"`);
      const turned = shape.length === 4 ? scratch : undefined;
      weights.set(key, fromOnnx(node.kind, name, floatsOf(tensor, others, fileName, turned), shape));
    }
  }
  return { nodes, metadata, weights };
}

function parsedJson(json: string, fileName: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    throw malformed(fileName, 'its metadata is not JSON');
  }
}

function malformed(fileName: string, what: string, cause?: unknown): Failure {
  return new Failure('malformed-file', `${fileName} is no sound ONNX model: ${what}.`, {
    hint: 'Export or download the model again.',
    field: fileName,
    cause,
  });
}
