/** @file Where everything that crosses shards stands in one vector. */
import { DTypeError } from "../core/errors.js";
import type { NDArray } from "../ndarray/ndarray.js";
import type { Module } from "../nn/module.js";
import type { Buffer, Parameter } from "../nn/parameter.js";
import type { VectorPart } from "../world/world.js";

/** One number each. */
export const NUMBERS = ["loss", "hits", "classes", "shards", "stop", "labels", "teacher", "features"] as const;

/** Floats of a part that travels by itself: small layers are together in one, … */
const LEAST_FLOATS = 2 ** 17;
/** … and large ones are cut, so that the first sums come back while the rest is on its way. */
const MOST_FLOATS = 2 ** 19;

/** A part of the vector, with the parameters whose gradients are in it. */
export interface LayoutPart extends VectorPart {
  readonly parameters: readonly Parameter[];
}

/** The vector of a network: numbers, counts, buffers, and at its end the gradients. */
export class ShardLayout {
  readonly parameters: readonly (readonly [parameter: Parameter, at: number])[];
  readonly buffers: readonly (readonly [buffer: Buffer, at: number])[];
  /** Of each parameter in how many shards it got a gradient, then of each buffer in how many it changed. */
  readonly counts = NUMBERS.length;
  readonly length: number;
  /**
   * The vector from its end to its beginning: a backward pass comes to the last layers first. Numbers, counts and
   * buffers are in the last part.
   */
  readonly parts: readonly LayoutPart[];

  /** @throws DTypeError for numbers that are not f32 */
  constructor(net: Module) {
    for (const [name, { data }] of [...net.namedParameters(), ...net.namedBuffers()]) {
      if (data.dtype === "f64") {
        throw new DTypeError({ op: "fit", what: `shards of a network with ${name}`, expected: "f32", got: "f64" });
      }
    }
    const parameters = net.parameters();
    const floats = [...net.namedBuffers().values()].filter(({ data }) => data.dtype === "f32");
    const buffers = [...new Set(floats)];
    let at = this.counts + parameters.length + buffers.length;
    const place = <T extends { readonly data: NDArray }>(owner: T): readonly [T, number] => {
      at += owner.data.size;
      return [owner, at - owner.data.size];
    };
    this.buffers = buffers.map(place);
    this.parameters = parameters.map(place);
    this.length = at;
    this.parts = this.#parts();
  }
  /** Where a number stands. */
  placeOf(name: (typeof NUMBERS)[number]): number {
    return NUMBERS.indexOf(name);
  }

  #parts(): LayoutPart[] {
    const parts: LayoutPart[] = [];
    let end = this.length;
    let parameters: Parameter[] = [];
    for (const [parameter, from] of [...this.parameters].reverse()) {
      parameters.push(parameter);
      if (end - from < LEAST_FLOATS) continue;
      const cuts = Math.ceil((end - from) / MOST_FLOATS);
      const length = Math.ceil((end - from) / cuts);
      for (; end > from; end = Math.max(from, end - length))
        parts.push({ from: Math.max(from, end - length), end, parameters });
      parameters = [];
    }
    parts.push({ from: 0, end, parameters });
    return parts;
  }
}
