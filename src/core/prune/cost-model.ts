import { channelsOf, costOfNode, inputShapesOf, layerOf, reconfigured, type Cost, type Node, type Shape } from '../network/index.ts';
import type { DependencyGroup } from './groups.ts';
import type { Choice } from './selection.ts';

/** Cost of the network when these channels leave. */
export type CostModel = (removals: readonly Choice[]) => Cost;

interface CostlyNode {
  readonly node: Node;
  /** Places of its inputs and, last, its own. */
  readonly places: readonly number[];
  /** Costs seen, by widths at the places. */
  readonly known: Map<string, Cost>;
  /** At the widths of the evaluation before. */
  cost: Cost;
}

/**
 * Costs of planned networks, from the widths of their layers alone: what a layer costs follows from how many channels it
 * has and not from which. Much faster than building the network, and the same numbers; costs are whole numbers, so that
 * only the layers whose widths have changed since the evaluation before need be counted again.
 */
export function createCostModel(nodes: readonly Node[], shapes: ReadonlyMap<string, Shape>, groups: readonly DependencyGroup[]): CostModel {
  const numbers = new Map(nodes.map(({ id }, at) => [id, at]));
  const placeOf = (id: string): number => numbers.get(id) ?? 0;
  const full = Int32Array.from(nodes, ({ id }) => channelsOf(shapes.get(id) ?? []));
  const takes = new Map(
    groups.map((group) => [
      group.id,
      [...group.producers, ...group.coupled].map(({ node, channels }) => ({ place: placeOf(node), each: channels[0].length })),
    ]),
  );
  const costly = nodes.flatMap((node): CostlyNode[] => {
    const cost = costOfNode(node, inputShapesOf(node, shapes), shapes.get(node.id) ?? []);
    const places = [...node.inputs, node.id].map(placeOf);
    return cost.macs + cost.bytes > 0 ? [{ node, places, cost, known: new Map([[widthsAt(places, full), cost]]) }] : [];
  });
  const costAt = createNodeCosts(shapes);
  /** The layers whose cost depends on the width at a place. */
  const readers = nodes.map((_, at) => costly.filter(({ places }) => places.includes(at)));
  let current = full;
  const total = { macs: 0, flops: 0, params: 0, bytes: 0 };
  for (const { cost } of costly) add(total, cost, 1);
  return (removals) => {
    const widths = full.slice();
    for (const { group, removed } of removals) {
      for (const { place, each } of takes.get(group.id) ?? []) widths[place] -= each * removed.length;
    }
    const changed = new Set<CostlyNode>();
    for (let at = 0; at < widths.length; at++) if (widths[at] !== current[at]) for (const layer of readers[at]) changed.add(layer);
    for (const layer of changed) {
      add(total, layer.cost, -1);
      const key = widthsAt(layer.places, widths);
      layer.cost = layer.known.get(key) ?? costAt(layer, widths);
      layer.known.set(key, layer.cost);
      add(total, layer.cost, 1);
    }
    current = widths;
    return { ...total };
  };
}

const widthsAt = (places: readonly number[], widths: Int32Array): string => places.map((place) => widths[place]).join();

function add(total: { macs: number; flops: number; params: number; bytes: number }, cost: Cost, sign: 1 | -1): void {
  total.macs += sign * cost.macs;
  total.flops += sign * cost.flops;
  total.params += sign * cost.params;
  total.bytes += sign * cost.bytes;
}

/** What a layer costs with these widths. */
function createNodeCosts(shapes: ReadonlyMap<string, Shape>): (layer: CostlyNode, widths: Int32Array) => Cost {
  const prefixes: (readonly number[])[] = [];
  const first = (width: number): readonly number[] => (prefixes[width] ??= Array.from({ length: width }, (_, channel) => channel));
  const narrowed = (shape: Shape, width: number): Shape => [...shape.slice(0, -1), width];
  return ({ node, places }, widths) => {
    const inputs = places.slice(0, -1).map((place) => widths[place]);
    const output = widths[places[places.length - 1]];
    const resized = reconfigured(node, layerOf(node.kind).resized(node, { inputs: inputs.map(first), output: first(output) }));
    return costOfNode(
      resized,
      inputShapesOf(node, shapes).map((shape, at) => narrowed(shape, inputs[at])),
      narrowed(shapes.get(node.id) ?? [], output),
    );
  };
}
