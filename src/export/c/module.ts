/** @file What the functions of a C file have in common while it is written: constants, helpers, workspaces. */
import { HELPERS, type HelperName } from "./helpers/index.js";
import { cFloat, itemLines } from "./text.js";

/** Integer types by what they hold, narrowest first. */
const INTEGERS = [
  { type: "int8_t", bytes: 1, least: -128, most: 127 },
  { type: "int16_t", bytes: 2, least: -32768, most: 32767 },
  { type: "int32_t", bytes: 4, least: -(2 ** 31), most: 2 ** 31 - 1 },
] as const;

/** A constant array in flash. */
export interface CConstant {
  readonly name: string;
  readonly type: string;
}

/** Gathers the parts of one C file. In all of its text `@` stands for the model's prefix, `@@` for that of macros. */
export class CModule {
  readonly #helpers = new Set<HelperName>();
  #lines: string[] = [];
  #nodeName = "";
  #nodeBytes = 0;
  /** Bytes of all constants. */
  flashBytes = 0;
  /** Words of the largest bit planes. */
  planeWords = 0;

  /** Begins a node: what is constant is named after it. */
  begin(name: string): void {
    this.#nodeName = name;
    this.#lines = [];
    this.#nodeBytes = 0;
  }
  /** What the node has declared so far, and the bytes of it. */
  end(): { readonly lines: readonly string[]; readonly bytes: number } {
    return { lines: this.#lines, bytes: this.#nodeBytes };
  }

  /** A constant array. @param field name within the node @param bytes of one item */
  #array(field: string, type: string, bytes: number, items: readonly string[]): CConstant {
    const name = `@${this.#nodeName}_${field}`;
    this.#lines.push(`static const ${type} ${name}[${items.length}] = {`, ...itemLines(items), "};");
    this.#nodeBytes += bytes * items.length;
    this.flashBytes += bytes * items.length;
    return { name, type };
  }
  bytes(field: string, values: Uint8Array): CConstant {
    return this.#array(field, "uint8_t", 1, Array.from(values, String));
  }
  words(field: string, values: Uint32Array): CConstant {
    const items = Array.from(values, (word) => `0x${word.toString(16).padStart(8, "0")}u`);
    return this.#array(field, "uint32_t", 4, items);
  }
  floats(field: string, values: Float32Array): CConstant {
    return this.#array(field, "float", 4, Array.from(values, cFloat));
  }
  /** Integers in the narrowest type that holds them. */
  integers(field: string, values: ArrayLike<number>): CConstant {
    const all = Array.from(values);
    const fits = INTEGERS.find(({ least, most }) => all.every((value) => value >= least && value <= most));
    const { type, bytes } = fits ?? INTEGERS[2];
    // −2^31 has no literal of its own.
    return this.#array(
      field,
      type,
      bytes,
      all.map((value) => (value === -(2 ** 31) ? "(-2147483647 - 1)" : `${value}`)),
    );
  }
  /** A structure of integers. */
  struct(field: string, type: string, values: readonly number[]): string {
    const name = `@${this.#nodeName}_${field}`;
    this.#lines.push(`static const ${type} ${name} = {${values.join(", ")}};`);
    this.#nodeBytes += 4 * values.length;
    this.flashBytes += 4 * values.length;
    return name;
  }

  /** Name of a helper, which the file then has, with those that it needs itself. */
  use(helper: HelperName): string {
    for (const needed of HELPERS[helper].needs ?? []) this.use(needed);
    this.#helpers.add(helper);
    return `@${helper}`;
  }
  /** Texts of the helpers that are used, in the order in which they need each other. */
  helperTexts(): string[] {
    return (Object.keys(HELPERS) as HelperName[])
      .filter((name) => this.#helpers.has(name))
      .map((name) => HELPERS[name].text.trim());
  }
  /** True if the file has a helper. */
  has(helper: HelperName): boolean {
    return this.#helpers.has(helper);
  }
}
