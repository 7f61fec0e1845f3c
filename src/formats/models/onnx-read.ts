import { posix } from 'node:path';
import type { Network, NetworkMetadata, Node, Tensor } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { DEFAULT_PREPROCESSING } from '../../backbones/index.ts';
import { inferShapes, inputShapesOf, layerOf, validateNetwork } from '../../core/network/index.ts';
import { nameOfFile } from '../../core/name-of-file.ts';
import { limits } from '../../limits.ts';
import { openArchive } from '../archive.ts';
import { parseTopology } from '../topology.ts';
import { floatsOf, type OtherFiles } from './onnx-constants.ts';
import { createOnnxGraph, type Value } from './onnx-graph.ts';
import { fromOnnx } from './onnx-layout.ts';
import { convertOnnxNode } from './onnx-ops.ts';
import { decodeOnnx, type OnnxModel, type OnnxValue } from './onnx-proto.ts';
import { ONNX_NETWORK } from './onnx-write.ts';

const OLDEST_OPSET = 9;
/** Side taken where a model leaves its input size open. */
const OPEN_SIDE = 224;

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
  const network = ownNetwork(model, others, fileName) ?? foreignNetwork(model, others, fileName);
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
  for (const node of nodes) {
    for (const { name, shape } of layerOf(node.kind).weights(node, inputShapesOf(node, shapes))) {
      const key = `${node.id}/${name}`;
      const tensor = stored.get(key);
      if (tensor === undefined) throw malformed(fileName, `layer "${node.id}" has no weight "${name}"`);
      weights.set(key, fromOnnx(node.kind, name, floatsOf(tensor, others, fileName), shape));
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

function foreignNetwork(model: OnnxModel, others: OtherFiles, fileName: string): Network {
  const stored = new Set(model.initializers.map(({ name }) => name));
  const inputs = model.inputs.filter(({ name }) => !stored.has(name));
  if (inputs.length !== 1 || model.outputs.length !== 1) {
    throw new Failure(
      'unsupported-layer',
      `${fileName} has ${inputs.length} inputs and ${model.outputs.length} outputs instead of one each.`,
      {
        hint: 'Export the classifier alone, without auxiliary outputs.',
        field: fileName,
      },
    );
  }
  const assumptions: string[] = [];
  const [{ name: input, shape }] = inputs;
  const { sides, layout } = imageShape(inputs[0], fileName, assumptions);
  const graph = createOnnxGraph(model, others, fileName, typeof shape[0] === 'number' && shape[0] > 0 ? shape[0] : 1);
  graph.set(input, { id: graph.add('Input', input, { shape: sides }, []), layout });
  for (const operation of model.nodes) convertOnnxNode(graph, operation);

  const [{ name: output }] = model.outputs;
  const value = graph.solid({ name: output, op: 'output', domain: '', inputs: [], outputs: [], attributes: new Map() }, output);
  const nodes = needed(graph.nodes(), value.id);
  const ids = new Set(nodes.map(({ id }) => id));
  const weights = new Map([...graph.weights].filter(([key]) => ids.has(key.slice(0, key.lastIndexOf('/')))));
  if (graph.shapeOf(value.id).length !== 1) {
    throw new Failure('unsupported-layer', `${fileName} ends in a map of [${graph.shapeOf(value.id).join(', ')}], not in classes.`, {
      hint: 'Export a classifier.',
      field: output,
    });
  }
  assumptions.push("The file does not say how images are prepared; ImageNet's mean and deviation on RGB 0…1 are taken.");
  const metadata: NetworkMetadata = { name: nameOfFile(fileName), preprocessing: DEFAULT_PREPROCESSING, assumptions };
  return { nodes, weights, metadata };
}

function imageShape({ name, shape }: OnnxValue, fileName: string, assumptions: string[]) {
  const [, first, , last] = shape;
  const layout: Value['layout'] | undefined = first === 3 ? 'channels-first' : last === 3 ? 'channels-last' : undefined;
  if (shape.length !== 4 || layout === undefined) {
    throw new Failure('unsupported-layer', `Input "${name}" of ${fileName} has shape [${shape.join(', ')}], not that of RGB images.`, {
      hint: 'Models take images of (N, 3, height, width) or (N, height, width, 3).',
      field: name,
    });
  }
  const given = layout === 'channels-first' ? shape.slice(2) : shape.slice(1, 3);
  const open = given.some((side) => typeof side !== 'number' || side <= 0);
  if (open) assumptions.push(`The file leaves the input size open; ${OPEN_SIDE} × ${OPEN_SIDE} is taken.`);
  const [height, width] = given.map((side) => (typeof side === 'number' && side > 0 ? side : OPEN_SIDE));
  if (Math.max(height, width) > limits.inputSideMax) {
    throw new Failure('limit-exceeded', `Input "${name}" of ${fileName} is larger than ${limits.inputSideMax} pixels a side.`, {
      field: name,
    });
  }
  return { layout, sides: [height, width, 3] as const };
}

/** The nodes that the output is made of, in order: exporters leave others, and averages become other layers. */
function needed(nodes: readonly Node[], output: string): readonly Node[] {
  const wanted = new Set([output, nodes[0].id]);
  for (const { id, inputs } of nodes.toReversed()) if (wanted.has(id)) for (const input of inputs) wanted.add(input);
  return nodes.filter(({ id }) => wanted.has(id));
}

function malformed(fileName: string, what: string, cause?: unknown): Failure {
  return new Failure('malformed-file', `${fileName} is no sound ONNX model: ${what}.`, {
    hint: 'Export or download the model again.',
    field: fileName,
    cause,
  });
}
