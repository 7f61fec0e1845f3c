import type { Network, NetworkMetadata, Node, Preprocessing, Tensor } from '../core/network/types.ts';
import { Failure } from '../core/failure.ts';
import { classifierNode, costOf, inferShapes, inputShapesOf, layerOf, sizeOf } from '../core/network/index.ts';
import { createRandom, type Random } from '../core/random.ts';
import { DEFAULT_PREPROCESSING, type Blueprint } from './blueprint.ts';
import { blueprintNamed, blueprints } from './catalogue.ts';
import { createGraph } from './graph.ts';

/** A network before it has weights. */
export type Topology = Pick<Network, 'nodes' | 'metadata'>;

export interface TopologyOptions {
  /** Number of outputs; the original's where neither this nor classNames is given. */
  readonly classes?: number;
  readonly classNames?: readonly string[];
  /** [height, width, 3]; the original's where it is not given. */
  readonly inputShape?: readonly [number, number, number];
  /** What the original expects where it is not given: ImageNet's mean and deviation on 0…1 for nearly all. */
  readonly preprocessing?: Preprocessing;
}

export interface Architecture {
  readonly id: string;
  readonly family: string;
  readonly description: string;
  readonly inputShape: readonly [number, number, number];
  /** Whose names its layers bear. */
  readonly library: 'torch' | 'keras';
  /** Whether its first convolution reads blue, green, red in checkpoints. */
  readonly bgr: boolean;
  /** Trainable parameters with the original's number of classes. */
  readonly params: number;
  /** Multiply-accumulates of one image at that input size. */
  readonly macs: number;
}

/** Every architecture that {@link buildBackbone} knows. */
export function architectures(): readonly Architecture[] {
  return blueprints.map((blueprint) => {
    const { id, family, description, inputShape, classes, bgr = false } = blueprint;
    const library = id.startsWith(KERAS) ? 'keras' : 'torch';
    const { params, macs } = costOf(nodesOf(blueprint, inputShape, classes));
    return { id, family, description, inputShape, library, bgr, params, macs };
  });
}

/** The family of an architecture; null for one that is not known. */
export function familyOf(id: string | undefined): string | null {
  return (id === undefined ? undefined : blueprintNamed(id))?.family ?? null;
}

function nodesOf({ lay, rename, style }: Blueprint, inputShape: Blueprint['inputShape'], classes: number): readonly Node[] {
  const graph = createGraph(inputShape, rename, style);
  lay(graph, classes);
  return graph.nodes;
}

/**
 * An architecture's layers without weights.
 *
 * @throws Failure `unknown-architecture` naming the nearest ids; `shape-mismatch` where the input is too small; `invalid-request` for
 * fewer than two classes
 */
export function topologyOf(id: string, options: TopologyOptions = {}): Topology {
  const blueprint = blueprintOf(id);
  const { classNames, classes = classNames?.length ?? blueprint.classes, inputShape = blueprint.inputShape } = options;
  if (classes < 2 || (classNames && classNames.length !== classes)) {
    throw new Failure('invalid-request', `A backbone needs two or more classes and a name for each, not ${classes}.`, { field: 'classes' });
  }
  const metadata: NetworkMetadata = {
    name: blueprint.id,
    architecture: blueprint.id,
    preprocessing: options.preprocessing ?? blueprint.preprocessing ?? DEFAULT_PREPROCESSING,
    ...(classNames && { classNames }),
  };
  return { nodes: nodesOf(blueprint, inputShape, classes), metadata };
}

/** An architecture with fresh weights: He-normal kernels (He 2015, fan-in), a small classifier, identity BatchNormalization. */
export function buildBackbone(id: string, options: TopologyOptions & { readonly seed: number }): Network {
  const topology = topologyOf(id, options);
  return { ...topology, weights: initialWeights(topology, createRandom(options.seed)) };
}

/** Standard deviation of the classifier's kernel: small, so that the first predictions are near uniform. */
const CLASSIFIER_DEVIATION = 0.01;

function initialWeights({ nodes, metadata }: Topology, random: Random): Map<string, Tensor> {
  const weights = new Map<string, Tensor>();
  const shapes = inferShapes(nodes);
  const classifier = classifierNode({ nodes, metadata, weights }).id;
  for (const node of nodes) {
    for (const { name, shape, decay } of layerOf(node.kind).weights(node, inputShapesOf(node, shapes))) {
      const data = new Float32Array(sizeOf(shape));
      if (decay) {
        const deviation = node.id === classifier ? CLASSIFIER_DEVIATION : Math.sqrt(2 / fanIn(node, shape));
        for (let i = 0; i < data.length; i++) data[i] = deviation * random.normal();
      } else if (name === 'gamma' || name === 'moving_variance') data.fill(1);
      weights.set(`${node.id}/${name}`, { shape, data });
    }
  }
  return weights;
}

/** Values that one output sums over: all axes of a kernel but the last; a depthwise kernel sums over its window only. */
function fanIn(node: Node, shape: readonly number[]): number {
  return layerOf(node.kind).produces ? sizeOf(shape.slice(0, -1)) : sizeOf(shape.slice(0, 2));
}

const TIMM = 'timm:';
const KERAS = 'keras:';

/** @throws Failure `unknown-architecture` naming the nearest ids */
export function blueprintOf(id: string): Blueprint {
  // timm's ResNets, DenseNets and Inception-v3 bear torchvision's names.
  const blueprint = blueprintNamed(id) ?? (id.startsWith(TIMM) ? blueprintNamed(id.slice(TIMM.length)) : undefined);
  if (blueprint) return blueprint;
  const plain = (name: string): string => name.replace(TIMM, '');
  const near = blueprints
    .map((candidate) => ({ id: candidate.id, distance: editDistance(plain(id.toLowerCase()), plain(candidate.id)) }))
    .toSorted((a, b) => a.distance - b.distance)
    .slice(0, 3);
  throw new Failure('unknown-architecture', `There is no architecture "${id}".`, {
    hint: `Nearest: ${near.map((candidate) => candidate.id).join(', ')}.`,
    field: 'architecture',
  });
}

/** Levenshtein, one row at a time. */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) next[j] = Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1));
    row = next;
  }
  return row[b.length];
}
