import { channelsOf, inferShapes, inputShapesOf, layerOf, logitsNode, type Coupler, type Network, type Shape } from '../network/index.ts';
import { createChannelSets, type ChannelSets } from './channel-sets.ts';

/** A layer's part in a dependency group. */
export interface Member {
  readonly node: string;
  /** Why its channels hang together with the others, for display. */
  readonly reason: string;
  /** For each channel of the group, the output channels of this layer that leave with it. */
  readonly channels: readonly (readonly number[])[];
}

/** Channels that can only leave together: "channel" of a group means one such set across all its members. */
export interface DependencyGroup {
  /** The first layer that makes the channels; a number is added where one layer starts several groups. */
  readonly id: string;
  /** Number of channels of the group. */
  readonly size: number;
  /** Layers whose kernels make the channels; they are what a criterion scores. */
  readonly producers: readonly Member[];
  /** Layers that pass, join or copy the channels. */
  readonly coupled: readonly Member[];
  /** Layers that read the channels and lose input channels with them. */
  readonly consumers: readonly { readonly node: string; readonly reason: string }[];
  /** Why no channel may leave, where none may. */
  readonly locked?: string;
}

/**
 * The dependency groups of a network (DepGraph, Fang et al. 2023), by union-find over single channels: every layer
 * kind ties its output channels to its input channels in the layer table, so that joins, concatenations (of a value with
 * itself too), flattening, depthwise and grouped convolutions come out exactly. Sets of tied channels with the same
 * members form a group, so that a slice of channels consists of whole groups and no layer loses all its channels; a
 * group's channels are numbered by the first producer's.
 *
 * @throws Failure `shape-mismatch` or `unsupported-layer`, naming the layer
 */
export function dependencyGroups(network: Network): DependencyGroup[] {
  const shapes = inferShapes(network);
  const sets = tieChannels(network, shapes);
  const sources = new Map(network.nodes.map(({ id, kind }) => [id, layerOf(kind).produces]));

  const byOrigin = new Map<string, ChannelSet[]>();
  for (const set of sets.all()) {
    // Channels that only the image makes are nobody's to prune.
    if (![...set.members.keys()].some((node) => sources.get(node))) continue;
    const key = JSON.stringify([[...set.members].map(([node, channels]) => [node, channels.length]), set.lock]);
    const same = byOrigin.get(key);
    if (same === undefined) byOrigin.set(key, [set]);
    else same.push(set);
  }
  const started = new Map<string, number>();
  return [...byOrigin.values()].map((group) => describeGroup(network, group, started));
}

type ChannelSet = ReturnType<ChannelSets['all']>[number];

function tieChannels(network: Network, shapes: ReadonlyMap<string, Shape>): ChannelSets {
  const sets = createChannelSets(network.nodes.map(({ id }) => [id, channelsOf(shapes.get(id) ?? [])]));
  const read = new Set(network.nodes.flatMap(({ inputs }) => inputs));
  for (const node of network.nodes) {
    const layer = layerOf(node.kind);
    if (layer.role === 'entrance') sets.lock(node.id, `"${node.id}" is the image`);
    if (!read.has(node.id)) sets.lock(node.id, `"${node.id}" is the network's output`);
    const coupler: Coupler = {
      through: (input, from, to) => sets.tie(node.inputs[input], from, node.id, to),
      inputs: (input, a, b) => sets.tie(node.inputs[input], a, node.inputs[input], b),
      outputs: (a, b) => sets.tie(node.id, a, node.id, b),
      pin: (input, reason) => sets.lock(node.inputs[input], reason),
    };
    layer.couple(node, inputShapesOf(node, shapes), shapes.get(node.id) ?? [], coupler);
  }
  sets.lock(logitsNode(network).id, "they are the network's classes");
  return sets;
}

function describeGroup(network: Network, sets: readonly ChannelSet[], started: Map<string, number>): DependencyGroup {
  const names = new Set(sets.flatMap(({ members }) => [...members.keys()]));
  const producers: Member[] = [];
  const coupled: Member[] = [];
  const consumers: { node: string; reason: string }[] = [];
  let first: string | undefined;
  for (const node of network.nodes) {
    const layer = layerOf(node.kind);
    if (names.has(node.id)) {
      if (layer.produces) first ??= node.id;
      const channels = sets.map(({ members }) => members.get(node.id) ?? []);
      const hasKernels = layer.produces && layer.kernels !== undefined;
      (hasKernels ? producers : coupled).push({ node: node.id, reason: `${node.kind} ${layer.coupling}`, channels });
    }
    const from = node.inputs.filter((input) => names.has(input));
    if (layer.produces && from.length > 0) {
      consumers.push({ node: node.id, reason: `${node.kind} reads "${from.join('", "')}" and loses these input channels` });
    }
  }
  const start = first ?? '';
  const nth = (started.get(start) ?? 0) + 1;
  started.set(start, nth);
  const locked = sets[0].lock ?? (producers.length === 0 ? 'no kernels make its channels' : undefined);
  return { id: nth === 1 ? start : `${start}#${nth}`, size: sets.length, producers, coupled, consumers, locked };
}
