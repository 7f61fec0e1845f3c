import { buildBackbone } from '../../src/backbones/index.ts';
import { costOf, type Network, type Tensor, validateNetwork } from '../../src/core/network/index.ts';
import { criterionOf, cut, planPruning, type Source } from '../../src/core/prune/index.ts';
import type { ImageSet } from '../../src/core/images.ts';
import { createRandom } from '../../src/core/random.ts';
import type { Engine } from '../../src/engine/index.ts';
import { collectEvidence } from '../../src/jobs/handlers/evidence.ts';
import { provePlan } from '../../src/jobs/handlers/proof.ts';

const CLASSES = 10;
const IMAGES = 2;
const RATIO = 0.5;

/** One criterion of each kind: what it looks at decides which channels leave, and any must be cut exactly. */
export const KINDS: readonly (readonly [criterion: string, source: Source])[] = [
  ['l1', 'weights'],
  ['fpgm', 'weights'],
  ['dice', 'weights'],
  ['dice-greedy', 'activations'],
  ['taylor', 'weights'],
  ['apoz', 'weights'],
];

export interface CutFigures {
  /** masked against compacted, of the outputs' scale. */
  readonly difference: number;
  /** The whole network against the compacted one, likewise: what the cut changed. */
  readonly change: number;
  /** FLOPs that are left, as a share. */
  readonly flops: number;
}

/** An architecture with weights that its normalisation and gates answer to, so that a channel mistaken for another shows. */
export function subject(id: string, side: number): Network {
  const network = buildBackbone(id, { classes: CLASSES, inputShape: [side, side, 3], seed: 1 });
  const random = createRandom(7);
  const varied = ({ shape, data }: Tensor): Tensor => ({ shape, data: data.map((value) => value + 0.1 * Math.abs(random.normal())) });
  const weights = Array.from(network.weights, ([key, tensor]) => [key, tensor.shape.length === 1 ? varied(tensor) : tensor] as const);
  return { ...network, weights: new Map(weights) };
}

/** Random images, with every class among their labels' values. */
export function randomImages(side: number): ImageSet {
  const random = createRandom(2);
  const pixels = Uint8Array.from({ length: IMAGES * side * side * 3 }, () => random.integer(256));
  return { count: IMAGES, height: side, width: side, pixels, labels: Int32Array.from({ length: IMAGES }, (_, i) => i % CLASSES) };
}

/**
 * Halves the network by a criterion and compares what is left with the original that is blind to what left.
 * @throws Failure `internal` where they differ by more than 1e-4 of the outputs' scale
 */
export async function proveHalf(
  engine: Engine,
  network: Network,
  images: ImageSet,
  [criterion, source]: (typeof KINDS)[number],
): Promise<CutFigures> {
  const needs = criterionOf(criterion).needs(source);
  const { signal } = new AbortController();
  const evidence = await collectEvidence(network, needs, { engine, images, seed: 1, signal, progress: () => {} });
  const plan = planPruning(network, { criterion, source, target: { ratio: RATIO }, layers: 'conv', seed: 1, evidence });
  const small = cut(network, plan);
  validateNetwork(small);
  const { relativeDifference } = await provePlan(engine, network, small, plan, images);
  const [whole, left] = [await engine.logits(network, images), await engine.logits(small, images)];
  const scale = left.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const change = left.reduce((largest, value, i) => Math.max(largest, Math.abs(value - whole[i])), 0) / scale;
  return { difference: relativeDifference, change, flops: costOf(small).flops / costOf(network).flops };
}
