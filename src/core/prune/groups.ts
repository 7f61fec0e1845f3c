import { channelsOf, inferShapes, inputShapesOf, layerOf, logitsNode, type Coupler, type Network, type Shape } from '../network/index.ts';
import { createChannelSets, type AlikeSets, type ChannelSets } from './channel-sets.ts';

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
export function dependencyGroups(network: Network): readonly DependencyGroup[] {
  const { nodes } = network;
  const groups = known.get(nodes) ?? foundGroups(network);
  known.set(nodes, groups);
  return groups;
}

/** Groups follow from the nodes, which never change: a plan, its cut and its proof ask for the same ones. */
const known = new WeakMap<Network['nodes'], readonly DependencyGroup[]>();

function foundGroups(network: Network): DependencyGroup[] {
  const sources = new Set(network.nodes.filter(({ kind }) => layerOf(kind).produces).map(({ id }) => id));
  const started = new Map<string, number>();
  return (
    tieChannels(network, inferShapes(network))
      .alike()
      // Channels that only the image makes are nobody's to prune.
      .filter(({ nodes }) => nodes.some((node) => sources.has(node)))
      .map((sets) => describeGroup(network, sets, started))
  );
}

/** The same for the group of a network and for what is left of it after a cut: its layers, and how many channels of each. */
export const signatureOf = ({ producers, coupled }: DependencyGroup): string =>
  [...producers, ...coupled].map(({ node, channels }) => `${node}×${channels[0].length}`).join(' ');

function tieChannels(network: Network, shapes: ReadonlyMap<string, Shape>): ChannelSets {
  const sets = createChannelSets(network.nodes.map(({ id }) => [id, channelsOf(shapes.get(id) ?? [])]));
  const hasReaders = new Set(network.nodes.flatMap(({ inputs }) => inputs));
  for (const node of network.nodes) {
    const layer = layerOf(node.kind);
    if (layer.role === 'entrance') sets.lock(node.id, `"${node.id}" is the image`);
    if (!hasReaders.has(node.id)) sets.lock(node.id, `"${node.id}" is the network's output`);
    const own = sets.first(node.id);
    const read = node.inputs.map((input) => sets.first(input));
    const coupler: Coupler = {
      through: (input, from, to, count = 1) => sets.tie(read[input] + from, own + to, count),
      inputs: (input, a, b) => sets.tie(read[input] + a, read[input] + b, 1),
      outputs: (a, b) => sets.tie(own + a, own + b, 1),
      pin: (input, reason) => sets.lock(node.inputs[input], reason),
    };
    layer.couple(node, inputShapesOf(node, shapes), shapes.get(node.id) ?? [], coupler);
  }
  sets.lock(logitsNode(network).id, "they are the network's classes");
  return sets;
}

/** One list for each channel: large networks have a hundred thousand members of one channel. */
const singles: (readonly number[])[] = [];
const single = (channel: number): readonly number[] => (singles[channel] ??= [channel]);

/** One list for each number of channels: most members have just the group's channels in their order. */
const identities: (readonly (readonly number[])[])[] = [];
const identity = (size: number): readonly (readonly number[])[] =>
  (identities[size] ??= Array.from({ length: size }, (_, channel) => single(channel)));

/** Each set's channels between two places. */
function channelsBetween({ size, channels }: AlikeSets, from: number, to: number): readonly (readonly number[])[] {
  const each = channels.length / size;
  if (to - from > 1) return Array.from({ length: size }, (_, set) => [...channels.subarray(set * each + from, set * each + to)]);
  let set = 0;
  while (set < size && channels[set * each + from] === set) set++;
  return set === size ? identity(size) : Array.from({ length: size }, (_, at) => single(channels[at * each + from]));
}

function describeGroup(network: Network, sets: AlikeSets, started: Map<string, number>): DependencyGroup {
  const { nodes, counts, lock, size } = sets;
  const places = new Map<string, { from: number; to: number }>();
  let from = 0;
  for (const [at, node] of nodes.entries()) {
    places.set(node, { from, to: from + counts[at] });
    from += counts[at];
  }
  const producers: Member[] = [];
  const coupled: Member[] = [];
  const consumers: { node: string; reason: string }[] = [];
  let first: string | undefined;
  for (const node of network.nodes) {
    const layer = layerOf(node.kind);
    const place = places.get(node.id);
    if (place !== undefined) {
      if (layer.produces) first ??= node.id;
      const channels = channelsBetween(sets, place.from, place.to);
      const hasKernels = layer.produces && layer.kernels !== undefined;
      (hasKernels ? producers : coupled).push({ node: node.id, reason: `${node.kind} ${layer.coupling}`, channels });
    }
    const read = node.inputs.filter((input) => places.has(input));
    if (layer.produces && read.length > 0) {
      consumers.push({ node: node.id, reason: `${node.kind} reads "${read.join('", "')}" and loses these input channels` });
    }
  }
  const start = first ?? '';
  const nth = (started.get(start) ?? 0) + 1;
  started.set(start, nth);
  const locked = lock ?? (producers.length === 0 ? 'no kernels make its channels' : undefined);
  return { id: nth === 1 ? start : `${start}#${nth}`, size, producers, coupled, consumers, locked };
}
