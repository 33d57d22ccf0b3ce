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
  load(file: string, options: { lazy: boolean; global: boolean }): ForeignLibrary;
  config(options: { async_stack_size: number; async_heap_size: number }): unknown;
}

const HINT = "install it beside coarsegrad: npm install koffi@3";
/** Stack of a function that is called on another thread: transports of MPI need more than koffi's 128 KiB. */
const STACK_BYTES = 1 << 20;

/** Loads koffi. @param load replaces the import, for tests @throws WorldError without it */
export async function loadKoffi(load: () => Promise<unknown> = () => import("koffi")): Promise<Koffi> {
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
  koffi.config({ async_stack_size: STACK_BYTES, async_heap_size: STACK_BYTES });
  return koffi;
}

/** Where koffi is, for a thread that has to load it too. */
export const koffiFile = (): string => createRequire(import.meta.url).resolve("koffi");
