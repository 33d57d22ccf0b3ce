/**
 * @file Attributes of one node: read by name and type, and none left unread, since an attribute that is passed over
 * changes the result.
 */
import { FormatError } from "../core/errors.js";
import { textOf } from "./codec.js";
import { ATTRIBUTE, type AttributeMessage, type TensorMessage } from "./schema.js";

const TYPE_NAMES = new Map<number, string>(Object.entries(ATTRIBUTE).map(([name, type]) => [type, name]));

/** The attributes of a node. */
export class Attributes {
  readonly #where: string;
  readonly #unread = new Map<string, AttributeMessage>();

  /**
   * @param where file and node, for messages
   * @throws FormatError on an attribute without a name, twice, or that refers to a function's
   */
  constructor(list: readonly AttributeMessage[], where: string) {
    this.#where = where;
    for (const attribute of list) {
      const { name = "", refAttrName = "" } = attribute;
      if (name === "") this.#refuse("attribute", "a name", "none");
      if (this.#unread.has(name)) this.#refuse(`attribute ${name}`, "once", "twice");
      if (refAttrName !== "") this.#refuse(`attribute ${name}`, "a value", "a reference to a function's attribute");
      this.#unread.set(name, attribute);
    }
  }

  #refuse(what: string, expected: string, got: string): never {
    throw new FormatError({ op: this.#where, what, expected, got });
  }

  #take(name: string, type: number): AttributeMessage | undefined {
    const found = this.#unread.get(name);
    if (found === undefined) return undefined;
    this.#unread.delete(name);
    if (found.type !== type) {
      const got = TYPE_NAMES.get(found.type ?? 0) ?? `attribute type ${found.type ?? 0}`;
      this.#refuse(`attribute ${name}`, TYPE_NAMES.get(type) as string, got);
    }
    return found;
  }

  /** True if there is one of this name that was not read yet. */
  has(name: string): boolean {
    return this.#unread.has(name);
  }
  /** Integers without taking note that they were read. */
  peekInts(name: string): readonly number[] | undefined {
    return this.#unread.get(name)?.ints;
  }
  /** An attribute without taking note that it was read. */
  peek(name: string): AttributeMessage | undefined {
    return this.#unread.get(name);
  }
  int(name: string, otherwise: number): number {
    const found = this.#take(name, ATTRIBUTE.INT);
    if (found === undefined) return otherwise;
    const value = found.i ?? 0;
    if (!Number.isSafeInteger(value)) this.#refuse(`attribute ${name}`, "an integer below 2^53", `${value}`);
    return value;
  }
  float(name: string, otherwise: number): number {
    const found = this.#take(name, ATTRIBUTE.FLOAT);
    return found === undefined ? otherwise : (found.f ?? 0);
  }
  text(name: string, otherwise: string): string {
    const found = this.#take(name, ATTRIBUTE.STRING);
    if (found === undefined) return otherwise;
    return textOf(found.s ?? new Uint8Array(0), `attribute ${name}`, this.#where);
  }
  ints(name: string): readonly number[] | undefined {
    const list = this.#take(name, ATTRIBUTE.INTS)?.ints;
    if (list?.every(Number.isSafeInteger) === false) {
      this.#refuse(`attribute ${name}`, "integers below 2^53", `[${list}]`);
    }
    return list;
  }
  floats(name: string): readonly number[] | undefined {
    return this.#take(name, ATTRIBUTE.FLOATS)?.floats;
  }
  tensor(name: string): TensorMessage | undefined {
    return this.#take(name, ATTRIBUTE.TENSOR)?.t;
  }
  /** Reads an integer that must have one value. */
  fixed(name: string, value: number): void {
    const found = this.int(name, value);
    if (found !== value) this.#refuse(`attribute ${name}`, `${value}`, `${found}`);
  }
  /** Refuses what nobody read. */
  finish(): void {
    const [name] = this.#unread.keys();
    if (name !== undefined) this.#refuse("attribute that is not supported", "none of this name", name);
  }
}
