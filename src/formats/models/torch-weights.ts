import type { Network, Preprocessing, Shape, Tensor } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { architectures, loadWeights, topologyOf, torchNaming, type Topology, type WeightNaming } from '../../backbones/index.ts';
import { classifierNode, inferShapes, inputShapesOf, layerOf } from '../../core/network/index.ts';
import { nameOfFile } from '../../core/name-of-file.ts';

/** What is known of weights beside their tensors. */
export interface AboutWeights {
  readonly fileName: string;
  /** Guessed from names and shapes where it is not given. */
  readonly architecture?: string;
  readonly classNames?: readonly string[];
  readonly inputShape?: readonly [number, number, number];
  /** The architecture's usual preparation is assumed, and said, where it is not given. */
  readonly preprocessing?: Preprocessing;
}

/** Whose names and layout a checkpoint has. */
export interface Library {
  readonly name: 'torch' | 'keras';
  readonly naming: WeightNaming;
  /** Number of outputs by the shape of the classifier's stored kernel. */
  classesOf(shape: Shape): number | undefined;
  /** The other sides of that shape. */
  featuresOf(shape: Shape): Shape;
}

const torch: Library = {
  name: 'torch',
  naming: torchNaming,
  classesOf: ([classes]) => classes,
  featuresOf: (shape) => shape.slice(1),
};

/**
 * The network of weights that bear the names of a library, PyTorch's unless another is given, after a wrapper's prefix (`module.`, `model.`, …) is taken off.
 *
 * @throws Failure `unknown-architecture` naming the nearest; `shape-mismatch` listing what is missing and surplus; `non-finite-weights`
 */
export function networkOfWeights(tensors: ReadonlyMap<string, Tensor>, about: AboutWeights, library = torch): Network {
  const { fileName, classNames, inputShape, preprocessing } = about;
  const plain = withoutWrapper(tensors);
  const assumptions: string[] = [];
  const architecture = about.architecture ?? guessed(plain, about, assumptions, library);
  const head = headOf(topologyOf(architecture), library).kernel;
  const classes = library.classesOf(plain.get(head)?.shape ?? []);
  const named = classNames?.length === classes ? classNames : undefined;
  const topology = topologyOf(architecture, { classes, classNames: named, inputShape, preprocessing });
  refuseOtherNames(topology, plain, fileName, library);
  const network = loadWeights(topology, plain, library.naming);
  if (preprocessing === undefined) {
    const { scale, mean, std } = network.metadata.preprocessing;
    const says = `pixels · ${scale.toPrecision(4)}, mean ${mean.join(', ')}, deviation ${std.join(', ')}`;
    assumptions.push(`The file does not say how images are prepared; what is usual for ${architecture} is taken: ${says}.`);
  }
  const told = assumptions.length > 0 && { assumptions };
  return { ...network, metadata: { ...network.metadata, name: nameOfFile(fileName), ...told } };
}

/** What training wrappers put before every name. */
const WRAPPERS = ['module.', 'model.', '_orig_mod.', 'net.', 'network.', 'state_dict.', 'backbone.', 'encoder.'];

function withoutWrapper(tensors: ReadonlyMap<string, Tensor>): ReadonlyMap<string, Tensor> {
  const names = [...tensors.keys()];
  const wrapper = WRAPPERS.find((prefix) => names.length > 0 && names.every((name) => name.startsWith(prefix)));
  if (wrapper === undefined) return tensors;
  return withoutWrapper(new Map([...tensors].map(([name, tensor]) => [name.slice(wrapper.length), tensor])));
}

/** Name and shape of every tensor that the architecture has in a state dict. */
function tensorsOf({ nodes }: Topology, { naming }: Library): Map<string, Shape> {
  const shapes = inferShapes(nodes);
  return new Map(
    nodes.flatMap((node) =>
      layerOf(node.kind)
        .weights(node, inputShapesOf(node, shapes))
        .map(({ name, shape }) => [naming.nameOf(node, name), naming.layoutOf(node.kind, shape, undefined).storedShape] as const),
    ),
  );
}

/** Names of the classifier's tensors. */
function headOf({ nodes, metadata }: Topology, { naming }: Library): { readonly kernel: string; readonly bias: string } {
  const node = classifierNode({ nodes, metadata, weights: new Map() });
  return { kernel: naming.nameOf(node, 'kernel'), bias: naming.nameOf(node, 'bias') };
}

const countedNames = (tensors: ReadonlyMap<string, Tensor>, { naming }: Library): string[] =>
  [...tensors.keys()].filter((name) => !naming.ignores(name));

/** Axes of one decide nothing: a linear layer may be stored as a 1×1 convolution. */
const signature = (shape: Shape): string => shape.filter((side) => side !== 1).join();

/** Whether the shapes are equal; those of the classifier may have another number of classes. */
function fits(stored: Shape | undefined, due: Shape, head: Library | undefined): boolean {
  if (stored === undefined) return false;
  return head ? signature(head.featuresOf(stored)) === signature(head.featuresOf(due)) : signature(stored) === signature(due);
}

/** The architecture at that input size, of which the shape of a kernel behind a flattened map depends; undefined where it is too small. */
function topologyAt(id: string, inputShape: AboutWeights['inputShape']): Topology | undefined {
  try {
    return topologyOf(id, { inputShape });
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

function guessed(
  tensors: ReadonlyMap<string, Tensor>,
  { fileName, inputShape }: AboutWeights,
  assumptions: string[],
  library: Library,
): string {
  const count = countedNames(tensors, library).length;
  const known = architectures().filter((one) => one.library === library.name);
  const candidates = known.flatMap(({ id }) => {
    const topology = topologyAt(id, inputShape);
    if (topology === undefined) return [];
    const due = tensorsOf(topology, library);
    const head = headOf(topology, library);
    let fitting = 0;
    for (const [name, shape] of due) {
      const isHead = name === head.kernel || name === head.bias;
      if (fits(tensors.get(name)?.shape, shape, isHead ? library : undefined)) fitting++;
    }
    return { id, fitting, all: Math.max(due.size, count) };
  });
  const [first, ...others] = candidates.filter(({ fitting, all }) => fitting === all);
  if (first) {
    const also = others.length > 0 ? ` (it also fits ${others.map(({ id }) => id).join(', ')})` : '';
    assumptions.push(`No architecture was named; names and shapes of the weights are those of ${first.id}${also}.`);
    return first.id;
  }
  const near = candidates.toSorted((a, b) => b.fitting / b.all - a.fitting / a.all).slice(0, 3);
  const words = near.map(({ id, fitting, all }) => `${id} (${fitting} of ${all} tensors)`).join(', ');
  throw new Failure('unknown-architecture', `The weights in ${fileName} are those of no architecture that is known here.`, {
    hint: `Nearest: ${words}. Name one, or give a file that holds the layers too: ONNX, Keras or tfjs.`,
    field: 'architecture',
  });
}

/** Names of one kind that a message lists. */
const LISTED = 5;

function refuseOtherNames(topology: Topology, tensors: ReadonlyMap<string, Tensor>, fileName: string, library: Library): void {
  const due = tensorsOf(topology, library);
  const missing = [...due.keys()].filter((name) => !tensors.has(name));
  const surplus = countedNames(tensors, library).filter((name) => !due.has(name));
  if (missing.length + surplus.length === 0) return;
  const listed = (names: readonly string[]): string =>
    names.slice(0, LISTED).join(', ') + (names.length > LISTED ? ` and ${names.length - LISTED} more` : '');
  const parts = [
    ...(missing.length > 0 ? [`lacks ${listed(missing)}`] : []),
    ...(surplus.length > 0 ? [`has ${listed(surplus)}, which belong to no layer`] : []),
  ];
  throw new Failure('shape-mismatch', `${fileName} is no ${topology.metadata.name}: it ${parts.join('; it ')}.`, {
    hint: 'Name the architecture that the weights were trained in, or none to have it guessed.',
    field: missing[0] ?? surplus[0],
  });
}
