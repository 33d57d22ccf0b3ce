/** @file Module: a network or a part of one. Its parameters, buffers and children are simply its own properties. */

import type { Tensor } from "../autograd/tensor.js";
import { ArgumentError } from "../core/errors.js";
import { Rng } from "../core/rng.js";
import type { NDArray } from "../ndarray/ndarray.js";
import { Buffer, Parameter } from "./parameter.js";
import { type LoadReport, loadState, type StateSlot, type StateSource, snakeCase } from "./state.js";

/** Where a member sits in its parent: enough to put another in its place. */
interface Member {
  readonly key: string;
  readonly value: unknown;
  put(value: unknown): void;
}

/**
 * A network or a part of one.
 *
 * Parameters, buffers and child modules are found by walking own enumerable properties in the order in which they were assigned
 * (arrays of modules count as their elements); private `#fields` are not walked. Keys are the property names in snake_case, joined by
 * dots: `conv1.weight`, `bn1.running_mean`, `layer1.0.conv1.weight`.
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

  #members(): Member[] {
    const own = this as unknown as Record<string, unknown>;
    return Object.keys(own).flatMap((name): Member[] => {
      const value = own[name];
      if (Array.isArray(value)) {
        return value.map((item, i) => ({
          key: `${snakeCase(name)}.${i}`,
          value: item,
          put: (other) => {
            value[i] = other;
          },
        }));
      }
      return [
        {
          key: snakeCase(name),
          value,
          put: (other) => {
            own[name] = other;
          },
        },
      ];
    });
  }

  *#walk(prefix = "", seen = new Set<Module>()): Generator<[path: string, module: Module]> {
    if (seen.has(this)) return;
    seen.add(this);
    yield [prefix, this];
    for (const { key, value } of this.#members()) {
      if (value instanceof Module) yield* value.#walk(joined(prefix, key), seen);
    }
  }

  #collect<T>(wanted: (value: unknown) => value is T): Map<string, T> {
    const found = new Map<string, T>();
    for (const [prefix, module] of this.#walk()) {
      for (const { key, value } of module.#members()) if (wanted(value)) found.set(joined(prefix, key), value);
    }
    return found;
  }

  /** Direct child modules by key, in order. */
  namedChildren(): Map<string, Module> {
    const found = new Map<string, Module>();
    for (const { key, value } of this.#members()) if (value instanceof Module) found.set(key, value);
    return found;
  }
  /** Direct child modules, in order. */
  children(): Module[] {
    return [...this.namedChildren().values()];
  }
  /** This module under the empty path, and all modules below it, each once, parents first. */
  namedModules(): Map<string, Module> {
    return new Map(this.#walk());
  }
  /** This module and all modules below it. */
  modules(): Module[] {
    return [...this.namedModules().values()];
  }
  /** All parameters by dotted key. A parameter that two modules share appears under its first key. */
  namedParameters(): Map<string, Parameter> {
    const seen = new Set<Parameter>();
    const all = this.#collect((value) => value instanceof Parameter);
    return new Map([...all].filter(([, parameter]) => !seen.has(parameter) && seen.add(parameter)));
  }
  /** All parameters, each once. */
  parameters(): Parameter[] {
    return [...this.namedParameters().values()];
  }
  /** All buffers by dotted key. */
  namedBuffers(): Map<string, Buffer> {
    return this.#collect((value) => value instanceof Buffer);
  }
  /** Random streams that modules own (dropout's), by dotted key: part of what a bit-exact resume needs. */
  namedRngs(): Map<string, Rng> {
    return this.#collect((value) => value instanceof Rng);
  }
  /** Puts random streams back as `namedRngs` saw them. @throws ArgumentError on a key that names no stream */
  loadRngs(states: ReadonlyMap<string, readonly number[]>): void {
    for (const [path, state] of states) this.#member(path, (value) => value instanceof Rng).put(Rng.from(state));
  }

  /** Writes each parameter's dotted key into its `name`. @returns this */
  nameParameters(): this {
    for (const [name, parameter] of this.namedParameters()) parameter.name = name;
    return this;
  }

  #member(path: string, wanted: (value: unknown) => boolean): Member {
    for (const [prefix, module] of this.#walk()) {
      for (const member of module.#members()) {
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
  /** Puts another module in the place of the one at a dotted path. @returns the one that was there @throws ArgumentError if there is none */
  replace(path: string, module: Module): Module {
    const member = this.#member(path, (value) => value instanceof Module);
    member.put(module);
    return member.value as Module;
  }

  #slots(): Map<string, StateSlot> {
    const slots = new Map<string, StateSlot>();
    for (const [prefix, module] of this.#walk()) {
      for (const { key, value } of module.#members()) {
        if (value instanceof Parameter) {
          slots.set(joined(prefix, key), { data: value.data, changed: () => value.markChanged("loadStateDict") });
        } else if (value instanceof Buffer && value.persistent) {
          slots.set(joined(prefix, key), { data: value.data, changed: () => value.data.touch("loadStateDict") });
        }
      }
    }
    return slots;
  }

  /** Parameters and persistent buffers by dotted key. The arrays are the module's own: clone what should not change. */
  stateDict(): Map<string, NDArray> {
    return new Map([...this.#slots()].map(([key, slot]) => [key, slot.data]));
  }
  /**
   * Copies values in by key. Nothing is changed if anything fails. PyTorch's `num_batches_tracked` is ignored.
   *
   * @param source map or record of arrays, in the heap or as `{ shape, data }`
   * @param options `strict` (default true): missing and extra keys are errors
   * @returns the keys that did not match
   * @throws StateError that lists missing and extra keys, and mismatched shapes with expected and got
   */
  loadStateDict(source: StateSource, options: { strict?: boolean } = {}): LoadReport {
    return loadState("loadStateDict", this.#slots(), source, options.strict ?? true);
  }

  /** Sets training mode here and, through the `train` of each child, below: a module that overrides it decides for itself. @returns this */
  train(on = true): this {
    // A module that contains one of its ancestors is reached again from below.
    if (this.#switching) return this;
    this.#switching = true;
    try {
      this.training = on;
      for (const { value } of this.#members()) if (value instanceof Module) value.train(on);
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
    for (const buffer of this.namedBuffers().values()) buffer.dispose();
  }
  [Symbol.dispose](): void {
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
    const head = `${this.constructor.name}(${this.describe()}`;
    return lines.length === 0 ? `${head})` : `${head}\n${lines.join("\n")}\n)`;
  }
}

function joined(prefix: string, key: string): string {
  return prefix === "" ? key : `${prefix}.${key}`;
}
