import type { Network, Node } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { DEFAULT_PREPROCESSING } from '../../backbones/index.ts';
import { validateNetwork } from '../../core/network/index.ts';
import { nameOfFile } from '../../core/name-of-file.ts';
import { limits } from '../../limits.ts';
import { preparation, withColour } from './entrance.ts';
import type { OtherFiles } from './onnx-constants.ts';
import { createOnnxGraph, type OnnxGraph, type Value } from './onnx-graph.ts';
import type { OnnxModel, OnnxNode, OnnxValue } from './onnx-proto.ts';

/** Side taken where a model leaves its input size open. */
const OPEN_SIDE = 224;

const UNSAID = {
  preprocessing: DEFAULT_PREPROCESSING,
  assumption: "The file does not say how images are prepared; ImageNet's mean and deviation on RGB 0…1 are taken.",
};
const UNSAID_GREY = {
  preprocessing: { ...DEFAULT_PREPROCESSING, mean: [0, 0, 0], std: [1, 1, 1] },
  assumption: 'The file does not say how images are prepared; grey scaled to 0…1 is taken.',
} as const;

/**
 * The network that a graph of another exporter computes.
 *
 * @param convert adds what one operation computes
 * @throws Failure `unsupported-layer` naming the operation; `limit-exceeded`; what validateNetwork finds
 */
export function foreignNetwork(
  model: OnnxModel,
  others: OtherFiles,
  fileName: string,
  convert: (graph: OnnxGraph, operation: OnnxNode) => void,
): Network {
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
  for (const operation of model.nodes) convert(graph, operation);

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
  const isGrey = sides[2] === 1;
  if (isGrey) assumptions.push('The model takes grey images; of colours it sees the luma.');
  const first = graph.entrance();
  const { preprocessing, assumption } = first ? preparation(first) : isGrey ? UNSAID_GREY : UNSAID;
  assumptions.push(assumption);
  const network: Network = { ...withColour({ nodes, weights }), metadata: { name: nameOfFile(fileName), preprocessing, assumptions } };
  validateNetwork(network);
  return network;
}

function imageShape({ name, shape }: OnnxValue, fileName: string, assumptions: string[]) {
  const [, first, , last] = shape;
  const isChannels = (side: number | string): boolean => side === 3 || side === 1;
  const layout: Value['layout'] | undefined = isChannels(first) ? 'channels-first' : isChannels(last) ? 'channels-last' : undefined;
  if (shape.length !== 4 || layout === undefined) {
    throw new Failure('unsupported-layer', `Input "${name}" of ${fileName} has shape [${shape.join(', ')}], not that of images.`, {
      hint: 'Models take images of (N, channels, height, width) or (N, height, width, channels), with 3 channels or 1.',
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
  return { layout, sides: [height, width, Number(layout === 'channels-first' ? first : last)] as const };
}

/** The nodes that the output is made of, in order: exporters leave others, and averages become other layers. */
function needed(nodes: readonly Node[], output: string): readonly Node[] {
  const wanted = new Set([output, nodes[0].id]);
  for (const { id, inputs } of nodes.toReversed()) if (wanted.has(id)) for (const input of inputs) wanted.add(input);
  return nodes.filter(({ id }) => wanted.has(id));
}
