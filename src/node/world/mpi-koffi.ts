/**
 * @file koffi, by which Node calls C: an optional peer dependency, loaded only when MPI is asked for and never bundled.
 */
import { createRequire } from "node:module";
import { WorldError } from "../../core/errors.js";

/** A function of C. Typed arrays are handed over in place: C reads and writes their memory. */
export interface ForeignFunction {
  (...args: unknown[]): number;
  /** Calls it on another thread; the last argument is called when it has ended. */
  async(...args: unknown[]): void;
}

/** A library of C. */
export interface ForeignLibrary {
  /** @param declaration as C writes it */
  func(declaration: string): ForeignFunction;
  /** The address of a variable. @throws Error without one */
  symbol(name: string): bigint;
}

/** What is used of koffi. */
export interface Koffi {
  load(file: string | null, options: { lazy: boolean; global: boolean }): ForeignLibrary;
  config(options: { async_stack_size: number; async_heap_size: number }): unknown;
}

const HINT = "install it beside coarsegrad: npm install koffi@3";
/** Stack of a function that is called on another thread: transports of MPI need more than koffi's 128 KiB. */
const STACK_BYTES = 1 << 20;

/** With a handler of its own, bundlers take the import for one that may fail: the package is optional. */
const importKoffi = (): Promise<unknown> => import("koffi").catch((error) => Promise.reject(error));

/** Loads koffi. @param load replaces the import, for tests @throws WorldError without it */
export async function loadKoffi(load: () => Promise<unknown> = importKoffi): Promise<Koffi> {
  let koffi: Koffi;
  try {
    const loaded = (await load()) as { default?: Koffi } & Koffi;
    koffi = loaded.default ?? loaded;
  } catch (error) {
    const got = (error as Error).message.split("\n")[0];
    throw new WorldError({
      op: "mpi",
      what: "no koffi",
      expected: "the package koffi, which calls MPI",
      got,
      hint: HINT,
    });
  }
  try {
    koffi.config({ async_stack_size: STACK_BYTES, async_heap_size: STACK_BYTES });
  } catch {
    // Somebody else has called C by it before: then it keeps what it has.
  }
  return koffi;
}

const RTLD_LAZY = 1;

/**
 * Loads a library for as long as the process lives. koffi closes its libraries when Node ends, but before its threads
 * end: what a library does then (as Open MPI does with TCP) would run code that is no longer there.
 *
 * @throws Error with the linker's words
 */
export function loadForGood(koffi: Koffi, file: string): ForeignLibrary {
  // Plug-ins of MPI look for its functions in the process: global, as in a program that is linked to it.
  const library = koffi.load(file, { lazy: true, global: true });
  koffi.load(null, { lazy: true, global: false }).func("void *dlopen(const char *, int)")(file, RTLD_LAZY);
  return library;
}

/** Where koffi is, for a thread that has to load it too. */
export const koffiFile = (): string => createRequire(import.meta.url).resolve("koffi");
