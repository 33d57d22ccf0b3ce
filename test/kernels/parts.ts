/**
 * @file Kernels in parts, as threads share them, on one thread: the last part first, each with the workspace of some
 * thread. Chunks are as small as they may be, so that the small arrays of property tests have many.
 */
import { ABI, type KernelName, type Kernels } from "../../src/kernels/abi.js";
import type { Crew, Grain, Rule } from "../../src/kernels/threads/chunks.js";
import { ruleOf } from "../../src/kernels/threads/rules.js";
import { type Argument, expectSameBits, guarded, heap, type Outcome } from "./arena.js";

export const THREADS = 3;

/** Chunks as small as a split lets them be, and of a single unit. */
const SMALL: Grain = { least: 0, chunk: 1e-6 };
const SMALLEST: Grain = { ...SMALL, multiple: 1 };
let calls = 0;

/** Kernels that were seen in more than one part. */
export const split = new Set<KernelName>();

const RULES = Object.fromEntries(Object.keys(ABI).map((name) => [name, ruleOf(name as KernelName)])) as Record<
  KernelName,
  Rule | null
>;

/** A crew over the heap. @param counted is told of every run's parts */
export function crewOf(kernels: Kernels, free: number, counted: (parts: number) => void, grain: Grain): Crew {
  const kernel = (name: string) => kernels[name as KernelName] as (...values: number[]) => number | undefined;
  let top = Math.ceil(free / 64) * 64;
  return {
    threads: THREADS,
    grain,
    run(name, calls, work) {
      counted(calls.length);
      const results: number[] = new Array(calls.length);
      for (let i = calls.length - 1; i >= 0; i--) {
        const list = [...calls[i]];
        if (work) list[work.argument] += (i % THREADS) * work.stride;
        results[i] = kernel(name)(...list) as number;
      }
      return results;
    },
    ints: (ptr, length) => heap.i32(ptr, length).slice(),
    i32: (ptr, length) => heap.i32(ptr, length),
    f32: (ptr, length) => heap.f32(ptr, length),
    f64: (ptr, length) => heap.f64(ptr, length),
    scratch(size, fn) {
      const ptr = top;
      top += Math.ceil(size / 64) * 64;
      heap.ensure(top);
      heap.u8(ptr, size).fill(0xff);
      return fn(ptr);
    },
    whole: kernel,
  };
}

/** Scratch for all threads. */
const forAll = (arg: Argument): Argument =>
  typeof arg === "object" && "role" in arg && arg.role === "scratch"
    ? { ...arg, data: new Uint8Array(THREADS * Math.ceil(arg.data.byteLength / 64) * 64) }
    : arg;

/**
 * Runs a kernel in parts, if it has a split and the problem more than one chunk, and expects what the whole one left.
 *
 * @returns the number of parts; 0 if it ran whole
 */
export function expectParts(kernels: Kernels, name: KernelName, args: readonly Argument[], whole: Outcome): number {
  const rule = RULES[name];
  if (rule === null) return 0;
  let parts = 0;
  let ran = true;
  const outcome = guarded(name, args.map(forAll), (values, free) => {
    const counted = (count: number) => {
      parts += count;
    };
    const crew = crewOf(kernels, free, counted, calls++ % 2 === 0 ? SMALLEST : SMALL);
    const returned = rule(values, crew);
    ran = returned !== null;
    return returned;
  });
  if (!ran) return 0;
  outcome.outputs.forEach((got, i) => void expectSameBits(`${name}, in parts, output ${i}`, got, whole.outputs[i]));
  if (!Object.is(outcome.returned, whole.returned)) {
    throw new Error(`${name}, in parts: returned ${outcome.returned}, whole ${whole.returned}`);
  }
  if (parts > 1) split.add(name);
  return parts;
}
