/** @file The report of arrays that outlived the step in which they were made. */
import { INSPECT } from "../core/inspect.js";
import { bytes as bytesText, count } from "../core/quantities.js";
import { table } from "../core/table.js";

/** A place in the program whose arrays stay. */
export interface LeakSite {
  /** `file:line:column (function)` of the user's program. */
  readonly where: string;
  /** The whole way there, innermost first. */
  readonly stack: readonly string[];
  /** Type and shape of the first of them: `f32 [64,10]`. */
  readonly what: string;
  /** Arrays that are alive. */
  readonly arrays: number;
  /** Bytes of the heap that they hold; what several arrays share counts once. */
  readonly bytes: number;
  /** Different steps that they were made in. */
  readonly steps: number;
  /** The first of these, counted from 1. */
  readonly firstStep: number;
}

/** Arrays that outlived their step, by the place where they were made. */
export class LeakReport {
  /** Steps so far. */
  readonly steps: number;
  /** Most bytes first. */
  readonly sites: readonly LeakSite[];
  /** Arrays of all sites, and their bytes. */
  readonly arrays: number;
  /** Bytes that these arrays take. */
  readonly bytes: number;
  /** After how many steps of this kind the heap is full; Infinity if nothing stays. */
  readonly stepsUntilFull: number;

  /** @param heapBytes bytes that the heap can grow to */
  constructor(steps: number, sites: readonly LeakSite[], heapBytes: number) {
    this.steps = steps;
    this.sites = sites;
    this.arrays = sites.reduce((sum, site) => sum + site.arrays, 0);
    this.bytes = sites.reduce((sum, site) => sum + site.bytes, 0);
    const perStep = sites.reduce((sum, site) => sum + site.bytes / site.steps, 0);
    this.stepsUntilFull = perStep === 0 ? Number.POSITIVE_INFINITY : Math.floor(heapBytes / perStep);
  }

  /** A table of the sites, and what to do. */
  toString(): string {
    if (this.sites.length === 0) return `no arrays outlived their step in ${this.steps} steps`;
    const rows = this.sites.map(({ where, what, arrays, bytes, steps }) => [
      where,
      what,
      count(arrays),
      count(steps),
      bytesText(bytes),
    ]);
    const right = true;
    return [
      `${count(this.arrays)} arrays (${bytesText(this.bytes)}) outlived the step that made them, in ${this.steps} steps; ` +
        `the heap is full after some ${count(this.stepsUntilFull)} steps`,
      "",
      table(
        [
          { head: "made at" },
          { head: "first" },
          { head: "arrays", right },
          { head: "of steps", right },
          { head: "bytes", right },
        ],
        rows,
      ),
      "",
      "scope(() => …) around a step frees what it made; keep numbers of it (loss.item()), not tensors",
    ].join("\n");
  }
  [INSPECT](): string {
    return this.toString();
  }
}
