import { z } from 'zod';
import { HARD_SIGMOID, type KerasLayer } from './keras-layers.ts';

/** Keras 2 keeps `x + y` on tensors as a layer that names TensorFlow's function; Keras 3 has a class for each. */
const functions: Readonly<Record<string, string>> = {
  '__operators__.add': 'Add',
  '__operators__.radd': 'Add',
  'math.add': 'Add',
  'math.multiply': 'Multiply',
  'math.subtract': 'Subtract',
  'math.truediv': 'TrueDivide',
};

/** What an operation does with a number as its second argument: value · scale + offset. */
const lines: Readonly<Record<string, (constant: number) => { readonly scale: number; readonly offset: number }>> = {
  Add: (offset) => ({ scale: 1, offset }),
  Subtract: (constant) => ({ scale: 1, offset: -constant }),
  Multiply: (scale) => ({ scale, offset: 0 }),
  TrueDivide: (constant) => ({ scale: 1 / constant, offset: 0 }),
};

const second = z.object({ y: z.union([z.number(), z.tuple([z.string(), z.int(), z.int()])]) });

/** Arithmetic on tensors, and with the number that `constant` is, as layers that have a class of their own. */
export function withOperators(layers: readonly (KerasLayer & { readonly keywords: unknown })[]): readonly KerasLayer[] {
  const named = layers.map(({ keywords, ...layer }): KerasLayer => {
    const { function: called } = layer.config;
    if (layer.className !== 'TFOpLambda' || typeof called !== 'string' || !Object.hasOwn(functions, called)) return layer;
    const y = second.safeParse(keywords).data?.y;
    const config = typeof y === 'number' ? { constant: y } : {};
    return { ...layer, className: functions[called], config, inputs: Array.isArray(y) ? [...layer.inputs, y[0]] : layer.inputs };
  });
  const byName = new Map(named.map((layer) => [layer.name, layer]));
  return named.map((layer) => hardSigmoid(layer, byName) ?? rescaling(layer) ?? layer);
}

const constantOf = (layer: KerasLayer): number | undefined => {
  const { constant } = layer.config;
  return typeof constant === 'number' ? constant : undefined;
};

/** relu6(x + 3) · (1 / 6), which keras.applications composes of operations. */
function hardSigmoid(layer: KerasLayer, byName: ReadonlyMap<string, KerasLayer>): KerasLayer | undefined {
  const relu = byName.get(layer.inputs[0]);
  const sum = byName.get(relu?.inputs[0] ?? '');
  const isHard =
    layer.className === 'Multiply' &&
    Math.abs((constantOf(layer) ?? 0) - 1 / 6) < 1e-6 &&
    relu?.className === 'ReLU' &&
    relu.config.max_value === 6 &&
    sum?.className === 'Add' &&
    constantOf(sum) === 3;
  return isHard ? { ...layer, className: 'Activation', config: { activation: HARD_SIGMOID }, inputs: sum.inputs } : undefined;
}

function rescaling(layer: KerasLayer): KerasLayer | undefined {
  const constant = constantOf(layer);
  if (constant === undefined || !Object.hasOwn(lines, layer.className)) return undefined;
  return { ...layer, className: 'Rescaling', config: lines[layer.className](constant) };
}
