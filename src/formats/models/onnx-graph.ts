import type { Configs, Kind, Node, Shape, Tensor } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { activations } from '../../core/network/layers/activations.ts';
import { inputShapesOf, layerOf, sizeOf } from '../../core/network/index.ts';
import { limits } from '../../limits.ts';
import { composed, isPreparation, type Affine } from './entrance.ts';
import { createScratch, floatsOf, type OtherFiles } from './onnx-constants.ts';
import { normalisationOf, NOT_ONE, type Moments } from './onnx-moments.ts';
import type { OnnxModel, OnnxNode, OnnxTensor } from './onnx-proto.ts';

/** What a name in the ONNX graph stands for: the output of a node here, seen in some order of axes. */
export interface Value {
  readonly id: string;
  /** Maps are (N, C, H, W) or (N, H, W, C) in ONNX; a group shuffle passes through five axes, a view by strides through one. */
  readonly layout: 'channels-first' | 'channels-last' | 'vector' | 'unbatched' | 'grouped' | 'shuffled' | 'grouped-last' | 'shuffled-last';
  /** The map whose channels-first values a vector holds one after the other. */
  readonly flattened?: Shape;
  readonly groups?: number;
  /** Of the model's input: how many steps of the preparation of images it has behind it. */
  readonly prepared?: number;
  /** A function of each value that no node computes yet; together with what follows it may be a known activation. */
  readonly curve?: (x: number) => number;
  /** What was made of the node's mean over the channels; together with what follows it may be a LayerNormalization. */
  readonly moments?: Moments;
}

/** The network that grows while the operations of an ONNX graph are read. */
export interface OnnxGraph {
  readonly batch: number;
  add<K extends Kind>(kind: K, id: string, config: Configs[K], inputs: readonly string[]): string;
  weight(id: string, name: string, tensor: Tensor): void;
  shapeOf(id: string): Shape;
  nodeOf(id: string): Node;
  /** A value as it stands, its curve not yet a node. */
  loose(name: string): Value | undefined;
  /** A value whose curve is a node where it is an activation already, so that what follows is another one. */
  settled(operation: OnnxNode, name: string): Value;
  /** A value that is the output of a node. */
  solid(operation: OnnxNode, name: string): Value;
  constant(name: string): OnnxTensor | undefined;
  floats(operation: OnnxNode, name: string): Tensor;
  /** The same in space that the next kernel takes; for what is put into another order at once. */
  kernel(operation: OnnxNode, name: string): Tensor;
  /** Whole numbers of a constant; undefined where the name is empty or no constant. */
  ints(name: string | undefined): readonly number[] | undefined;
  set(name: string, value: Value): void;
  setConstant(name: string, tensor: OnnxTensor): void;
  /** Adds a bias to a convolution or Dense without one that nothing else reads; false where that cannot be. */
  addBias(name: string, value: Value, bias: Tensor): boolean;
  /**
   * Takes what is done to each channel of the model's input before anything else as the preparation of images, and gives the input
   * after it; undefined where the value is something else.
   */
  prepare(value: Value, affine: Affine): Value | undefined;
  /** What was taken so. */
  entrance(): Affine | undefined;
  /** Adds a factor and an addend for each channel, or one for all, as a BatchNormalization. */
  scaled(id: string, from: string, affine: Affine): string;
  /** A name for what the operation makes: its weight's, else its own. */
  idOf(operation: OnnxNode, weight?: string): string;
  unsupported(operation: OnnxNode, what: string): Failure;
  nodes(): readonly Node[];
  readonly weights: ReadonlyMap<string, Tensor>;
}

export function createOnnxGraph(model: OnnxModel, others: OtherFiles, fileName: string, batch: number): OnnxGraph {
  const nodes = new Map<string, Node>();
  const shapes = new Map<string, Shape>();
  const weights = new Map<string, Tensor>();
  const values = new Map<string, Value>();
  const constants = new Map(model.initializers.map((tensor) => [tensor.name, tensor]));
  const uses = new Map<string, number>();
  const scratch = createScratch();
  let entrance: Affine | undefined;
  let steps = 0;
  for (const { inputs } of model.nodes) for (const name of inputs) uses.set(name, (uses.get(name) ?? 0) + 1);

  const unsupported = ({ name, op }: OnnxNode, what: string): Failure =>
    new Failure('unsupported-layer', `Operation "${name || op}" (${op}) of ${fileName} ${what}.`, {
      hint: 'Replace it and export the model again.',
      field: name || op,
    });

  const graph: OnnxGraph = {
    batch,
    unsupported,
    weights,
    add(kind, id, config, inputs) {
      const node = { id, kind, config, inputs } as unknown as Node;
      if (nodes.size >= limits.modelLayersMax) {
        throw new Failure('limit-exceeded', `${fileName} has more than ${limits.modelLayersMax} layers.`, { field: fileName });
      }
      shapes.set(id, layerOf(node.kind).outputShape(node as never, inputShapesOf(node, shapes)));
      nodes.set(id, node);
      return id;
    },
    weight: (id, name, tensor) => void weights.set(`${id}/${name}`, tensor),
    shapeOf: (id) => shapes.get(id) ?? [],
    nodeOf(id) {
      const node = nodes.get(id);
      if (node === undefined) throw new Error(`no node ${id}`);
      return node;
    },
    loose: (name) => values.get(name),
    solid(operation, name) {
      const value = values.get(name);
      if (value === undefined) throw unsupported(operation, `reads "${name}", which no operation before it makes`);
      if (nodes.get(value.id)?.kind === 'Input' && (value.prepared ?? 0) !== steps) {
        throw unsupported(operation, 'reads the input both before and after it is scaled');
      }
      if (value.moments !== undefined) {
        const made = normalisationOf(value.moments, shapes.get(value.id)?.at(-1) ?? 0);
        if (made === undefined) throw unsupported(operation, NOT_ONE);
        const id = graph.add('LayerNormalization', unique(plain(name)), { epsilon: made.epsilon }, [value.id]);
        graph.weight(id, 'gamma', made.gamma);
        graph.weight(id, 'beta', made.beta);
        const normalised: Value = { ...value, id, moments: undefined };
        values.set(name, normalised);
        return normalised;
      }
      if (value.curve === undefined) return value;
      const known = recognised(value.curve) ?? pastReLU(value.curve);
      const straight: Value = { ...value, curve: undefined };
      const solid = known
        ? { ...straight, id: graph.add(known.kind, unique(plain(name)), known.config as never, [value.id]) }
        : onLine(straight);
      if (solid === undefined) throw unsupported(operation, 'reads the result of an activation that is not supported');
      values.set(name, solid);
      return solid;

      // A limit on what a ReLU already made a node of makes another ReLU.
      function pastReLU(curve: (x: number) => number): Activation | undefined {
        const before = nodes.get(value?.id ?? '');
        return before?.kind === 'ReLU' && before.config.maxValue === null ? recognised((x) => curve(Math.max(0, x))) : undefined;
      }

      function onLine(from: Value): Value | undefined {
        const line = value?.curve && lineOf(value.curve);
        return line && (graph.prepare(from, line) ?? { ...from, id: graph.scaled(unique(plain(name)), from.id, line) });
      }
    },
    settled(operation, name) {
      const value = values.get(name);
      return value?.curve !== undefined && recognised(value.curve) === undefined ? value : graph.solid(operation, name);
    },
    constant: (name) => constants.get(name),
    floats: (operation, name) => floatsOf(stored(operation, name), others, fileName),
    kernel: (operation, name) => floatsOf(stored(operation, name), others, fileName, scratch),
    ints(name) {
      const tensor = name === undefined ? undefined : constants.get(name);
      return tensor && [...floatsOf(tensor, others, fileName).data];
    },
    set: (name, value) => void values.set(name, value),
    setConstant: (name, tensor) => void constants.set(name, tensor),
    addBias(name, { id }, bias) {
      const node = nodes.get(id);
      const fits = node && 'useBias' in node.config && !node.config.useBias && uses.get(name) === 1;
      if (!fits || sizeOf(bias.shape) !== shapes.get(id)?.at(-1)) return false;
      nodes.set(id, { ...node, config: { ...node.config, useBias: true } } as Node);
      weights.set(`${id}/bias`, { shape: [bias.data.length], data: bias.data });
      return true;
    },
    idOf({ name, op }, weight) {
      const module = weight !== undefined && /[./](weight|kernel)$/.test(weight) ? weight.replace(/[./]\w+$/, '') : undefined;
      return unique(module ?? plain(name || op));
    },
    scaled(id, from, { scale, offset }) {
      const channels = shapes.get(from)?.at(-1) ?? 0;
      const tensor = (values: readonly number[]): Tensor => ({
        shape: [channels],
        data: Float32Array.from({ length: channels }, (_, c) => values[values.length === 1 ? 0 : c]),
      });
      graph.add('BatchNormalization', id, { epsilon: 0, momentum: 0.99 }, [from]);
      for (const [name, values] of [
        ['gamma', scale],
        ['beta', offset],
        ['moving_mean', [0]],
        ['moving_variance', [1]],
      ] as const) {
        graph.weight(id, name, tensor(values));
      }
      return id;
    },
    prepare(value, affine) {
      const both = composed(entrance, affine);
      // Once a node has read the input, it stays as that node saw it.
      if (nodes.get(value.id)?.kind !== 'Input' || nodes.size > 1 || both === undefined || !isPreparation(both)) return undefined;
      entrance = both;
      steps++;
      return { ...value, prepared: steps };
    },
    entrance: () => entrance,
    nodes: () => [...nodes.values()],
  };

  function stored(operation: OnnxNode, name: string): OnnxTensor {
    const tensor = constants.get(name);
    if (tensor === undefined) throw unsupported(operation, `needs "${name}" to be a constant`);
    return tensor;
  }

  const plain = (name: string): string => name.replace(/^\/+/, '') || 'layer';

  function unique(wanted: string): string {
    let id = wanted;
    for (let n = 2; nodes.has(id); n++) id = `${wanted}_${n}`;
    return id;
  }

  return graph;
}

/** Where a curve is compared with the known activations. */
const PROBES = Array.from({ length: 81 }, (_, i) => (i - 40) * 0.37 + 0.013);
const BEYOND = 1e4;
const TOLERANCE = 1e-4;

interface Activation {
  readonly kind: 'ReLU' | 'Activation';
  readonly config: Configs['ReLU'] | Configs['Activation'];
}

/** The activation that a function is, however the exporter composed it. */
function recognised(curve: (x: number) => number): Activation | undefined {
  const top = curve(BEYOND);
  const isCurve = (known: (x: number) => number): boolean =>
    [...PROBES, top / 2, 2 * top].every((x) => Math.abs(curve(x) - known(x)) <= TOLERANCE * Math.max(1, Math.abs(x)));
  if (isCurve((x) => Math.max(0, x))) return { kind: 'ReLU', config: { maxValue: null } };
  if (top > 0 && isCurve((x) => Math.min(top, Math.max(0, x)))) return { kind: 'ReLU', config: { maxValue: top } };
  for (const [name, { of }] of Object.entries(activations)) {
    if (isCurve(of)) return { kind: 'Activation', config: { activation: name as Configs['Activation']['activation'] } };
  }
  return undefined;
}

/** Factor and addend of a function that is a straight line. */
function lineOf(curve: (x: number) => number): Affine | undefined {
  const offset = curve(0);
  const scale = (curve(BEYOND) - offset) / BEYOND;
  const isLine = PROBES.every((x) => Math.abs(curve(x) - (scale * x + offset)) <= TOLERANCE * Math.abs(scale) * Math.max(1, Math.abs(x)));
  return isLine && Number.isFinite(scale) && scale !== 0 ? { scale: [scale], offset: [offset] } : undefined;
}
