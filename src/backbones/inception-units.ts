import type { ConvOptions, Graph, Kernel } from './graph.ts';

const EPSILON = 1e-3;

/** The Inception networks' unit: a convolution, its normalisation and a ReLU. */
export function createUnits(graph: Graph) {
  const unit = (id: string, filters: number, kernel: Kernel, options: ConvOptions = {}, from = graph.newest()): string => {
    graph.conv(`${id}.conv`, filters, kernel, options, from);
    graph.bn(`${id}.bn`, EPSILON);
    return graph.relu(`${id}.relu`);
  };
  return {
    unit,
    /** Units one after the other. */
    chain(from: string, ...units: readonly (readonly [id: string, filters: number, kernel: Kernel, options?: ConvOptions])[]): string {
      return units.reduce((before, [id, filters, kernel, options]) => unit(id, filters, kernel, options, before), from);
    },
  };
}
