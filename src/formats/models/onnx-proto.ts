import { Reader, Writer } from 'protobufjs/minimal.js';

// The messages of the ONNX schema (onnx.proto3) that image classifiers need, with their field numbers there.

/** Tensor types by their number in the schema, under their safetensors names. */
export const onnxTypes: Readonly<
  Record<number, 'F32' | 'U8' | 'I8' | 'U16' | 'I16' | 'I32' | 'I64' | 'F16' | 'F64' | 'U32' | 'U64' | 'BF16'>
> = {
  1: 'F32',
  2: 'U8',
  3: 'I8',
  4: 'U16',
  5: 'I16',
  6: 'I32',
  7: 'I64',
  9: 'U8',
  10: 'F16',
  11: 'F64',
  12: 'U32',
  13: 'U64',
  16: 'BF16',
};
export const FLOAT = 1;
export const INT64 = 7;

export interface OnnxTensor {
  readonly name: string;
  readonly dims: readonly number[];
  readonly type: number;
  /** Little-endian values, where they are stored so. */
  readonly raw?: Uint8Array;
  /** Values stored one by one. */
  readonly numbers?: readonly number[];
  /** Keys `location`, `offset` and `length` of values in another file. */
  readonly external?: ReadonlyMap<string, string>;
}

export interface OnnxAttribute {
  readonly name: string;
  readonly float?: number;
  readonly int?: number;
  readonly text?: string;
  readonly tensor?: OnnxTensor;
  readonly floats?: readonly number[];
  readonly ints?: readonly number[];
}

export interface OnnxNode {
  readonly name: string;
  readonly op: string;
  readonly domain: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: ReadonlyMap<string, OnnxAttribute>;
}

/** A name with its shape; a side that is open is its name, or empty. */
export interface OnnxValue {
  readonly name: string;
  readonly shape: readonly (number | string)[];
}

export interface OnnxModel {
  /** Version of the default operator set. */
  readonly opset: number;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly metadata: ReadonlyMap<string, string>;
}

type Field = (reader: Reader, wire: number) => void;
const LENGTH_DELIMITED = 2;
/** TensorProto.DataLocation */
const EXTERNAL = 1;

/** Hands every known field of a message to its reader and skips the others. */
function eachField(bytes: Uint8Array, fields: Readonly<Record<number, Field>>): void {
  const reader = Reader.create(bytes);
  while (reader.pos < reader.len) {
    const tag = reader.uint32();
    const field = fields[tag >>> 3];
    if (field === undefined) reader.skipType(tag & 7);
    else field(reader, tag & 7);
  }
}

/** A repeated scalar, packed or one by one. */
function repeated(into: number[], read: (reader: Reader) => number): Field {
  return (reader, wire) => {
    if (wire !== LENGTH_DELIMITED) return void into.push(read(reader));
    const end = reader.uint32() + reader.pos;
    while (reader.pos < end) into.push(read(reader));
  };
}

/** 64-bit integers beyond 2^53 lose their last digits; sizes that large are refused later. */
const int64 = (reader: Reader): number => Number(String(reader.int64()));
const float = (reader: Reader): number => reader.float();

function entryOf(bytes: Uint8Array): [string, string] {
  const entry: [string, string] = ['', ''];
  eachField(bytes, { 1: (r) => void (entry[0] = r.string()), 2: (r) => void (entry[1] = r.string()) });
  return entry;
}

function tensorOf(bytes: Uint8Array): OnnxTensor {
  const dims: number[] = [];
  const numbers: number[] = [];
  const external = new Map<string, string>();
  let [name, type, location]: [string, number, number] = ['', 0, 0];
  let raw: Uint8Array | undefined;
  eachField(bytes, {
    1: repeated(dims, int64),
    2: (r) => void (type = r.int32()),
    // Packed floats are what raw_data would hold.
    4: (r, wire) => (wire === LENGTH_DELIMITED ? void (raw = r.bytes()) : void numbers.push(r.float())),
    5: repeated(numbers, (r) => r.int32()),
    7: repeated(numbers, int64),
    8: (r) => void (name = r.string()),
    9: (r) => void (raw = r.bytes()),
    10: repeated(numbers, (r) => r.double()),
    13: (r) => void external.set(...entryOf(r.bytes())),
    14: (r) => void (location = r.int32()),
  });
  return { name, dims, type, raw, numbers, external: location === EXTERNAL ? external : undefined };
}

function attributeOf(bytes: Uint8Array): OnnxAttribute {
  const [floats, ints]: [number[], number[]] = [[], []];
  const found: { -readonly [K in keyof OnnxAttribute]: OnnxAttribute[K] } = { name: '', floats, ints };
  eachField(bytes, {
    1: (r) => void (found.name = r.string()),
    2: (r) => void (found.float = r.float()),
    3: (r) => void (found.int = int64(r)),
    4: (r) => void (found.text = new TextDecoder().decode(r.bytes())),
    5: (r) => void (found.tensor = tensorOf(r.bytes())),
    7: repeated(floats, float),
    8: repeated(ints, int64),
  });
  return found;
}

function nodeOf(bytes: Uint8Array): OnnxNode {
  const [inputs, outputs]: [string[], string[]] = [[], []];
  const attributes = new Map<string, OnnxAttribute>();
  const found = { name: '', op: '', domain: '' };
  eachField(bytes, {
    1: (r) => void inputs.push(r.string()),
    2: (r) => void outputs.push(r.string()),
    3: (r) => void (found.name = r.string()),
    4: (r) => void (found.op = r.string()),
    5: (r) => {
      const attribute = attributeOf(r.bytes());
      attributes.set(attribute.name, attribute);
    },
    7: (r) => void (found.domain = r.string()),
  });
  return { ...found, inputs, outputs, attributes };
}

function valueOf(bytes: Uint8Array): OnnxValue {
  const shape: (number | string)[] = [];
  let name = '';
  const dimension = (r: Reader): void => {
    let side: number | string = '';
    eachField(r.bytes(), { 1: (d) => void (side = int64(d)), 2: (d) => void (side = d.string()) });
    shape.push(side);
  };
  const type: Field = (r) => eachField(r.bytes(), { 1: (t) => eachField(t.bytes(), { 2: (s) => eachField(s.bytes(), { 1: dimension }) }) });
  eachField(bytes, { 1: (r) => void (name = r.string()), 2: type });
  return { name, shape };
}

/** Reads a ModelProto; what is damaged throws the reader's errors. */
export function decodeOnnx(bytes: Uint8Array): OnnxModel {
  const model = {
    opset: 0,
    nodes: [] as OnnxNode[],
    initializers: [] as OnnxTensor[],
    inputs: [] as OnnxValue[],
    outputs: [] as OnnxValue[],
    metadata: new Map<string, string>(),
  };
  const graph: Readonly<Record<number, Field>> = {
    1: (r) => void model.nodes.push(nodeOf(r.bytes())),
    5: (r) => void model.initializers.push(tensorOf(r.bytes())),
    11: (r) => void model.inputs.push(valueOf(r.bytes())),
    12: (r) => void model.outputs.push(valueOf(r.bytes())),
  };
  const opset = (r: Reader): void => {
    const found = { domain: '', version: 0 };
    eachField(r.bytes(), { 1: (o) => void (found.domain = o.string()), 2: (o) => void (found.version = int64(o)) });
    if (found.domain === '' || found.domain === 'ai.onnx') model.opset = found.version;
  };
  eachField(bytes, {
    7: (r) => eachField(r.bytes(), graph),
    8: opset,
    14: (r) => void model.metadata.set(...entryOf(r.bytes())),
  });
  return model;
}

const tag = (field: number, wire: number): number => (field << 3) | wire;

/** A submessage or text in the field. */
function within(writer: Writer, field: number, write: (writer: Writer) => void): void {
  writer.uint32(tag(field, LENGTH_DELIMITED)).fork();
  write(writer);
  writer.ldelim();
}

function texts(writer: Writer, field: number, values: readonly string[]): void {
  for (const value of values) writer.uint32(tag(field, LENGTH_DELIMITED)).string(value);
}

function writeTensor(writer: Writer, { name, dims, type, raw, external }: OnnxTensor): void {
  for (const side of dims) writer.uint32(tag(1, 0)).int64(side);
  writer.uint32(tag(2, 0)).int32(type);
  texts(writer, 8, [name]);
  if (raw !== undefined) writer.uint32(tag(9, LENGTH_DELIMITED)).bytes(raw);
  for (const entry of external ?? []) within(writer, 13, (inner) => entry.forEach((value, i) => texts(inner, i + 1, [value])));
  if (external !== undefined) writer.uint32(tag(14, 0)).int32(EXTERNAL);
}

/** AttributeProto.AttributeType */
const attributeTypes = { float: 1, int: 2, text: 3, ints: 7 } as const;

function writeAttribute(writer: Writer, { name, float, int, text, ints }: OnnxAttribute): void {
  texts(writer, 1, [name]);
  if (float !== undefined) writer.uint32(tag(2, 5)).float(float);
  if (int !== undefined) writer.uint32(tag(3, 0)).int64(int);
  if (text !== undefined) texts(writer, 4, [text]);
  for (const value of ints ?? []) writer.uint32(tag(8, 0)).int64(value);
  const type = float !== undefined ? 'float' : int !== undefined ? 'int' : text !== undefined ? 'text' : 'ints';
  writer.uint32(tag(20, 0)).int32(attributeTypes[type]);
}

function writeNode(writer: Writer, { name, op, inputs, outputs, attributes }: OnnxNode): void {
  texts(writer, 1, inputs);
  texts(writer, 2, outputs);
  texts(writer, 3, [name]);
  texts(writer, 4, [op]);
  for (const attribute of attributes.values()) within(writer, 5, (inner) => writeAttribute(inner, attribute));
}

function writeValue(writer: Writer, { name, shape }: OnnxValue): void {
  texts(writer, 1, [name]);
  const sides = (inner: Writer): void => {
    for (const side of shape) {
      within(inner, 1, (one) => (typeof side === 'number' ? one.uint32(tag(1, 0)).int64(side) : texts(one, 2, [side])));
    }
  };
  const tensor = (inner: Writer): void => {
    inner.uint32(tag(1, 0)).int32(FLOAT);
    within(inner, 2, sides);
  };
  within(writer, 2, (type) => within(type, 1, tensor));
}

/** Version of the file's own structure that goes with operator set 17. */
const IR_VERSION = 8;

/** Writes a ModelProto. */
export function encodeOnnx({ opset, nodes, initializers, inputs, outputs, metadata }: OnnxModel): Uint8Array {
  const writer = Writer.create();
  writer.uint32(tag(1, 0)).int64(IR_VERSION);
  texts(writer, 2, ['espalier']);
  within(writer, 7, (graph) => {
    for (const node of nodes) within(graph, 1, (inner) => writeNode(inner, node));
    texts(graph, 2, ['network']);
    for (const tensor of initializers) within(graph, 5, (inner) => writeTensor(inner, tensor));
    for (const value of inputs) within(graph, 11, (inner) => writeValue(inner, value));
    for (const value of outputs) within(graph, 12, (inner) => writeValue(inner, value));
  });
  within(writer, 8, (inner) => {
    texts(inner, 1, ['']);
    inner.uint32(tag(2, 0)).int64(opset);
  });
  for (const entry of metadata) within(writer, 14, (inner) => entry.forEach((value, i) => texts(inner, i + 1, [value])));
  return writer.finish();
}
