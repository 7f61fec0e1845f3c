import { z } from 'zod';
import type { Network, Tensor } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { convertGraphNode } from './graph-model-ops.ts';
import { foreignNetwork } from './onnx-foreign.ts';
import { FLOAT, type OnnxAttribute, type OnnxNode, type OnnxValue } from './onnx-proto.ts';

// TensorFlow's NodeDef as tfjs writes it: 64-bit integers are text, text is base64, tensors are in the weights' manifest.
const integer = z.union([z.string(), z.number()]).transform(Number);
const text = z.union([
  z.string().transform((packed) => Buffer.from(packed, 'base64').toString('latin1')),
  z.array(z.int()).transform((codes) => String.fromCharCode(...codes)),
]);
const list = z.object({ i: z.array(integer).optional(), s: z.array(text).optional() });
const shape = z.object({ dim: z.array(z.object({ size: integer.optional() })).optional(), unknownRank: z.boolean().optional() });
const attribute = z.object({
  i: integer.optional(),
  f: z.number().optional(),
  b: z.boolean().optional(),
  s: text.optional(),
  list: list.optional(),
  shape: shape.optional(),
});
const nodeDef = z.object({
  name: z.string(),
  op: z.string(),
  input: z.array(z.string()).default([]),
  attr: z.record(z.string(), attribute).default({}),
});
const graphDef = z.object({ node: z.array(nodeDef).min(1) });
type NodeDef = z.infer<typeof nodeDef>;

/**
 * Turns a tfjs GraphModel (a frozen TensorFlow graph of an image classifier) into a Network.
 *
 * @param topology modelTopology of its model.json
 * @param weights its constants by the names of their nodes
 * @throws Failure `malformed-file`; `unsupported-layer` naming the operation; what validateNetwork finds
 */
export function networkOfGraphModel(topology: unknown, weights: ReadonlyMap<string, Tensor>, fileName: string): Network {
  const parsed = graphDef.safeParse(topology);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw malformed(fileName, `its graph is not TensorFlow's (${issue.path.join('.')}: ${issue.message})`);
  }
  const defs = inOrder(parsed.data.node, fileName);
  const constants = defs.filter(({ op }) => op === 'Const');
  const initializers = constants.map(({ name }) => {
    const tensor = weights.get(name);
    if (tensor === undefined) throw malformed(fileName, `constant "${name}" has no values`);
    const { shape: dims, data } = tensor;
    return { name, dims, type: FLOAT, raw: new Uint8Array(data.buffer, data.byteOffset, data.byteLength) };
  });
  const inputs = defs.filter(({ op }) => op === 'Placeholder').map(inputOf);
  const nodes = defs.filter(({ op }) => !['Const', 'Placeholder', 'NoOp'].includes(op)).flatMap((def) => unfused(operationOf(def)));
  const read = new Set(nodes.flatMap((node) => node.inputs));
  const outputs = nodes.filter((node) => !node.outputs.some((name) => read.has(name))).map(({ outputs: [name] }) => ({ name, shape: [] }));
  return foreignNetwork(
    { opset: 0, nodes, initializers, inputs, outputs, metadata: new Map() },
    () => undefined,
    fileName,
    convertGraphNode,
  );
}

/** The node that a name stands for: without its output's number. */
const nodeNamed = (input: string): string => input.replace(/:\d+$/, '');

/** A tensor's name: the first output of a node bears the node's. */
const tensorNamed = (input: string): string => input.replace(/:0$/, '');

const isControl = (input: string): boolean => input.startsWith('^');

/** Nodes after those that they read; the file may have them in any order. */
function inOrder(nodes: readonly NodeDef[], fileName: string): readonly NodeDef[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const ordered: NodeDef[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const stack = nodes.map(({ name }) => name).toReversed();
  while (stack.length > 0) {
    const name = stack[stack.length - 1];
    const node = byName.get(name);
    if (node === undefined) throw malformed(fileName, `"${name}" is read but not there`);
    const missing = node.input
      .filter((input) => !isControl(input))
      .map(nodeNamed)
      .filter((input) => state.get(input) !== 'done');
    if (missing.length > 0) {
      if (missing.some((input) => state.get(input) === 'open')) throw malformed(fileName, `"${name}" is part of a loop`);
      state.set(name, 'open');
      stack.push(...missing);
      continue;
    }
    stack.pop();
    if (state.get(name) !== 'done') ordered.push(node);
    state.set(name, 'done');
  }
  return ordered;
}

function inputOf({ name, attr }: NodeDef): OnnxValue {
  return { name, shape: (attr.shape?.shape?.dim ?? []).map(({ size = -1 }) => size) };
}

/** Outputs that are numbered: those of a split. */
const OUTPUTS_MAX = 64;

function operationOf({ name, op, input, attr }: NodeDef): OnnxNode {
  const count = Math.min(attr.num_split?.i ?? 1, OUTPUTS_MAX);
  return {
    name,
    op,
    domain: '',
    inputs: input.filter((one) => !isControl(one)).map(tensorNamed),
    outputs: Array.from({ length: count }, (_, i) => (i === 0 ? name : `${name}:${i}`)),
    attributes: new Map(Object.entries(attr).map(([key, value]) => [key, attributeOf(key, value)])),
  };
}

/** What the converter of tfjs fuses: the first operation of each. */
const fusions: Readonly<Record<string, string>> = {
  _FusedConv2D: 'Conv2D',
  FusedConv2D: 'Conv2D',
  FusedDepthwiseConv2dNative: 'DepthwiseConv2dNative',
  _FusedMatMul: 'MatMul',
};

/** An operation and those that are fused with it, one after the other. */
function unfused(operation: OnnxNode): readonly OnnxNode[] {
  const { name, op, inputs, outputs, attributes } = operation;
  if (!Object.hasOwn(fusions, op)) return [operation];
  const steps = [fusions[op], ...(attributes.get('fused_ops')?.text ?? '').split(',').filter(Boolean)];
  const between = (i: number): string => (i + 1 === steps.length ? outputs[0] : `${name}/${steps[i]}`);
  return steps.map((step, i) => ({
    ...operation,
    op: step,
    name: i === 0 ? name : `${name}/${step}`,
    inputs: i === 0 ? inputs.slice(0, 2) : step === 'BiasAdd' ? [between(i - 1), inputs[2]] : [between(i - 1)],
    outputs: [between(i)],
  }));
}

function attributeOf(name: string, { i, f, b, s, list: many }: z.infer<typeof attribute>): OnnxAttribute {
  const int = i ?? (b === undefined ? undefined : Number(b));
  return { name, int, float: f, text: s ?? many?.s?.join(), ints: many?.i };
}

function malformed(fileName: string, what: string): Failure {
  return new Failure('malformed-file', `${fileName} is no sound GraphModel: ${what}.`, {
    hint: 'Convert the model again.',
    field: fileName,
  });
}
