import { channelsOf, costOfNode, inputShapesOf, layerOf, reconfigured, type Cost, type Node, type Shape } from '../network/index.ts';
import type { DependencyGroup } from './groups.ts';
import type { Choice } from './selection.ts';

/** Cost of the network when these channels leave. */
export type CostModel = (removals: readonly Choice[]) => Cost;

interface CostlyNode {
  readonly node: Node;
  readonly inputs: readonly number[];
  readonly output: number;
  /** Costs seen, by widths. */
  readonly known: Map<string, Cost>;
}

/**
 * Costs of planned networks, from the widths of their layers alone: what a layer costs follows from how many channels it
 * has and not from which. Much faster than building the network, and the same numbers.
 */
export function createCostModel(nodes: readonly Node[], shapes: ReadonlyMap<string, Shape>, groups: readonly DependencyGroup[]): CostModel {
  const places = new Map(nodes.map(({ id }, at) => [id, at]));
  const placeOf = (id: string): number => places.get(id) ?? 0;
  const full = Int32Array.from(nodes, ({ id }) => channelsOf(shapes.get(id) ?? []));
  const takes = new Map(
    groups.map((group) => [
      group.id,
      [...group.producers, ...group.coupled].map(({ node, channels }) => ({
        at: placeOf(node),
        counts: channels.map((own) => own.length),
      })),
    ]),
  );
  const costly: CostlyNode[] = [];
  const rest = { macs: 0, flops: 0, params: 0, bytes: 0 };
  for (const node of nodes) {
    const cost = costOfNode(node, inputShapesOf(node, shapes), shapes.get(node.id) ?? []);
    if (cost.macs + cost.bytes > 0) costly.push({ node, inputs: node.inputs.map(placeOf), output: placeOf(node.id), known: new Map() });
  }
  return (removals) => {
    const widths = full.slice();
    for (const { group, removed } of removals) {
      for (const { at, counts } of takes.get(group.id) ?? []) for (const channel of removed) widths[at] -= counts[channel];
    }
    const total = { ...rest };
    for (const { node, inputs, output, known } of costly) {
      const key = `${widths[output]}<${inputs.map((at) => widths[at]).join()}`;
      let cost = known.get(key);
      if (cost === undefined) {
        cost = costAt(
          node,
          shapes,
          inputs.map((at) => widths[at]),
          widths[output],
        );
        known.set(key, cost);
      }
      total.macs += cost.macs;
      total.flops += cost.flops;
      total.params += cost.params;
      total.bytes += cost.bytes;
    }
    return total;
  };
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
