/**
 * @file Python's pickles, read and not run: a machine for the opcodes that saved weights are made of. Nothing is looked
 * up by a name, nothing is called.
 */

import { isMap } from "../core/containers.js";
import type { FormatError } from "../core/errors.js";
import { cut } from "../core/printable.js";

/** A class or function of Python's by its name, `module.name`; only a name. */
export class PyName {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** A tuple; lists are arrays, dicts are maps. */
export class PyTuple {
  readonly items: readonly unknown[];
  constructor(items: readonly unknown[]) {
    this.items = items;
  }
}

/** An object that is known by the name of its class alone. */
export class PyObject {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** What the file decides that holds the pickle. */
export interface PickleReader {
  /** A name that the pickle mentions. @throws FormatError for all that are not known */
  name(name: string): PyName;
  /** What such a name makes of arguments. @throws FormatError */
  made(name: string, args: readonly unknown[]): unknown;
  /** What is kept beside the pickle. @throws FormatError */
  persistent(id: unknown): unknown;
  fail(what: string, expected: string, got: string): FormatError;
}

/** Where a list of values begins on the stack. */
const MARK = Symbol("mark");
/** Longest whole number that is read, in bytes. */
const MOST_LONG = 64;

/**
 * The value of a pickle of protocol 2 to 5. Time and memory are linear in its bytes: no opcode copies what another
 * made, and what is memoized is shared.
 *
 * @throws FormatError for other opcodes, names that the reader refuses, damage
 */
export function readPickle(bytes: Uint8Array, reader: PickleReader): unknown {
  const { value, end } = readPickleAt(bytes, 0, reader);
  if (end !== bytes.length) throw reader.fail("pickle: end", `${end} bytes`, `${bytes.length}`);
  return value;
}

/** The value of a pickle that begins at a place, and where it ends; see {@link readPickle}. */
export function readPickleAt(bytes: Uint8Array, start: number, reader: PickleReader): { value: unknown; end: number } {
  return new Machine(bytes, start, reader).run();
}

/** Opcodes by their numbers, under the names of Python's pickletools. */
const OPCODES: Readonly<Record<number, (machine: Machine) => void>> = {
  // PROTO, FRAME
  128: (m) => m.protocol(m.u8()),
  149: (m) => m.skip(8),
  // MARK, POP, POP_MARK
  40: (m) => m.push(MARK),
  48: (m) => m.drop(),
  49: (m) => m.unmark(),
  // NONE, NEWTRUE, NEWFALSE
  78: (m) => m.push(null),
  136: (m) => m.push(true),
  137: (m) => m.push(false),
  // BININT, BININT1, BININT2, LONG1, LONG4, BINFLOAT
  74: (m) => m.push(m.i32()),
  75: (m) => m.push(m.u8()),
  77: (m) => m.push(m.u16()),
  138: (m) => m.push(m.long(m.u8())),
  139: (m) => m.push(m.long(m.u32())),
  71: (m) => m.push(m.f64()),
  // BINUNICODE, BINSTRING, SHORT_BINUNICODE, SHORT_BINSTRING, BINUNICODE8
  88: (m) => m.push(m.text(m.u32())),
  84: (m) => m.push(m.text(m.u32())),
  140: (m) => m.push(m.text(m.u8())),
  85: (m) => m.push(m.text(m.u8())),
  141: (m) => m.push(m.text(m.u64())),
  // BINBYTES, SHORT_BINBYTES
  66: (m) => m.push(m.raw(m.u32())),
  67: (m) => m.push(m.raw(m.u8())),
  // EMPTY_DICT, EMPTY_LIST, EMPTY_SET, EMPTY_TUPLE, TUPLE1, TUPLE2, TUPLE3, TUPLE
  125: (m) => m.push(new Map()),
  93: (m) => m.push([]),
  143: (m) => m.push([]),
  41: (m) => m.tuple(0),
  133: (m) => m.tuple(1),
  134: (m) => m.tuple(2),
  135: (m) => m.tuple(3),
  116: (m) => m.push(new PyTuple(m.marked())),
  // APPEND, APPENDS, ADDITEMS
  97: (m) => m.append([m.pop()]),
  101: (m) => m.append(m.marked()),
  144: (m) => m.append(m.marked()),
  // SETITEM, SETITEMS
  115: (m) => m.set([m.pop(), m.pop()].reverse()),
  117: (m) => m.set(m.marked()),
  // BINPUT, LONG_BINPUT, MEMOIZE, BINGET, LONG_BINGET
  113: (m) => m.put(m.u8()),
  114: (m) => m.put(m.u32()),
  148: (m) => m.put(m.memoized),
  104: (m) => m.get(m.u8()),
  106: (m) => m.get(m.u32()),
  // GLOBAL, STACK_GLOBAL
  99: (m) => m.named([m.line(), m.line()]),
  147: (m) => m.named([m.pop(), m.pop()].reverse()),
  // REDUCE, NEWOBJ
  82: (m) => m.called(m.pop(), m.pop()),
  129: (m) => m.called(m.pop(), m.pop()),
  // BUILD: what an object has besides its items decides nothing
  98: (m) => m.built(m.pop()),
  // BINPERSID
  81: (m) => m.persistent(m.pop()),
};
const STOP = 0x2e;

class Machine {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #reader: PickleReader;
  readonly #stack: unknown[] = [];
  readonly #memo = new Map<number, unknown>();
  #at: number;

  constructor(bytes: Uint8Array, start: number, reader: PickleReader) {
    this.#at = start;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#reader = reader;
  }

  run(): { value: unknown; end: number } {
    if (this.#bytes[this.#at] !== 0x80) this.#fail("beginning", "a protocol", "none");
    for (;;) {
      const opcode = this.u8();
      if (opcode === STOP) break;
      const step = OPCODES[opcode];
      if (step === undefined) {
        this.#fail("opcode", "one that weights are saved with", `0x${opcode.toString(16).padStart(2, "0")}`);
      }
      step(this);
    }
    const value = this.pop();
    if (this.#stack.length > 0) this.#fail("end", "one value", `${this.#stack.length + 1}`);
    return { value, end: this.#at };
  }

  #fail(what: string, expected: string, got: string): never {
    throw this.#reader.fail(`pickle: ${what}`, expected, got);
  }

  #take(length: number): number {
    const at = this.#at;
    if (at + length > this.#bytes.length) this.#fail("truncated", `${at + length} bytes`, `${this.#bytes.length}`);
    this.#at += length;
    return at;
  }
  u8(): number {
    return this.#bytes[this.#take(1)];
  }
  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }
  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }
  i32(): number {
    return this.#view.getInt32(this.#take(4), true);
  }
  f64(): number {
    return this.#view.getFloat64(this.#take(8), false);
  }
  u64(): number {
    const value = this.#view.getBigUint64(this.#take(8), true);
    return value > BigInt(this.#bytes.length) ? this.#fail("truncated", `${value} bytes`, "fewer") : Number(value);
  }
  raw(length: number): Uint8Array {
    const at = this.#take(length);
    return this.#bytes.subarray(at, at + length);
  }
  text(length: number): string {
    return new TextDecoder().decode(this.raw(length));
  }
  line(): string {
    const end = this.#bytes.indexOf(10, this.#at);
    if (end < 0) this.#fail("truncated", "the end of a line", "none");
    const text = this.text(end - this.#at);
    this.#at++;
    return text;
  }
  /** A whole number of so many bytes: a number where it is safe, else a bigint. */
  long(length: number): number | bigint {
    if (length > MOST_LONG) this.#fail("whole number", `at most ${MOST_LONG} bytes`, `${length}`);
    let value = 0n;
    const raw = this.raw(length);
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(raw[i]);
    value = BigInt.asIntN(8 * length, value);
    return BigInt(Number.MIN_SAFE_INTEGER) <= value && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value;
  }

  protocol(version: number): void {
    if (version < 2 || version > 5) this.#fail("protocol", "2 to 5", `${version}`);
  }
  skip(length: number): void {
    this.#take(length);
  }
  push(value: unknown): void {
    this.#stack.push(value);
  }
  pop(): unknown {
    if (this.#stack.length === 0) this.#fail("stack", "a value", "none");
    const value = this.#stack.pop();
    return value === MARK ? this.#fail("stack", "a value", "a mark") : value;
  }
  /** Forgets a value, or a mark. */
  drop(): void {
    if (this.#stack.at(-1) === MARK) this.#stack.pop();
    else this.pop();
  }
  unmark(): void {
    this.marked();
  }
  /** @param _state of the object below */
  built(_state: unknown): void {
    this.#top();
  }
  persistent(id: unknown): void {
    this.push(this.#reader.persistent(id));
  }
  #top(): unknown {
    const value = this.#stack.at(-1);
    return value === undefined || value === MARK ? this.#fail("stack", "a value", "none") : value;
  }
  /** Takes the values above the last mark, and the mark. */
  marked(): unknown[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) this.#fail("stack", "a mark", "none");
    const values = this.#stack.splice(mark);
    values.shift();
    return values;
  }
  tuple(count: number): void {
    const items = Array.from({ length: count }, () => this.pop()).reverse();
    this.push(new PyTuple(items));
  }
  get memoized(): number {
    return this.#memo.size;
  }
  put(index: number): void {
    this.#memo.set(index, this.#top());
  }
  get(index: number): void {
    if (!this.#memo.has(index)) this.#fail("memo", "a value that was put there", `${index}`);
    this.push(this.#memo.get(index));
  }
  append(values: readonly unknown[]): void {
    const list = this.#top();
    if (Array.isArray(list)) for (const value of values) list.push(value);
    else if (!(list instanceof PyObject)) this.#fail("append", "a list", typeof list);
  }
  set(values: readonly unknown[]): void {
    const dict = this.#top();
    if (values.length % 2 !== 0) this.#fail("items", "keys with values", `${values.length}`);
    if (isMap(dict)) for (let i = 0; i < values.length; i += 2) dict.set(values[i], values[i + 1]);
    else if (!(dict instanceof PyObject)) this.#fail("items", "a dict", typeof dict);
  }
  called(args: unknown, callee: unknown): void {
    if (!(callee instanceof PyName)) this.#fail("call", "a known name", typeof callee);
    if (!(args instanceof PyTuple)) this.#fail(`call of ${cut((callee as PyName).name, 100)}`, "a tuple", typeof args);
    this.push(this.#reader.made((callee as PyName).name, (args as PyTuple).items));
  }
  named([module, name]: readonly unknown[]): void {
    if (typeof module !== "string" || typeof name !== "string") this.#fail("name", "two texts", "others");
    this.push(this.#reader.name(`${module}.${name}`));
  }
}
