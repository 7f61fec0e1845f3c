import { classifierNode, sizeOf } from '../core/network/index.ts';
import type { Network, Tensor } from '../core/network/types.ts';
import { blocksOf } from './blocks.ts';
import type { Parameter } from './optimizer.ts';
import type { Plan } from './plan.ts';
import type { Recipe } from './types.ts';

/** Which of a network's weights a training changes, in a fixed order. */
export interface Trained {
  readonly parameters: readonly Parameter[];
  /** Moving statistics; none where they are frozen. */
  readonly statistics: readonly Statistic[];
}

export interface Statistic extends Pick<Parameter, 'key' | 'shape'> {
  /** The layer that normalises by it. */
  readonly node: string;
}

export function trainedOf(network: Network, plan: Plan, tune: Recipe['tune']): Trained {
  const specs = plan.steps.flatMap(({ node, specs }) => specs.map((spec) => ({ ...spec, node: node.id, key: `${node.id}/${spec.name}` })));
  const nodes = tunedNodes(network, plan, tune);
  const tuned = specs.filter(({ node }) => nodes.has(node));
  return { parameters: tuned.filter(({ trainable }) => trainable), statistics: tuned.filter(({ trainable }) => !trainable) };
}

function tunedNodes(network: Network, plan: Plan, tune: Recipe['tune']): Set<string> {
  if (tune === 'all') return new Set(plan.steps.map(({ node }) => node.id));
  const head = classifierNode(network).id;
  if (tune === 'head') return new Set([head]);
  const steps =
    tune === 'bn'
      ? plan.steps.filter(({ specs }) => specs.some(({ trainable }) => !trainable))
      : blocksOf(plan, head).slice(-tune.lastBlocks).flat();
  return new Set([...steps.map(({ node }) => node.id), head]);
}

export const lengthOf = (weights: readonly Pick<Parameter, 'shape'>[]): number =>
  weights.reduce((sum, { shape }) => sum + sizeOf(shape), 0);

/** The values of these weights, one after the other. */
export function gatherValues(weights: readonly Pick<Parameter, 'key' | 'shape'>[], valuesOf: (key: string) => Float32Array): Float32Array {
  const all = new Float32Array(lengthOf(weights));
  let at = 0;
  for (const { key, shape } of weights) {
    all.set(valuesOf(key), at);
    at += sizeOf(shape);
  }
  return all;
}

/** The inverse of {@link gatherValues}. */
export function splitValues(weights: readonly Pick<Parameter, 'key' | 'shape'>[], all: Float32Array): Map<string, Tensor> {
  const tensors = new Map<string, Tensor>();
  let at = 0;
  for (const { key, shape } of weights) {
    const size = sizeOf(shape);
    tensors.set(key, { shape, data: all.slice(at, at + size) });
    at += size;
  }
  return tensors;
}

/** The same as plain arrays. */
export function arraysOf(weights: readonly Pick<Parameter, 'key' | 'shape'>[], all: Float32Array): Map<string, Float32Array> {
  return new Map(Array.from(splitValues(weights, all), ([key, { data }]) => [key, data]));
}

/** The network with other values for what is trained. */
export function withTrained(
  network: Network,
  { parameters, statistics }: Trained,
  trained: { readonly values: Float32Array; readonly statistics: Float32Array },
): Network {
  const weights = new Map([...network.weights, ...splitValues(parameters, trained.values), ...splitValues(statistics, trained.statistics)]);
  return { ...network, weights };
}
