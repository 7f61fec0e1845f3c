import { Failure } from '../../core/failure.ts';

/** What a pickle may hold here: JSON's values, with maps in the place of objects, and what its host makes of the rest. */
export type Pickled = null | boolean | number | string | readonly Pickled[] | ReadonlyMap<Pickled, Pickled> | object;

/** Decides what the names in a pickle mean. Nothing is looked up, imported or run beyond these two. */
export interface PickleHost {
  /** The result of calling a global such as `collections.OrderedDict`; undefined refuses the name. */
  call(global: string, args: readonly Pickled[]): Pickled | undefined;
  /** Whether the global may be mentioned at all. */
  knows(global: string): boolean;
  persistent(id: Pickled): Pickled;
}

/** A mention of a module's member. */
export class Global {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

const MARK = Symbol('mark');
type Held = Pickled | typeof MARK;

/**
 * Reads one pickle of protocol 2 to 4 that consists of plain values, containers and calls that the host allows.
 *
 * @throws Failure `unsupported-format` naming the global or the instruction that is refused; `malformed-file` for damage
 */
export function readPickle(bytes: Uint8Array, host: PickleHost, fileName: string): Pickled {
  const stack: Held[] = [];
  const memo = new Map<number, Pickled>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;

  const malformed = (what: string): Failure =>
    new Failure('malformed-file', `${fileName} is no sound PyTorch file: ${what}.`, {
      hint: 'Save it again with torch.save.',
      field: fileName,
    });
  const advance = (count: number): number => {
    const from = at;
    at += count;
    if (at > bytes.length) throw malformed('its pickle ends early');
    return from;
  };
  const u8 = (): number => view.getUint8(advance(1));
  const u32 = (): number => view.getUint32(advance(4), true);
  const long64 = (): number => Number(view.getBigUint64(advance(8), true));
  const text = (length: number): string => {
    const from = advance(length);
    return new TextDecoder().decode(bytes.subarray(from, from + length));
  };
  const line = (): string => {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) throw malformed('its pickle ends early');
    const found = text(end - at);
    at = end + 1;
    return found;
  };
  const integer = (length: number): number => {
    let value = 0n;
    const from = advance(length);
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(bytes[from + i]);
    return Number(BigInt.asIntN(8 * length, value));
  };
  const pop = (): Pickled => {
    const value = stack.pop();
    if (value === undefined || value === MARK) throw malformed('its pickle takes what is not there');
    return value;
  };
  const popToMark = (): Pickled[] => {
    const from = stack.lastIndexOf(MARK);
    if (from < 0) throw malformed('its pickle takes what is not there');
    const values = stack.splice(from) as Pickled[];
    return values.slice(1);
  };
  const global = (name: string): Global => {
    if (host.knows(name)) return new Global(name);
    throw refused(`"${name}"`);
  };
  const refused = (what: string): Failure =>
    new Failure('unsupported-format', `${fileName} asks for ${what}, which only a program could give; weights alone are read.`, {
      hint: 'Save the state dict by itself: torch.save(model.state_dict(), file).',
      field: fileName,
    });
  const call = (): Pickled => {
    const args = pop();
    const called = pop();
    if (!(called instanceof Global) || !Array.isArray(args)) throw refused('a call of something that is no name');
    const made = host.call(called.name, args);
    if (made === undefined) throw refused(`a call of "${called.name}"`);
    return made;
  };
  const remember = (key: number): void => {
    const value = pop();
    memo.set(key, value);
    stack.push(value);
  };
  const recall = (key: number): Pickled => {
    const value = memo.get(key);
    if (value === undefined) throw malformed('its pickle recalls what it never held');
    return value;
  };
  const fill = (values: readonly Pickled[]): void => {
    const target = stack[stack.length - 1];
    if (!(target instanceof Map) || values.length % 2 !== 0) throw malformed('its pickle sets items of what is no dict');
    for (let i = 0; i < values.length; i += 2) target.set(values[i], values[i + 1]);
  };
  const append = (values: readonly Pickled[]): void => {
    const target = stack[stack.length - 1];
    if (!Array.isArray(target)) throw malformed('its pickle appends to what is no list');
    for (const value of values) target.push(value);
  };
  const tuple = (length: number): Pickled => {
    const values = Array.from({ length }, pop);
    return values.toReversed();
  };

  // Instructions by their byte, as Python's pickletools calls them.
  const instructions: Readonly<Record<number, () => Held | void>> = {
    0x80: () => void u8(), // PROTO
    0x95: () => void long64(), // FRAME
    0x28: () => MARK,
    0x30: () => void pop(), // POP
    0x4e: () => null, // NONE
    0x88: () => true,
    0x89: () => false,
    0x4a: () => view.getInt32(advance(4), true), // BININT
    0x4b: u8, // BININT1
    0x4d: () => view.getUint16(advance(2), true), // BININT2
    0x8a: () => integer(u8()), // LONG1
    0x47: () => view.getFloat64(advance(8), false), // BINFLOAT
    0x58: () => text(u32()), // BINUNICODE
    0x8c: () => text(u8()), // SHORT_BINUNICODE
    0x29: () => [], // EMPTY_TUPLE
    0x5d: () => [], // EMPTY_LIST
    0x7d: () => new Map<Pickled, Pickled>(), // EMPTY_DICT
    0x74: popToMark, // TUPLE
    0x85: () => tuple(1),
    0x86: () => tuple(2),
    0x87: () => tuple(3),
    0x71: () => remember(u8()), // BINPUT
    0x72: () => remember(u32()), // LONG_BINPUT
    0x94: () => remember(memo.size), // MEMOIZE
    0x68: () => recall(u8()), // BINGET
    0x6a: () => recall(u32()), // LONG_BINGET
    0x61: () => append([pop()]), // APPEND
    0x65: () => append(popToMark()), // APPENDS
    0x73: () => fill(tuple(2) as Pickled[]), // SETITEM
    0x75: () => fill(popToMark()), // SETITEMS
    0x63: () => global(`${line()}.${line()}`), // GLOBAL
    0x93: () => global((tuple(2) as Pickled[]).join('.')), // STACK_GLOBAL
    0x52: call, // REDUCE
    0x51: () => host.persistent(pop()), // BINPERSID
    // BUILD: the attributes that a state dict carries (its version) say nothing about weights.
    0x62: () => {
      pop();
      if (!(stack[stack.length - 1] instanceof Map)) throw refused('an object with attributes');
    },
  };

  while (at < bytes.length) {
    const code = u8();
    if (code === 0x2e) return pop(); // STOP
    const run = instructions[code];
    if (run === undefined) throw refused(`the pickle instruction 0x${code.toString(16)}`);
    const made = run();
    if (made !== undefined) stack.push(made);
  }
  throw malformed('its pickle ends early');
}
