/** @file Finding arrays that outlive their step while a program is developed: where each was made, and in which step. */
import { checkOptions, integer, type OptionRules } from "../core/checks.js";
import { DISPOSE } from "../core/dispose.js";
import { shapeText } from "../core/shape.js";
import { blockBytes } from "../memory/allocator.js";
import { type MemoryObserver, observers } from "../memory/observer.js";
import { NDArray } from "../ndarray/ndarray.js";
import { LeakReport, type LeakSite } from "./leak-report.js";
import { userFrames } from "./stack-frames.js";

/** Choices of {@link watchArrays}. */
export interface WatchOptions {
  /**
   * Warn on the console, once, when arrays of one place have stayed over so many steps; 0: never.
   * @default 10
   */
  readonly warnAfter?: number;
}

const RULES: OptionRules<WatchOptions> = { warnAfter: integer(0) };

interface Made {
  readonly array: NDArray;
  /** Steps that were over. */
  readonly step: number;
  readonly stack: readonly string[];
}

/** Watches arrays from its making until {@link ArrayWatch.stop}; made by {@link watchArrays}. */
export class ArrayWatch {
  readonly #warnAfter: number;
  #made: Made[] = [];
  #steps = 0;
  #own = false;
  #warned = false;
  readonly #observer: MemoryObserver = {
    made: (item) => {
      if (item instanceof NDArray) this.#made.push({ array: item, step: this.#steps, stack: userFrames() });
    },
    stepped: () => {
      if (!this.#own) this.#end();
    },
    advice: () => {
      const [site] = this.#report(0).sites;
      return site === undefined ? "" : `; ${site.arrays} of them were made at ${site.where}, in ${site.steps} steps`;
    },
  };

  constructor(options: WatchOptions = {}) {
    checkOptions<WatchOptions>("watchArrays", options, RULES);
    this.#warnAfter = options.warnAfter ?? 10;
    observers.push(this.#observer);
  }

  /** Steps that were counted. */
  get steps(): number {
    return this.#steps;
  }
  /**
   * Ends a step. Until the first call every `step()` of an optimizer is the end of one; from then on these calls alone
   * are: for loops without an optimizer, or with several.
   */
  step(): void {
    this.#own = true;
    this.#end();
  }
  /**
   * Arrays that are alive although they were made in an earlier step, of places where at least two steps left some:
   * parameters, state of optimizers and whatever else is made once is not among them.
   */
  leaks(): LeakReport {
    // What was made since the last step is of a step that is not over.
    return this.#report(0);
  }
  /** Ends the watch. A second call does nothing. */
  stop(): void {
    const at = observers.indexOf(this.#observer);
    if (at >= 0) observers.splice(at, 1);
    this.#made = [];
  }
  /** As {@link stop}. */
  dispose(): void {
    this.stop();
  }
  [DISPOSE](): void {
    this.stop();
  }

  #end(): void {
    this.#steps++;
    this.#made = this.#made.filter(({ array }) => array.alive);
    if (this.#warned || this.#warnAfter === 0 || this.#steps < this.#warnAfter) return;
    const report = this.#report(this.#warnAfter);
    if (report.sites.length === 0) return;
    this.#warned = true;
    console.warn(`CoarsegradLeakWarning: ${report}`);
  }

  /** @param least steps that a site's arrays must be of */
  #report(least: number): LeakReport {
    const sites = new Map<string, Made[]>();
    for (const made of this.#made) {
      if (!made.array.alive) continue;
      const key = made.stack.join("\n");
      const known = sites.get(key);
      if (known === undefined) sites.set(key, [made]);
      else known.push(made);
    }
    const seen = new Set<NDArray["storage"]>();
    const found: LeakSite[] = [];
    let heapBytes = 0;
    for (const list of sites.values()) {
      const past = list.filter(({ step }) => step < this.#steps);
      const steps = new Set(past.map(({ step }) => step)).size;
      if (steps < Math.max(2, least)) continue;
      let bytes = 0;
      for (const { array } of past) {
        if (!seen.has(array.storage)) bytes += blockBytes(array.storage.bytes);
        seen.add(array.storage);
      }
      const [{ array, stack, step }] = past;
      heapBytes = array.storage.allocator.heap.maximumBytes;
      found.push({
        where: stack[0] ?? "unknown",
        stack,
        what: `${array.dtype} ${shapeText(array.shape)}`,
        arrays: past.length,
        bytes,
        steps,
        firstStep: step + 1,
      });
    }
    return new LeakReport(
      this.#steps,
      found.sort((a, b) => b.bytes - a.bytes),
      heapBytes,
    );
  }
}

/**
 * Watches every array that is made from now on, for development: which of them outlive their step, and where in the
 * program they were made. Each array costs the making of a stack trace until `stop()`; without a watch
 * nothing is recorded.
 *
 * A step ends with each `step()` of an optimizer. When memory is full while it watches, the MemoryError names the place
 * of the most bytes.
 *
 * @returns the watch: `leaks()` is the report, to be printed; `stop()` ends it
 * @throws ArgumentError on bad options
 * @example
 * const watch = watchArrays();
 * for (let i = 0; i < 20; i++) step();
 * console.log(watch.leaks());
 * watch.stop();
 */
export function watchArrays(options: WatchOptions = {}): ArrayWatch {
  return new ArrayWatch(options);
}
