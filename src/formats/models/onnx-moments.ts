import type { Tensor } from '../../core/network/types.ts';
import type { OnnxGraph, Value } from './onnx-graph.ts';
import type { OnnxNode } from './onnx-proto.ts';

/**
 * What a chain of operations has made so far of a map x: a sum of products, each with one factor for all channels or one for each.
 * m is the mean over the channels, s the square of x − m, v its mean, d = √(v + ε), r = 1 / d.
 */
export interface Moments {
  readonly terms: Readonly<Partial<Record<Product, readonly number[]>>>;
  readonly epsilon: number;
}

type Product = '1' | 'x' | 'm' | 's' | 'v' | 'd' | 'r' | 'xr' | 'mr';

/** What is said of a mean that makes no normalisation. */
export const NOT_ONE = 'uses a mean over the channels for something else than a normalisation';

const isWhole = (factors: readonly number[] | undefined, value: number): boolean =>
  factors !== undefined && factors.every((factor) => factor === value);

/** Whether the terms are those products alone. */
const hasOnly = ({ terms }: Moments, ...products: readonly Product[]): boolean =>
  Object.keys(terms).toSorted().join() === products.toSorted().join();

function each(a: readonly number[], b: readonly number[], of: (a: number, b: number) => number): readonly number[] | undefined {
  const length = Math.max(a.length, b.length);
  if (![a, b].every((factors) => factors.length === 1 || factors.length === length)) return undefined;
  return Array.from({ length }, (_, c) => of(a[a.length === 1 ? 0 : c], b[b.length === 1 ? 0 : c]));
}

/** a + sign · b */
function sum(a: Moments, b: Moments, sign: number): Moments | undefined {
  const terms: Partial<Record<Product, readonly number[]>> = { ...a.terms };
  for (const [product, factors] of Object.entries(b.terms) as [Product, readonly number[]][]) {
    const added = each(terms[product] ?? [0], factors, (left, right) => left + sign * right);
    if (added === undefined) return undefined;
    terms[product] = added;
  }
  return { terms, epsilon: Math.max(a.epsilon, b.epsilon) };
}

/** What a product with r = 1 / d is. */
const scaled: Readonly<Partial<Record<Product, Product>>> = { '1': 'r', x: 'xr', m: 'mr' };

function product(a: Moments, b: Moments): Moments | undefined {
  const [by, other] = hasOnly(a, '1') || hasOnly(a, 'r') ? [a, b] : [b, a];
  const rename = hasOnly(by, '1') ? (name: Product) => name : hasOnly(by, 'r') ? (name: Product) => scaled[name] : undefined;
  const factors = by.terms['1'] ?? by.terms.r;
  if (rename === undefined || factors === undefined) return isCentred(a) && isCentred(b) ? squareOf(a) : undefined;
  const terms: Partial<Record<Product, readonly number[]>> = {};
  for (const [name, own] of Object.entries(other.terms) as [Product, readonly number[]][]) {
    const [renamed, multiplied] = [rename(name), each(own, factors, (left, right) => left * right)];
    if (renamed === undefined || multiplied === undefined) return undefined;
    terms[renamed] = multiplied;
  }
  return { terms, epsilon: Math.max(a.epsilon, b.epsilon) };
}

/** x − m, or m − x. */
const isCentred = (moments: Moments): boolean =>
  hasOnly(moments, 'x', 'm') &&
  ((isWhole(moments.terms.x, 1) && isWhole(moments.terms.m, -1)) || (isWhole(moments.terms.x, -1) && isWhole(moments.terms.m, 1)));

const squareOf = (moments: Moments): Moments | undefined => (isCentred(moments) ? { terms: { s: [1] }, epsilon: 0 } : undefined);

/** The square root of v + ε. */
function rootOf(moments: Moments): Moments | undefined {
  const { v, '1': [epsilon, ...more] = [0] } = moments.terms;
  const isVariance = hasOnly(moments, 'v', '1') || hasOnly(moments, 'v');
  return isVariance && isWhole(v, 1) && more.length === 0 ? { terms: { d: [1] }, epsilon } : undefined;
}

function inverseOf(moments: Moments): Moments | undefined {
  return hasOnly(moments, 'd') && isWhole(moments.terms.d, 1) ? { ...moments, terms: { r: [1] } } : undefined;
}

/** What ONNX and TensorFlow do to one value. */
const unary: Readonly<Record<string, (moments: Moments) => Moments | undefined>> = {
  Square: squareOf,
  Sqrt: rootOf,
  Reciprocal: inverseOf,
  Rsqrt(moments) {
    const root = rootOf(moments);
    return root && inverseOf(root);
  },
};

const powers: Readonly<Record<number, string>> = { 2: 'Square', 0.5: 'Sqrt', [-0.5]: 'Rsqrt', [-1]: 'Reciprocal' };

const binary: Readonly<Record<string, (a: Moments, b: Moments) => Moments | undefined>> = {
  Add: (a, b) => sum(a, b, 1),
  Sub: (a, b) => sum(a, b, -1),
  Mul: product,
  Div(a, b) {
    const { '1': divisor } = b.terms;
    if (hasOnly(b, '1') && divisor) return product(a, { ...b, terms: { '1': divisor.map((value) => 1 / value) } });
    const inverse = inverseOf(b);
    return inverse && product(a, inverse);
  },
  SquaredDifference(a, b) {
    const difference = sum(a, b, -1);
    return difference && squareOf(difference);
  },
};

/** The mean over the channels of a map or a vector, which what follows must make a normalisation. */
export function channelMean(graph: OnnxGraph, operation: OnnxNode): void {
  const [name] = operation.inputs;
  const squared = graph.loose(name);
  if (squared?.moments === undefined || normalisationOf(squared.moments, 1)) {
    const value = graph.solid(operation, name);
    if (value.flattened) throw graph.unsupported(operation, NOT_ONE);
    return graph.set(operation.outputs[0], { ...value, moments: { terms: { m: [1] }, epsilon: 0 } });
  }
  if (!hasOnly(squared.moments, 's') || !isWhole(squared.moments.terms.s, 1)) throw graph.unsupported(operation, NOT_ONE);
  graph.set(operation.outputs[0], { ...squared, moments: { terms: { v: [1] }, epsilon: 0 } });
}

/** Square, Sqrt, Rsqrt, Reciprocal and Pow, which are read where they make a normalisation. */
export function ofMoments(graph: OnnxGraph, operation: OnnxNode): void {
  const value = graph.loose(operation.inputs[0]);
  const [exponent = Number.NaN] = operation.op === 'Pow' ? (graph.ints(operation.inputs[1]) ?? []) : [];
  const moments = value?.moments && unary[operation.op === 'Pow' ? powers[exponent] : operation.op]?.(value.moments);
  if (!value || !moments) throw graph.unsupported(operation, 'is read in a normalisation over the channels alone');
  graph.set(operation.outputs[0], { ...value, moments });
}

/**
 * Arithmetic of which one side was made of the mean of a map, and the other too, or is that map, or constants.
 *
 * @returns false where it is none, or follows a whole normalisation
 */
export function joinedMoments(graph: OnnxGraph, operation: OnnxNode): boolean {
  const values = operation.inputs.map((name) => graph.loose(name));
  const base = values.find((value) => value?.moments);
  if (base?.moments === undefined) return false;
  const isWholeOne = normalisationOf(base.moments, 1) !== undefined;
  const [a, b] = values.map((value, i): Moments | undefined => {
    if (value === undefined) return constants(graph, operation, base, operation.inputs[i]);
    if (value.id !== base.id || value.curve || (isWholeOne && !value.moments)) return undefined;
    return value.moments ?? { terms: { x: [1] }, epsilon: 0 };
  });
  const moments = a && b && binary[operation.op](a, b);
  if (moments) graph.set(operation.outputs[0], { ...base, moments });
  return moments !== undefined;
}

/** One number for all channels, or one for each, along the channels of the map. */
function constants(graph: OnnxGraph, operation: OnnxNode, base: Value, name: string): Moments | undefined {
  const { shape, data } = graph.floats(operation, name);
  const channels = graph.shapeOf(base.id).at(-1) ?? 0;
  const due = base.layout === 'channels-first' ? [channels, 1, 1] : [channels];
  const along = shape.slice(Math.max(0, shape.length - due.length)).join() === due.join();
  if (data.length !== 1 && (data.length !== channels || !along)) return undefined;
  return { terms: { '1': [...data] }, epsilon: 0 };
}

/** The LayerNormalization that γ · (x − m) · r + β is; undefined where the terms are others. */
export function normalisationOf(
  { terms, epsilon }: Moments,
  channels: number,
): { readonly epsilon: number; readonly gamma: Tensor; readonly beta: Tensor } | undefined {
  const { xr: gamma, mr: mean, '1': beta = [0], ...others } = terms;
  if (gamma === undefined || mean === undefined || Object.keys(others).length > 0) return undefined;
  const difference = each(gamma, mean, (left, right) => left + right);
  if (!isWhole(difference, 0)) return undefined;
  const tensor = (values: readonly number[]): Tensor => ({
    shape: [channels],
    data: Float32Array.from({ length: channels }, (_, c) => values[values.length === 1 ? 0 : c]),
  });
  return { epsilon, gamma: tensor(gamma), beta: tensor(beta) };
}
