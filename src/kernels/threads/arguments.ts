/** @file Arguments by name: where they stand in a call, and sizes that are worked out of them. */
import { ABI, type KernelName } from "../abi.js";
import { GEOMETRY_FIELDS, type GeometryField } from "../geometry.js";
import type { Derived, Factor, Moves, Size, Workspace } from "../split.js";
import type { Crew } from "./chunks.js";
import type { Workspace as PoolWork } from "./pool.js";

/** A call's arguments, and the geometry that they point at, if sizes want it. */
export interface Call {
  readonly args: readonly number[];
  readonly geometry: Int32Array | null;
}

/** A size, ready to be worked out. */
export type Measure = (call: Call) => number;

const field = (name: GeometryField) => {
  const at = GEOMETRY_FIELDS.indexOf(name);
  return (g: Int32Array): number => g[at];
};
const [kernelH, kernelW, channels] = [field("kernelH"), field("kernelW"), field("channels")];
const [outH, outW] = [field("outH"), field("outW")];

const DERIVED: Record<Derived, (g: Int32Array) => number> = {
  patch: (g) => kernelH(g) * kernelW(g) * channels(g),
  positions: (g) => outH(g) * outW(g),
  tiles: (g) => Math.ceil(outH(g) / (7 - kernelH(g))) * Math.ceil(outW(g) / (7 - kernelH(g))),
};

/** Bytes from one thread's workspace to the next one's. */
export function workStride(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

/** The names of a kernel's arguments, and what splits say with them. */
export class Arguments {
  readonly #names: readonly string[];
  #geometry = false;

  constructor(names: readonly string[]) {
    this.#names = names.map((name) => (name.endsWith("?") ? name.slice(0, -1) : name));
  }

  /** Where an argument stands. */
  place(name: string): number {
    return this.#names.indexOf(name);
  }

  /** A product of factors. */
  size(size: Size<string>): Measure {
    if (typeof size === "number") return () => size;
    // Numbers and arguments, which most factors are, without a call for each.
    let constant = 1;
    const places: number[] = [];
    const others: Measure[] = [];
    for (const factor of size) {
      if (typeof factor === "number") constant *= factor;
      else if (typeof factor === "string" && this.place(factor) >= 0) places.push(this.place(factor));
      else others.push(this.#factor(factor));
    }
    return (call) => {
      let product = constant;
      for (let i = 0; i < places.length; i++) product *= call.args[places[i]];
      for (let i = 0; i < others.length; i++) product *= others[i](call);
      return product;
    };
  }

  #factor(factor: Exclude<Factor<string>, number>): Measure {
    if (typeof factor === "object" && "up" in factor) {
      const [at, to] = [this.place(factor.up), factor.to];
      return ({ args }) => Math.ceil(args[at] / to) * to;
    }
    if (typeof factor === "object") {
      const at = this.place(factor.realOrCodes);
      return ({ args }) => (args[at] === 0 ? 4 : 1);
    }
    this.#geometry = true;
    const of = factor in DERIVED ? DERIVED[factor as Derived] : field(factor as GeometryField);
    return ({ geometry }) => of(geometry as Int32Array);
  }

  /** A call whose sizes can be worked out. */
  read(args: readonly number[], crew: Crew): Call {
    if (!this.#geometry) return { args, geometry: null };
    return { args, geometry: crew.ints(args[this.place("geomPtr")], GEOMETRY_FIELDS.length) };
  }

  /**
   * What moves pointers: own arguments, the call that they are part of, and by how many units. A null pointer stays
   * one.
   */
  moves(moves: Moves<string> = {}): (own: number[], call: Call, units: number) => void {
    const list = Object.entries(moves).map(
      ([name, size]) => [this.place(name), this.size(size as Size<string>)] as const,
    );
    return (own, call, units) => {
      for (const [at, bytes] of list) if (own[at] !== 0) own[at] += units * bytes(call);
    };
  }

  /** Runs calls with a workspace for each thread. */
  runner(name: string, work?: Workspace<string>): (calls: number[][], call: Call, crew: Crew) => number[] {
    if (work === undefined) return (calls, _call, crew) => crew.run(name, calls);
    const [argument, { bytes }] = [this.place(work.ptr), work];
    if (typeof bytes === "number") {
      return (calls, _call, crew) =>
        crew.scratch(bytes * crew.threads, (ptr) => {
          for (const own of calls) own[argument] = ptr;
          return crew.run(name, calls, { argument, stride: bytes });
        });
    }
    const places = ABI[bytes as KernelName].names.map((wanted) => this.place(wanted));
    return (calls, { args }, crew) => {
      const needed = crew.whole(bytes)(...places.map((at) => args[at])) as number;
      const space: PoolWork = { argument, stride: workStride(needed) };
      return crew.run(name, calls, space);
    };
  }
}
