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
  /** The widths and the cost of the evaluation before: most layers do not change between two. */
  widths: readonly number[];
  cost: Cost;
}

/**
 * Costs of planned networks, from the widths of their layers alone: what a layer costs follows from how many channels it
 * has and not from which. Much faster than building the network, and the same numbers.
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
    const widths = places.map((place) => full[place]);
    return cost.macs + cost.bytes > 0 ? [{ node, places, widths, cost, known: new Map([[widths.join(), cost]]) }] : [];
  });
  return (removals) => {
    const widths = full.slice();
    for (const { group, removed } of removals) {
      for (const { place, each } of takes.get(group.id) ?? []) widths[place] -= each * removed.length;
    }
    const total = { macs: 0, flops: 0, params: 0, bytes: 0 };
    for (const layer of costly) {
      if (layer.places.some((place, at) => widths[place] !== layer.widths[at])) update(layer, widths, shapes);
      total.macs += layer.cost.macs;
      total.flops += layer.cost.flops;
      total.params += layer.cost.params;
      total.bytes += layer.cost.bytes;
    }
    return total;
  };
}

function update(layer: CostlyNode, widths: Int32Array, shapes: ReadonlyMap<string, Shape>): void {
  layer.widths = layer.places.map((place) => widths[place]);
  const key = layer.widths.join();
  layer.cost = layer.known.get(key) ?? costAt(layer.node, shapes, layer.widths.slice(0, -1), layer.widths[layer.widths.length - 1]);
  layer.known.set(key, layer.cost);
}

function costAt(node: Node, shapes: ReadonlyMap<string, Shape>, inputs: readonly number[], output: number): Cost {
  const first = (width: number): number[] => Array.from({ length: width }, (_, channel) => channel);
  const resized = reconfigured(node, layerOf(node.kind).resized(node, { inputs: inputs.map(first), output: first(output) }));
  const narrowed = (shape: Shape, width: number): Shape => [...shape.slice(0, -1), width];
  return costOfNode(
    resized,
    inputShapesOf(node, shapes).map((shape, at) => narrowed(shape, inputs[at])),
    narrowed(shapes.get(node.id) ?? [], output),
  );
}
