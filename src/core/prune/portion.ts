import { inferShapes, inputShapesOf, layerOf, nodeOf, type Network, type Tensor, type WeightSpec } from '../network/index.ts';
import type { DependencyGroup, Member } from './groups.ts';

/** What of one weight leaves with the channels of a dependency group. */
export interface Portion {
  readonly node: string;
  /** Key of the weight in the network. */
  readonly key: string;
  readonly tensor: Tensor;
  /** Axis of the tensor that the channels lie along. */
  readonly axis: number;
  /** For each channel of the group, the indices along the axis that leave with it. */
  readonly indices: readonly (readonly number[])[];
}

/** The portions of a group's weights, by what they do for it. */
export interface Portions {
  /** Kernels of the producers, along their output channels. */
  kernels(group: DependencyGroup): Portion[];
  /** Scales (γ) of the group's normalisation layers. */
  scales(group: DependencyGroup): Portion[];
  /** Every parameter that leaves: of producers, of layers on the way, and the consumers' input channels. */
  parameters(group: DependencyGroup): Portion[];
}

export function portionsOf(network: Network): Portions {
  const shapes = inferShapes(network);
  const specsOf = (id: string): { spec: WeightSpec; key: string; tensor: Tensor }[] => {
    const node = nodeOf(network, id);
    return layerOf(node.kind)
      .weights(node, inputShapesOf(node, shapes))
      .flatMap((spec) => {
        const key = `${id}/${spec.name}`;
        const tensor = network.weights.get(key);
        return spec.trainable && tensor !== undefined ? [{ spec, key, tensor }] : [];
      });
  };
  const alongOutput = ({ node, channels }: Member): (Portion & { spec: WeightSpec })[] =>
    specsOf(node).flatMap(({ spec, key, tensor }) =>
      spec.outAxis === undefined ? [] : [{ node, key, tensor, spec, axis: spec.outAxis, indices: channels }],
    );
  const alongInput = (id: string, group: DependencyGroup): Portion[] => {
    const node = nodeOf(network, id);
    const layer = layerOf(node.kind);
    const inputs = inputShapesOf(node, shapes);
    const channels = membersOf(group).find((member) => member.node === node.inputs[0])?.channels ?? [];
    const indices = channels.map((own) => layer.keptWithin(node, inputs, own));
    return specsOf(id).flatMap(({ spec, key, tensor }) =>
      spec.inAxis === undefined ? [] : [{ node: id, key, tensor, axis: spec.inAxis, indices }],
    );
  };
  return {
    kernels: ({ producers }) => producers.flatMap((member) => alongOutput(member).filter(({ spec }) => spec.inAxis !== undefined)),
    scales: ({ coupled }) =>
      coupled
        .filter(({ node }) => layerOf(nodeOf(network, node).kind).role === 'normalisation')
        .flatMap((member) => alongOutput(member).filter(({ spec }) => spec.name === 'gamma')),
    parameters: (group) => [
      ...membersOf(group).flatMap((member) => {
        // A layer that passes channels on may have weights along its input alone (a depthwise kernel).
        const passes = !layerOf(nodeOf(network, member.node).kind).produces;
        const own = alongOutput(member);
        const known = new Set(own.map(({ key }) => key));
        return passes ? [...own, ...alongInput(member.node, group).filter(({ key }) => !known.has(key))] : own;
      }),
      ...group.consumers.flatMap(({ node }) => alongInput(node, group)),
    ],
  };
}

const membersOf = ({ producers, coupled }: DependencyGroup): readonly Member[] => [...producers, ...coupled];

/**
 * Sums a term over the values of a weight that leave with each channel of the group.
 *
 * @param term of the value and its place in the tensor's data
 */
export function sumsOf(portion: Portion, term: (value: number, at: number) => number): Float64Array {
  return gathered(sumsAlong(portion, term), portion);
}

/** Sums a term over the values of a weight at each index of the axis. */
export function sumsAlong(
  { tensor: { shape, data }, axis }: Pick<Portion, 'tensor' | 'axis'>,
  term: (value: number, at: number) => number,
): Float64Array {
  const side = shape[axis];
  const inner = shape.slice(axis + 1).reduce((product, length) => product * length, 1);
  const along = new Float64Array(side);
  if (inner === 1) {
    // The output channels of kernels, which is where nearly all values are.
    for (let from = 0; from < data.length; from += side) {
      for (let index = 0; index < side; index++) along[index] += term(data[from + index], from + index);
    }
  } else {
    for (let at = 0; at < data.length; at++) along[Math.floor(at / inner) % side] += term(data[at], at);
  }
  return along;
}

/** Of values along the axis, the sum of those that leave with each channel. */
export function gathered(along: Float64Array, { indices }: Pick<Portion, 'indices'>): Float64Array {
  return Float64Array.from(indices, (own) => own.reduce((sum, index) => sum + along[index], 0));
}
