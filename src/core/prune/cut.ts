import { Failure } from '../failure.ts';
import { channelsOf, gather, inferShapes, inputShapesOf, layerOf, reconfigured, weightsOf, zeroOutside } from '../network/index.ts';
import type { Network, Node, Shape, Tensor } from '../network/index.ts';
import { dependencyGroups, type DependencyGroup } from './groups.ts';

/** Channels of each node's output that stay, ascending. */
export type KeptChannels = ReadonlyMap<string, readonly number[]>;

/** What a plan says to {@link cut} and {@link masked}: channels of a dependency group that leave. */
export interface Removal {
  /** The group's id. */
  readonly id: string;
  /** Number of channels of the group, to tell a plan that was made for another network. */
  readonly channels: number;
  readonly removed: readonly number[];
}

/**
 * The smaller network: the removed channels are gone from every layer's configuration and weights. Pure and exact;
 * metadata and layer ids are kept.
 *
 * @throws Failure `invalid-request` (field `plan`) when the plan's groups are not those of the network
 */
export function cut(network: Network, plan: { readonly groups: readonly Removal[] }): Network {
  const shapes = inferShapes(network);
  const kept = keptChannels(network.nodes, shapes, removalsOf(network, plan.groups));
  const weights = new Map<string, Tensor>();
  for (const node of network.nodes) {
    const layer = layerOf(node.kind);
    const inputs = inputShapesOf(node, shapes);
    const own = weightsOf(network, node, shapes);
    const keptIn = keptOf(kept, node.inputs[0]);
    for (const { name, inAxis, outAxis } of layer.weights(node, inputs)) {
      let tensor = own[name];
      // Input channels first: they lie in longer runs, and leave less to pick through.
      if (inAxis !== undefined) tensor = gather(tensor, inAxis, layer.keptWithin(node, inputs, keptIn));
      if (outAxis !== undefined) tensor = gather(tensor, outAxis, keptOf(kept, node.id));
      weights.set(`${node.id}/${name}`, tensor);
    }
  }
  return { nodes: cutNodes(network.nodes, kept), weights, metadata: network.metadata };
}

/**
 * The network with its topology unchanged, but blind to the removed channels: where a layer reads across channels, its
 * weights for them are zero, and its statistics leave them out. Its outputs are those of {@link cut} up to rounding (masked ≡ compacted, METHOD.md §3).
 *
 * @throws Failure `invalid-request` (field `plan`) when the plan's groups are not those of the network
 */
export function masked(network: Network, plan: { readonly groups: readonly Removal[] }): Network {
  const shapes = inferShapes(network);
  const kept = keptChannels(network.nodes, shapes, removalsOf(network, plan.groups));
  const weights = new Map(network.weights);
  const nodes = network.nodes.map((node) => {
    const layer = layerOf(node.kind);
    const inputs = inputShapesOf(node, shapes);
    const keptIn = keptOf(kept, node.inputs[0]);
    if (inputs.length === 0 || keptIn.length === channelsOf(inputs[0])) return node;
    const own = weightsOf(network, node, shapes);
    for (const { name, inAxis } of layer.weights(node, inputs)) {
      if (inAxis === undefined) continue;
      weights.set(`${node.id}/${name}`, zeroOutside(own[name], inAxis, layer.keptWithin(node, inputs, keptIn)));
    }
    return reconfigured(node, layer.blinded(node, keptIn));
  });
  return { nodes, weights, metadata: network.metadata };
}

/** The nodes alone, resized: enough to know what a plan would cost. */
export function cutNodes(nodes: readonly Node[], kept: KeptChannels): Node[] {
  return nodes.map((node) => {
    const inputs = node.inputs.map((input) => keptOf(kept, input));
    return reconfigured(node, layerOf(node.kind).resized(node, { inputs, output: keptOf(kept, node.id) }));
  });
}

/** What stays of every node's output when these channels leave their groups. */
export function keptChannels(
  nodes: readonly Node[],
  shapes: ReadonlyMap<string, Shape>,
  removals: readonly { readonly group: DependencyGroup; readonly removed: readonly number[] }[],
): KeptChannels {
  const leaves = new Map(nodes.map(({ id }) => [id, new Uint8Array(channelsOf(shapes.get(id) ?? []))]));
  for (const { group, removed } of removals) {
    for (const { node, channels } of [...group.producers, ...group.coupled]) {
      const flags = leaves.get(node);
      for (const index of removed) for (const channel of channels[index]) flags?.fill(1, channel, channel + 1);
    }
  }
  const kept = new Map<string, readonly number[]>();
  for (const [id, flags] of leaves) {
    const stay: number[] = [];
    for (let channel = 0; channel < flags.length; channel++) if (flags[channel] === 0) stay.push(channel);
    kept.set(id, stay);
  }
  return kept;
}

const keptOf = (kept: KeptChannels, id: string): readonly number[] => kept.get(id) ?? [];

/** The groups of the network that a plan names. Throws as {@link cut}. */
export function removalsOf(network: Network, removals: readonly Removal[]): { group: DependencyGroup; removed: readonly number[] }[] {
  const groups = new Map(dependencyGroups(network).map((group) => [group.id, group]));
  return removals.map(({ id, channels, removed }) => {
    const group = groups.get(id);
    const once = removals.filter((removal) => removal.id === id).length === 1 && new Set(removed).size === removed.length;
    const fits = once && group?.size === channels && removed.every((index) => Number.isInteger(index) && index >= 0 && index < channels);
    if (group === undefined || !fits || removed.length >= channels || (group.locked !== undefined && removed.length > 0)) {
      throw new Failure('invalid-request', `The plan's group "${id}" does not fit this network.`, {
        hint: 'Make a plan for this very network.',
        field: 'plan',
      });
    }
    return { group, removed };
  });
}
