import type { Shape } from '../../core/network/types.ts';
import { sizeOf } from '../../core/network/index.ts';
import type { OnnxGraph, Value } from './onnx-graph.ts';
import type { OnnxNode } from './onnx-proto.ts';
import { intOf, intsOf, mapOf } from './onnx-windows.ts';

/** The value's shape in ONNX without the batch. */
function sidesOf(graph: OnnxGraph, { id, layout, groups = 1 }: Value): Shape {
  const shape = graph.shapeOf(id);
  // A vector may be seen as a map of one position.
  if (shape.length === 1) return layout === 'channels-first' ? [...shape, 1, 1] : layout === 'channels-last' ? [1, 1, ...shape] : shape;
  if (layout === 'channels-last') return shape;
  const [height, width, channels] = shape;
  if (layout === 'grouped-last') return [height, width, groups, channels / groups];
  if (layout === 'shuffled-last') return [height, width, channels / groups, groups];
  if (layout === 'grouped') return [groups, channels / groups, height, width];
  if (layout === 'shuffled') return [channels / groups, groups, height, width];
  return [channels, height, width];
}

/** A map of one position as a vector; the average over a whole map becomes the layer of that name. */
function vectorOf(graph: OnnxGraph, operation: OnnxNode, { id }: Value): Value {
  const node = graph.nodeOf(id);
  const whole = graph.shapeOf(node.inputs[0] ?? '');
  const isPooling = node.kind === 'AveragePooling2D' || node.kind === 'MaxPooling2D';
  if (isPooling && node.config.padding === 'valid' && node.config.poolSize.join() === whole.slice(0, 2).join()) {
    const kind = node.kind === 'AveragePooling2D' ? 'GlobalAveragePooling2D' : 'GlobalMaxPooling2D';
    return { id: graph.add(kind, graph.idOf(operation), {}, node.inputs), layout: 'vector' };
  }
  return { id: graph.add('Flatten', graph.idOf(operation), {}, [id]), layout: 'vector' };
}

function flattenedValue(graph: OnnxGraph, operation: OnnxNode, value: Value): Value {
  const shape = graph.shapeOf(value.id);
  if (shape.length === 1) return { ...value, layout: 'vector' };
  const [height, width] = shape;
  if (height * width === 1) return vectorOf(graph, operation, value);
  if (value.layout !== 'channels-first' && value.layout !== 'channels-last')
    throw graph.unsupported(operation, 'flattens groups of channels');
  const id = graph.add('Flatten', graph.idOf(operation), {}, [value.id]);
  return { id, layout: 'vector', flattened: value.layout === 'channels-first' ? shape : undefined };
}

export function flatten(graph: OnnxGraph, operation: OnnxNode): void {
  const axis = intOf(operation, 'axis', 1);
  const value = graph.solid(operation, operation.inputs[0]);
  const axes = sidesOf(graph, value).length + 1;
  if (axis !== 1 && axis !== 1 - axes) throw graph.unsupported(operation, `flattens from axis ${axis}`);
  graph.set(operation.outputs[0], flattenedValue(graph, operation, value));
}

/** Zeros and −1 of the target filled in; the first side is the batch. */
function filled(target: readonly number[], shape: readonly number[]): readonly number[] {
  const known = target.map((side, axis) => (side === 0 ? (shape[axis] ?? 1) : side));
  const rest = sizeOf(shape) / known.reduce((product, side) => (side === -1 ? product : product * side), 1);
  return known.map((side) => (side === -1 ? rest : side));
}

export function reshape(graph: OnnxGraph, operation: OnnxNode): void {
  const [name, targetName] = operation.inputs;
  const value = graph.solid(operation, name);
  const target = graph.ints(targetName) ?? intsOf(operation, 'shape', []);
  const map = graph.shapeOf(value.id);
  const sides = sidesOf(graph, value);
  const [batch, ...wanted] = filled(target, [graph.batch, ...sides]);
  const set = (made: Value): void => graph.set(operation.outputs[0], made);
  const refused = graph.unsupported(
    operation,
    `turns [${sides.join(', ')}] into [${wanted.join(', ')}], which is no flattening or grouping`,
  );
  // What PyTorch's exporter writes for a view by strides: the channels of a single position, without the batch.
  const [channels] = map.slice(-1);
  if (wanted.length === 0 && graph.batch === 1 && sizeOf(map) === channels && batch === channels && !value.flattened) {
    return set({ id: value.id, layout: 'unbatched' });
  }
  if (batch !== graph.batch) throw refused;
  if (wanted.join() === sides.join()) return set(value);
  if (wanted.length === 1) return set(flattenedValue(graph, operation, value));
  // A vector of factors for the channels of a map, as a map of one position.
  if (map.length === 1 && !value.flattened) {
    if (wanted.join() === [map[0], 1, 1].join()) return set({ ...value, layout: 'channels-first' });
    if (wanted.join() === [1, 1, map[0]].join()) return set({ ...value, layout: 'channels-last' });
  }
  const isMap = map.length === 3;
  for (const { whole, grouped, shuffled } of shuffles) {
    const groups = wanted[whole === 'channels-first' ? 0 : 2];
    const asGroups = sidesOf(graph, { ...value, layout: grouped, groups });
    if (isMap && value.layout === whole && Number.isInteger(map[2] / groups) && wanted.join() === asGroups.join()) {
      return set({ id: value.id, layout: grouped, groups });
    }
    if (!isMap || wanted.join() !== sidesOf(graph, { id: value.id, layout: whole }).join()) continue;
    if (value.layout === grouped) return set({ id: value.id, layout: whole });
    if (value.layout !== shuffled) continue;
    const from = value.groups ?? 1;
    const indices = Array.from({ length: map[2] }, (_, o) => (o % from) * (map[2] / from) + Math.floor(o / from));
    return set({ id: graph.add('ChannelGather', graph.idOf(operation), { indices }, [value.id]), layout: whole });
  }
  throw refused;
}

/** The channels taken as groups, and the two axes that this makes in the other order (ShuffleNet), in either order of a map's axes. */
const shuffles = [
  { whole: 'channels-first', grouped: 'grouped', shuffled: 'shuffled' },
  { whole: 'channels-last', grouped: 'grouped-last', shuffled: 'shuffled-last' },
] as const;

export function squeeze(graph: OnnxGraph, operation: OnnxNode): void {
  const value = graph.solid(operation, operation.inputs[0]);
  const sides = sidesOf(graph, value);
  const axes = (graph.ints(operation.inputs[1]) ?? intsOf(operation, 'axes', [])).map((axis) =>
    axis < 0 ? axis + sides.length + 1 : axis,
  );
  const left = sides.filter((_, i) => !axes.includes(i + 1));
  if (axes.includes(0) || left.length !== 1 || sizeOf(sides) !== left[0]) throw graph.unsupported(operation, 'leaves more than a vector');
  graph.set(operation.outputs[0], flattenedValue(graph, operation, value));
}

const turns: readonly (readonly [from: Value['layout'], perm: string, to: Value['layout']])[] = [
  ['channels-first', '0,2,3,1', 'channels-last'],
  ['channels-last', '0,3,1,2', 'channels-first'],
  ['grouped', '0,2,1,3,4', 'shuffled'],
  ['grouped-last', '0,1,2,4,3', 'shuffled-last'],
];

export function transpose(graph: OnnxGraph, operation: OnnxNode): void {
  const value = graph.solid(operation, operation.inputs[0]);
  const perm = intsOf(operation, 'perm', []).join();
  const turn = turns.find(([from, by]) => from === value.layout && by === perm);
  if (turn === undefined) throw graph.unsupported(operation, `puts the axes into the order ${perm || 'of the reverse'}`);
  graph.set(operation.outputs[0], { ...value, layout: turn[2] });
}

/** The average over a whole map, which stays a map of one position; behind a flattening it becomes a global pooling. */
export function globalPooling(kind: 'AveragePooling2D' | 'MaxPooling2D') {
  return (graph: OnnxGraph, operation: OnnxNode): void => {
    const value = mapOf(graph, operation);
    graph.set(operation.outputs[0], { ...value, id: pooledWhole(graph, operation, kind, value) });
  };
}

function pooledWhole(graph: OnnxGraph, operation: OnnxNode, kind: 'AveragePooling2D' | 'MaxPooling2D', { id }: Value): string {
  const [height, width] = graph.shapeOf(id);
  return graph.add(kind, graph.idOf(operation), { poolSize: [height, width], strides: [height, width], padding: 'valid' }, [id]);
}

/** Height and width made one by their average or largest value; what is made of the channels of each position, `ofChannels` knows. */
export function reduced(kind: 'AveragePooling2D' | 'MaxPooling2D', ofChannels?: (graph: OnnxGraph, operation: OnnxNode) => void) {
  return (graph: OnnxGraph, operation: OnnxNode): void => {
    const given = graph.ints(operation.inputs[1]) ?? intsOf(operation, 'axes', []);
    const loose = graph.loose(operation.inputs[0]);
    const isOfChannels = loose !== undefined && given.length === 1 && isChannelAxis(loose, given[0]);
    if (ofChannels && isOfChannels && intOf(operation, 'keepdims', 1) === 1) return ofChannels(graph, operation);
    const value = graph.solid(operation, operation.inputs[0]);
    const axes = given.map((axis) => (axis < 0 ? axis + 4 : axis)).toSorted();
    const due = value.layout === 'channels-first' ? '2,3' : value.layout === 'channels-last' ? '1,2' : '';
    if (axes.join() !== due || due === '') throw graph.unsupported(operation, 'takes one value of other axes than height and width');
    const pooled = { ...value, id: pooledWhole(graph, operation, kind, value) };
    graph.set(operation.outputs[0], intOf(operation, 'keepdims', 1) === 1 ? pooled : vectorOf(graph, operation, pooled));
  };
}

export function pad(graph: OnnxGraph, operation: OnnxNode): void {
  const value = mapOf(graph, operation);
  const mode = operation.attributes.get('mode')?.text ?? 'constant';
  const pads = graph.ints(operation.inputs[1]) ?? intsOf(operation, 'pads', []);
  const filler = graph.ints(operation.inputs[2] || undefined)?.[0] ?? operation.attributes.get('value')?.float ?? 0;
  const plain = pads.length === 8 && pads.every((side) => Number.isInteger(side) && side >= 0) && pads[0] === 0 && pads[4] === 0;
  if (mode !== 'constant' || filler !== 0 || !plain) throw graph.unsupported(operation, 'pads otherwise than by zeros around a map');
  const [, before, top, left, , after, bottom, right] = pads;
  let { id } = value;
  if (top + left + bottom + right > 0) {
    const padding = [
      [top, bottom],
      [left, right],
    ] as const;
    id = graph.add('ZeroPadding2D', graph.idOf(operation), { padding }, [id]);
  }
  if (before + after > 0) {
    const channels = graph.shapeOf(id)[2];
    // A pad of channels is at most as wide as a layer; more is a mistake that would cost memory.
    if (before + after > 65_536) throw graph.unsupported(operation, 'pads too many channels');
    const map = Array.from({ length: before + channels + after }, (_, o) => (o < before || o >= before + channels ? -1 : o - before));
    id = graph.add('ChannelMap', graph.idOf(operation), { map, strides: [1, 1] }, [id]);
  }
  graph.set(operation.outputs[0], { ...value, id });
}

const range = (from: number, to: number): number[] => Array.from({ length: Math.max(0, to - from) }, (_, i) => from + i);

function gathered(graph: OnnxGraph, operation: OnnxNode, value: Value, indices: readonly number[]): Value {
  const channels = graph.shapeOf(value.id).at(-1) ?? 0;
  const all = indices.map((index) => (index < 0 ? index + channels : index));
  return { ...value, id: graph.add('ChannelGather', graph.idOf(operation), { indices: all }, [value.id]) };
}

/** The axis of the channels in ONNX. */
const isChannelAxis = ({ layout }: Value, axis: number): boolean =>
  layout === 'channels-last' ? axis === 3 || axis === -1 : axis === 1 || axis === (layout === 'vector' ? -1 : -3);

export function slice(graph: OnnxGraph, operation: OnnxNode): void {
  const [name, ...given] = operation.inputs;
  const value = graph.solid(operation, name);
  const sides = [graph.batch, ...sidesOf(graph, value)];
  const [starts, ends] = ['starts', 'ends'].map((what, i) => graph.ints(given[i]) ?? intsOf(operation, what, []));
  const axes = graph.ints(given[2] || undefined) ?? intsOf(operation, 'axes', range(0, starts.length));
  const steps =
    graph.ints(given[3] || undefined) ??
    intsOf(
      operation,
      'steps',
      starts.map(() => 1),
    );
  const strides: [number, number] = [1, 1];
  let made = value;
  for (const [i, given] of axes.entries()) {
    const axis = given < 0 ? given + sides.length : given;
    const side = sides[axis];
    const [from, to] = [starts[i], ends[i]].map((at) => Math.max(0, Math.min(side, at < 0 ? at + side : at)));
    const place = { 'channels-first': axis - 2, 'channels-last': axis - 1 }[value.layout as string] ?? -1;
    if (from === 0 && to === side && steps[i] === 1) continue;
    if (isChannelAxis(value, axis) && steps[i] === 1 && !value.flattened) made = gathered(graph, operation, made, range(from, to));
    else if ((place === 0 || place === 1) && from === 0 && steps[i] > 0 && Math.ceil(to / steps[i]) === Math.ceil(side / steps[i])) {
      strides[place] = steps[i];
    } else throw graph.unsupported(operation, 'cuts a piece out of the map');
  }
  if (strides.join() !== '1,1') {
    const map = range(0, graph.shapeOf(made.id)[2]);
    made = { ...made, id: graph.add('ChannelMap', graph.idOf(operation), { map, strides }, [made.id]) };
  }
  graph.set(operation.outputs[0], made);
}

export function gather(graph: OnnxGraph, operation: OnnxNode): void {
  const value = graph.solid(operation, operation.inputs[0]);
  const indices = graph.ints(operation.inputs[1]);
  const channels = graph.shapeOf(value.id).at(-1) ?? 0;
  const sides = graph.constant(operation.inputs[1])?.dims ?? [];
  if (value.layout === 'unbatched' && sides.join() === [1, channels, 1, 1].join() && indices?.every((index, c) => index === c)) {
    return graph.set(operation.outputs[0], { id: value.id, layout: 'channels-first' });
  }
  if (
    !indices ||
    sides.length !== 1 ||
    value.flattened ||
    value.layout === 'unbatched' ||
    !isChannelAxis(value, intOf(operation, 'axis', 0))
  ) {
    throw graph.unsupported(operation, 'takes something else than channels');
  }
  graph.set(operation.outputs[0], gathered(graph, operation, value, indices));
}

export function split(graph: OnnxGraph, operation: OnnxNode): void {
  const value = graph.solid(operation, operation.inputs[0]);
  const { outputs } = operation;
  const channels = graph.shapeOf(value.id).at(-1) ?? 0;
  const equal = Math.ceil(channels / outputs.length);
  const given = graph.ints(operation.inputs[1] || undefined) ?? intsOf(operation, 'split', []);
  const sizes = given.length > 0 ? given : outputs.map((_, i) => Math.min(equal, channels - i * equal));
  if (value.flattened || !isChannelAxis(value, intOf(operation, 'axis', 0)) || sizes.reduce((sum, size) => sum + size, 0) !== channels) {
    throw graph.unsupported(operation, 'splits along another axis than the channels');
  }
  let from = 0;
  for (const [i, output] of outputs.entries()) {
    graph.set(output, gathered(graph, operation, value, range(from, from + sizes[i])));
    from += sizes[i];
  }
}
