/** @file Module: a network or a part of one. Its parameters, buffers and children are simply its own properties. */

import type { Tensor } from "../autograd/tensor.js";
import { check, checkOptions, flag, instanceOf, refuse, text } from "../core/checks.js";
import { DISPOSE } from "../core/dispose.js";
import { ArgumentError, StateError } from "../core/errors.js";
import { INSPECT } from "../core/inspect.js";
import { Rng } from "../core/rng.js";
import type { NDArray } from "../ndarray/ndarray.js";
import { type Member, membersOf } from "./members.js";
import { Buffer, Parameter } from "./parameter.js";
import { type LoadReport, planState, type StateSlot, type StateSource, stateEntries } from "./state.js";

/**
 * A network or a part of one.
 *
 * Parameters, buffers and child modules are found by walking own enumerable properties in the order in which they were
 * assigned, and through arrays, plain objects, maps and sets, however nested; private `#fields` and instances of other
 * classes are not walked. Keys are the property names in snake_case, positions and keys of maps, joined by dots:
 * `conv1.weight`, `bn1.running_mean`, `layer1.0.conv1.weight`, `heads.left.weight`.
 *
 * @example
 * class Net extends Module {
 *   fc1 = new Linear(4, 8);
 *   fc2 = new Linear(8, 2);
 *   forward(x: Tensor) { return this.fc2.forward(relu(this.fc1.forward(x))); }
 * }
 */
export abstract class Module {
  /** True in training mode (the default): batch norm uses batch statistics, dropout drops. */
  training = true;
  #switching = false;

  /** Computes the output. @param x shape as the module documents it; images are [N,H,W,C] */
  abstract forward(x: Tensor): Tensor;

  *#walk(prefix = "", seen = new Set<Module>()): Generator<[path: string, module: Module]> {
    if (seen.has(this)) return;
    seen.add(this);
    yield [prefix, this];
    for (const { key, value } of membersOf(this)) {
      if (value instanceof Module) yield* value.#walk(joined(prefix, key), seen);
    }
  }

  /** Members of one kind with their dotted keys, in order. */
  #collect<T>(wanted: (value: unknown) => value is T): [key: string, value: T][] {
    const members: [string, T][] = [];
    for (const [prefix, module] of this.#walk()) {
      for (const { key, value } of membersOf(module)) if (wanted(value)) members.push([joined(prefix, key), value]);
    }
    return members;
  }

  /** The member under a key of this module, with the means to replace it; null if there is none. */
  memberAt(key: string): Member | null {
    return membersOf(this).find((member) => member.key === key) ?? null;
  }
  /** Direct child modules by key, in order. */
  namedChildren(): Map<string, Module> {
    const members: [string, Module][] = [];
    for (const { key, value } of membersOf(this)) if (value instanceof Module) members.push([key, value]);
    return byKey(members);
  }
  /** Direct child modules, in order. */
  children(): Module[] {
    return [...this.namedChildren().values()];
  }
  /** This module under the empty path, and all modules below it, each once, parents first. */
  namedModules(): Map<string, Module> {
    return byKey([...this.#walk()]);
  }
  /** This module and all modules below it. */
  modules(): Module[] {
    return [...this.#walk()].map(([, module]) => module);
  }
  #parameters(): [key: string, parameter: Parameter][] {
    const seen = new Set<Parameter>();
    return this.parameterPlaces().filter(([, parameter]) => !seen.has(parameter) && seen.add(parameter));
  }
  /** All parameters by dotted key. A parameter that two modules share appears under its first key. */
  namedParameters(): Map<string, Parameter> {
    return byKey(this.#parameters());
  }
  /** All parameters, each once. */
  parameters(): Parameter[] {
    return this.#parameters().map(([, parameter]) => parameter);
  }
  /** Every place that holds a parameter, in order: one that is shared appears under each of its keys. */
  parameterPlaces(): [key: string, parameter: Parameter][] {
    return this.#collect((value) => value instanceof Parameter);
  }
  /** All buffers by dotted key. */
  namedBuffers(): Map<string, Buffer> {
    return byKey(this.#collect((value) => value instanceof Buffer));
  }
  /** Random streams that modules own (dropout's), by dotted key: part of what a bit-exact resume needs. */
  namedRngs(): Map<string, Rng> {
    return byKey(this.#collect((value) => value instanceof Rng));
  }
  /**
   * Puts random streams back as `namedRngs` saw them; a stream that several modules share stays shared. Nothing is
   * changed if anything fails.
   *
   * @param states four words by key, for all streams or for some
   * @throws ArgumentError on a key that names no stream, and on a bad state; StateError if a shared stream is given two
   * states
   */
  loadRngs(states: ReadonlyMap<string, readonly number[]>): void {
    this.checkRngs(states)();
  }
  /** As {@link loadRngs}, which is the call of what this returns: until then nothing is changed. */
  checkRngs(states: ReadonlyMap<string, readonly number[]>): () => void {
    const loaded = new Map<unknown, Rng>();
    const places = [...stateEntries("loadRngs", "states", states)].map(([path, state]): [Member, Rng] => {
      const member = this.#member(path, (value) => value instanceof Rng);
      if (!Array.isArray(state)) {
        refuse(
          "loadRngs",
          `state of ${path}`,
          "a list of four words, as state() gives it",
          state,
          "nothing was changed",
        );
      }
      const stream = Rng.from(state);
      const known = loaded.get(member.value) ?? stream;
      if (`${known.state()}` !== `${stream.state()}`) {
        throw new StateError({
          op: "loadRngs",
          what: `two states for the stream that ${path} shares`,
          expected: `${known.state()}`,
          got: `${stream.state()}`,
          hint: "nothing was changed",
        });
      }
      loaded.set(member.value, known);
      return [member, known];
    });
    return () => {
      for (const [member, stream] of places) member.put(stream);
    };
  }

  /** Writes each parameter's dotted key into its `name`. @returns this */
  nameParameters(): this {
    for (const [name, parameter] of this.#parameters()) parameter.name = name;
    return this;
  }

  #member(path: string, wanted: (value: unknown) => boolean): Member {
    check("module", "path", path, text);
    for (const [prefix, module] of this.#walk()) {
      for (const member of membersOf(module)) {
        if (joined(prefix, member.key) === path && wanted(member.value)) return member;
      }
    }
    throw new ArgumentError({
      op: "module",
      what: `nothing of that kind at "${path}"`,
      expected: [...this.namedModules().keys()].filter(Boolean).join(", "),
      got: path,
    });
  }
  /** The module at a dotted path; the empty path is this one. @throws ArgumentError if there is none */
  get(path: string): Module {
    return path === "" ? this : (this.#member(path, (value) => value instanceof Module).value as Module);
  }
  /**
   * Puts another module in the place of the one at a dotted path.
   * @returns the one that was there
   * @throws ArgumentError if there is none
   */
  replace(path: string, module: Module): Module {
    check("replace", "module", module, instanceOf(Module as never, "a Module"));
    const member = this.#member(path, (value) => value instanceof Module);
    member.put(module);
    return member.value as Module;
  }

  #slots(): Map<string, StateSlot> {
    const slots: [string, StateSlot][] = [];
    for (const [key, value] of this.#collect((member) => member instanceof Parameter || member instanceof Buffer)) {
      if (value instanceof Buffer && !value.persistent) continue;
      slots.push([key, { data: value.data, changed: () => value.data.touch("loadStateDict") }]);
    }
    return byKey(slots);
  }

  /** Parameters and persistent buffers by dotted key. The arrays are the module's own: clone what should not change. */
  stateDict(): Map<string, NDArray> {
    return new Map([...this.#slots()].map(([key, slot]) => [key, slot.data]));
  }
  /**
   * Copies values in by key. Nothing is changed if anything fails. PyTorch's `num_batches_tracked` is ignored; of the
   * keys of a parameter that several layers share, one is enough.
   *
   * @param source map or record of real arrays: in the heap, tensors, `{ shape, data }` with typed arrays or numbers,
   * or nested lists of numbers
   * @param options `strict` (default true): missing and extra keys are errors
   * @returns the keys that did not match
   * @throws StateError that lists missing and extra keys, and what does not fit with expected and got
   */
  loadStateDict(source: StateSource, options: { strict?: boolean } = {}): LoadReport {
    return this.checkStateDict(source, options)();
  }
  /**
   * As {@link loadStateDict}, which is the call of what this returns: until then nothing is changed, and then nothing
   * can fail.
   */
  checkStateDict(source: StateSource, options: { strict?: boolean } = {}): () => LoadReport {
    checkOptions("loadStateDict", options, { strict: flag });
    return planState("loadStateDict", this.#slots(), source, options.strict ?? true);
  }

  /**
   * Sets training mode here and, through the `train` of each child, below: a module that overrides it decides for
   * itself.
   * @returns this
   */
  train(on = true): this {
    check("train", "mode", on, flag);
    // A module that contains one of its ancestors is reached again from below.
    if (this.#switching) return this;
    this.#switching = true;
    try {
      this.training = on;
      for (const { value } of membersOf(this)) if (value instanceof Module) value.train(on);
    } finally {
      this.#switching = false;
    }
    return this;
  }
  /** Sets evaluation mode here and below. @returns this */
  eval(): this {
    return this.train(false);
  }
  /** Forgets all gradients. */
  zeroGrad(): void {
    for (const parameter of this.parameters()) parameter.zeroGrad();
  }
  /** Number of trained values. */
  parameterCount(): number {
    return this.parameters().reduce((sum, parameter) => sum + parameter.size, 0);
  }
  /** Frees all parameters (with their gradients) and buffers. A second call does nothing. */
  dispose(): void {
    for (const parameter of this.parameters()) parameter.dispose();
    for (const [, buffer] of this.#collect((value) => value instanceof Buffer)) buffer.dispose();
  }
  [DISPOSE](): void {
    this.dispose();
  }

  /** Options in brackets in the printed structure; layers override it. */
  protected describe(): string {
    return "";
  }
  /** The structure, one module a line, as PyTorch prints it. */
  toString(): string {
    const lines = [...this.namedChildren()].map(
      ([key, child]) => `  (${key}): ${child.toString().replaceAll("\n", "\n  ")}`,
    );
    const head = `${kindOfModule(this)}(${this.describe()}`;
    return lines.length === 0 ? `${head})` : `${head}\n${lines.join("\n")}\n)`;
  }
  /** What `console.log` shows: the structure, and how many values are trained. */
  [INSPECT](): string {
    return `${this}\n${this.parameterCount()} trained values`;
  }
}

/** The name of a module's class. */
export function kindOfModule(module: Module): string {
  // Bundlers put an underscore before a class that speaks of itself.
  return module.constructor.name.replace(/^_(?=[A-Z])/, "");
}

/** A map of what was found. @throws ArgumentError if two members have one key: one of them would be lost */
function byKey<T>(entries: readonly (readonly [key: string, value: T])[]): Map<string, T> {
  const map = new Map(entries);
  if (map.size === entries.length) return map;
  const seen = new Set<string>();
  const twice = entries.find(([key]) => seen.size === seen.add(key).size)?.[0] ?? "";
  throw new ArgumentError({
    op: "module",
    what: `two members have the key "${twice}"`,
    expected: "names that differ in more than capitals, underscores and dots",
    got: "two that are one in snake_case",
    hint: "rename one of them",
  });
}

function joined(prefix: string, key: string): string {
  return prefix === "" ? key : `${prefix}.${key}`;
}
