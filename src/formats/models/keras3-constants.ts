import { HARD_SIGMOID } from './keras-layers.ts';

/** A layer as Keras 2 has it, whose `constant` is a number that the layer reads beside a tensor. */
interface Layer {
  readonly class_name: string;
  readonly name: string;
  readonly config: object;
  readonly inbound_nodes: readonly (readonly (readonly [string, number, number])[])[];
}

/** The number among the arguments of an operation, such as `x + 3.0`, that Keras 3 keeps as a layer. */
export function constantOf({ inbound_nodes: calls = [] }: { readonly inbound_nodes?: readonly unknown[] }): { constant?: number } {
  const [call] = calls;
  const args: unknown = typeof call === 'object' && call !== null && 'args' in call ? call.args : [];
  const found = Array.isArray(args) ? args.find((argument) => typeof argument === 'number') : undefined;
  return found === undefined ? {} : { constant: Number(found) };
}

const numberIn = (layer: Layer | undefined, key: string): number | undefined => {
  const value: unknown = layer && key in layer.config ? layer.config[key as keyof typeof layer.config] : undefined;
  return typeof value === 'number' ? value : undefined;
};

/** relu6(x + 3) · (1 / 6), which keras.applications composes of operations, as one activation; other constants are refused later. */
export function withHardSigmoids(layers: readonly Layer[]): readonly Layer[] {
  const byName = new Map(layers.map((layer) => [layer.name, layer]));
  const before = (layer: Layer | undefined): Layer | undefined => byName.get(layer?.inbound_nodes[0]?.[0]?.[0] ?? '');
  return layers.map((layer) => {
    const relu = before(layer);
    const sum = before(relu);
    const isHard =
      layer.class_name === 'Multiply' &&
      Math.abs((numberIn(layer, 'constant') ?? 0) - 1 / 6) < 1e-6 &&
      relu?.class_name === 'ReLU' &&
      numberIn(relu, 'max_value') === 6 &&
      sum?.class_name === 'Add' &&
      numberIn(sum, 'constant') === 3;
    return isHard ? { ...layer, class_name: 'Activation', config: { activation: HARD_SIGMOID }, inbound_nodes: sum.inbound_nodes } : layer;
  });
}
