import { z } from 'zod';
import type { Configs, Kind, Network, Node, Shape, Tensor } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { inputShapesOf, layerOf, sizeOf, validateNetwork } from '../../core/network/index.ts';
import { limits } from '../../limits.ts';
import { convertKerasLayer, type Importer, type KerasLayer } from './keras-layers.ts';
import { withOperators } from './keras-operators.ts';
import { composed, isPreparation, preparation, withColour, type Affine } from './entrance.ts';
import { knownPreprocessing } from './known.ts';
import { nameOfFile } from '../../core/name-of-file.ts';

/** The weights of a Keras file; undefined where the file has none of that name. */
export type KerasWeights = (layer: string, weight: string) => Tensor | undefined;

const modelJson = z.object({ class_name: z.string(), config: z.unknown() });
const tensorJson = z.tuple([z.string(), z.int(), z.int()]).rest(z.unknown());
const layerJson = z.object({
  class_name: z.string(),
  name: z.string().optional(),
  config: z.record(z.string(), z.unknown()),
  // A call of a function has its one tensor bare.
  inbound_nodes: z.array(z.union([tensorJson.transform((one) => [one]), z.array(tensorJson)])).optional(),
});
const sequentialJson = z.union([z.array(layerJson), z.object({ name: z.string().optional(), layers: z.array(layerJson) })]);
const end = z.tuple([z.string(), z.int(), z.int()]);
const ends = z.union([z.array(end), end.transform((one) => [one])]);
const functionalJson = z.object({ name: z.string().optional(), layers: z.array(layerJson), input_layers: ends, output_layers: ends });
const batchInputShape = z.tuple([z.null(), z.int().positive().nullable(), z.int().positive().nullable(), z.int().positive()]);

/** Side taken where a model leaves its input size open. */
const OPEN_SIDE = 224;

/** What a model is taken to expect where nothing says otherwise. */
const UNSAID = {
  preprocessing: { scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1], resize: 'shorter-side-centre-crop' },
  assumption: 'The file does not say how images are prepared; RGB scaled to 0…1 is taken.',
} as const;

/**
 * Turns a Keras 2 model (Sequential or Functional, nested or not) into a Network.
 *
 * @param json `{class_name, config}` as in an h5 file's model_config or a model.json's modelTopology
 * @throws Failure `malformed-file`; `unsupported-layer` naming class and layer; what validateNetwork finds
 */
export function networkOfKeras(json: unknown, weightsOf: KerasWeights, fileName: string): Network {
  const assumptions: string[] = [];
  const nodes: Node[] = [];
  const shapes = new Map<string, Shape>();
  const weights = new Map<string, Tensor>();
  let first: Affine | undefined;

  const importer: Importer = {
    add<K extends Kind>(kind: K, id: string, config: Configs[K], inputs: readonly string[]): string {
      const node = { id, kind, config, inputs } as unknown as Node;
      if (nodes.length >= limits.modelLayersMax) {
        throw new Failure('limit-exceeded', `${fileName} has more than ${limits.modelLayersMax} layers.`, { field: fileName });
      }
      nodes.push(node);
      shapes.set(id, layerOf(node.kind).outputShape(node as never, inputShapesOf(node, shapes)));
      return id;
    },
    take(id, weight, { layer, stored = weight, ones = 0 }) {
      const tensor = weightsOf(layer, stored);
      if (!tensor) throw malformed(fileName, `layer "${layer}" has no weight "${stored}"`, layer);
      const { shape, data } = tensor;
      const leave = shape.slice(0, Math.max(0, -ones)).every((side) => side === 1) ? Math.max(0, -ones) : 0;
      weights.set(`${id}/${weight}`, { shape: [...Array.from({ length: Math.max(0, ones) }, () => 1), ...shape.slice(leave)], data });
    },
    fill: (id, weight, shape, value) => void weights.set(`${id}/${weight}`, { shape, data: new Float32Array(sizeOf(shape)).fill(value) }),
    shapeOf: (id) => shapes.get(id) ?? [],
    stored: weightsOf,
    prepare(layer, affine) {
      const both = composed(first, affine);
      if (layer.inputs[0] !== nodes[0].id || nodes.length > 1 || both === undefined || !isPreparation(both)) {
        throw new Failure(
          'unsupported-layer',
          `Layer "${layer.name}" (${layer.className}) does not prepare images right after the input.`,
          {
            field: layer.name,
          },
        );
      }
      first = both;
      return layer.inputs[0];
    },
  };

  function inputNode(name: string, shape: unknown): string {
    const parsed = batchInputShape.safeParse(shape);
    const [, height, width, channels] = parsed.data ?? [];
    if (channels !== 3 && channels !== 1) {
      throw new Failure('unsupported-layer', `Input "${name}" of ${fileName} has shape ${JSON.stringify(shape)}, not that of images.`, {
        hint: 'Models take images of height × width × 3, or × 1 for grey.',
        field: name,
      });
    }
    if (nodes.length > 0) throw malformed(fileName, `"${name}" is a second input`, name);
    if (Math.max(height ?? 0, width ?? 0) > limits.inputSideMax) {
      throw new Failure('limit-exceeded', `Input "${name}" of ${fileName} is larger than ${limits.inputSideMax} pixels a side.`, {
        field: name,
      });
    }
    if (!height || !width) assumptions.push(`The file leaves the input size open; ${OPEN_SIDE} × ${OPEN_SIDE} is taken.`);
    return importer.add('Input', name, { shape: [height ?? OPEN_SIDE, width ?? OPEN_SIDE, channels] }, []);
  }

  /** @param from node that a nested model reads; undefined for the model itself */
  function walk(model: unknown, from: string | undefined, depth = 0): string {
    if (depth > 16) throw malformed(fileName, 'models are nested too deeply');
    const { class_name: className, config } = parsed(modelJson, model, fileName);
    const { layers, output } = className === 'Sequential' ? sequential(config, fileName) : functional(className, config, fileName);
    const outputs = new Map<string, string>();
    for (const { inputs, ...layer } of inOrder(layers, output, fileName)) {
      const read = inputs.map((name) => outputs.get(name) ?? '');
      outputs.set(layer.name, convert({ ...layer, inputs: read }, from, depth));
    }
    return outputs.get(output) ?? '';
  }

  function convert(layer: KerasLayer, from: string | undefined, depth: number): string {
    if (layer.className === 'InputLayer') return from ?? inputNode(layer.name, layer.config.batch_input_shape);
    if (!modelClasses.has(layer.className)) return convertKerasLayer(layer, importer);
    if (layer.inputs.length !== 1) throw malformed(fileName, `nested model "${layer.name}" must have one input`, layer.name);
    return walk({ class_name: layer.className, config: layer.config }, layer.inputs[0], depth + 1);
  }

  walk(json, undefined);
  const known = knownPreprocessing(nodes);
  const prepared = known ?? (first ? preparation(first) : UNSAID);
  assumptions.push(prepared.assumption);
  const isGrey = shapes.get(nodes[0].id)?.at(-1) === 1;
  if (isGrey) assumptions.push('The model takes grey images; of colours it sees the luma.');
  const network: Network = {
    ...withColour({ nodes, weights }),
    metadata: {
      name: nameOfFile(fileName),
      preprocessing: prepared.preprocessing,
      ...(assumptions.length > 0 && { assumptions }),
    },
  };
  validateNetwork(network);
  return network;
}

const modelClasses: ReadonlySet<string> = new Set(['Sequential', 'Functional', 'Model']);

interface Layers {
  readonly layers: readonly KerasLayer[];
  readonly output: string;
}

function sequential(config: unknown, fileName: string): Layers {
  const whole = parsed(sequentialJson, config, fileName);
  const listed = Array.isArray(whole) ? whole : whole.layers;
  if (listed.length === 0) throw malformed(fileName, 'a Sequential model has no layers');
  const [first] = listed;
  // The first layer may say the input's shape itself.
  const entrance: z.infer<typeof layerJson>[] =
    first.class_name === 'InputLayer'
      ? []
      : [{ class_name: 'InputLayer', name: 'input', config: { batch_input_shape: first.config.batch_input_shape } }];
  const layers = [...entrance, ...listed].map(named);
  return {
    layers: layers.map((layer, i) => ({ ...layer, inputs: i === 0 ? [] : [layers[i - 1].name] })),
    output: layers[layers.length - 1].name,
  };
}

function functional(className: string, config: unknown, fileName: string): Layers {
  if (!modelClasses.has(className)) {
    throw new Failure('unsupported-layer', `${fileName} holds a model of class ${className}.`, {
      hint: 'Save it as a Sequential or Functional model.',
      field: fileName,
    });
  }
  const { layers, output_layers: outputs } = parsed(functionalJson, config, fileName);
  if (outputs.length !== 1) throw malformed(fileName, `the model has ${outputs.length} outputs instead of one`);
  const wired = layers.map((layer) => {
    const calls = layer.inbound_nodes ?? [];
    const { name, ...rest } = named(layer);
    if (calls.length > 1) {
      throw new Failure('unsupported-layer', `Layer "${name}" (${layer.class_name}) is used more than once.`, {
        hint: 'Give each use a layer of its own.',
        field: name,
      });
    }
    const [tensors = []] = calls;
    return { name, ...rest, inputs: tensors.map(([from]) => from), keywords: tensors[0]?.[3] };
  });
  return { layers: withOperators(wired), output: outputs[0][0] };
}

function named({ class_name: className, name, config }: z.infer<typeof layerJson>): Omit<KerasLayer, 'inputs'> {
  return { className, config, name: name ?? (typeof config.name === 'string' ? config.name : className) };
}

/** The layers that the output needs, each after those it reads, the output last. */
function inOrder(layers: readonly KerasLayer[], output: string, fileName: string): KerasLayer[] {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const ordered: KerasLayer[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const stack = [output];
  while (stack.length > 0) {
    const name = stack[stack.length - 1];
    const layer = byName.get(name);
    if (!layer) throw malformed(fileName, `layer "${name}" is read but not there`, name);
    const missing = layer.inputs.filter((input) => state.get(input) !== 'done');
    if (missing.length > 0) {
      if (missing.some((input) => state.get(input) === 'open')) throw malformed(fileName, `layer "${name}" is part of a loop`, name);
      state.set(name, 'open');
      stack.push(...missing.toReversed());
      continue;
    }
    stack.pop();
    if (state.get(name) !== 'done') ordered.push(layer);
    state.set(name, 'done');
  }
  return ordered;
}

function parsed<T>(schema: z.ZodType<T>, json: unknown, fileName: string): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw malformed(fileName, `the topology is not Keras 2's (${issue.path.join('.') || 'root'}: ${issue.message})`);
}

function malformed(fileName: string, what: string, field = fileName): Failure {
  return new Failure('malformed-file', `${fileName} cannot be read: ${what}.`, {
    hint: 'Save the model again with Keras 2 or tfjs.',
    field,
  });
}
