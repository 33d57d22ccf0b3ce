/** @file What both sides of a worker need of each other, and what they say. */

import {
  ArgumentError,
  CoarsegradError,
  DataError,
  DisposedError,
  DivergenceError,
  DTypeError,
  FormatError,
  GradientError,
  MemoryError,
  QuantError,
  ScopeError,
  ShapeError,
  StateError,
  ThreadError,
  WorldError,
} from "../core/errors.js";
import { messageOf } from "../core/foreign-errors.js";

/** A worker seen from outside: a Web Worker, or Node's `Worker` from node:worker_threads. */
export interface WorkerPort {
  /** Sends a message, with memory that is handed over. */
  postMessage(message: unknown, transfer: ArrayBuffer[]): void;
  /** Ends the worker. */
  terminate(): unknown;
  /** Web Workers. */
  addEventListener?(type: string, listener: (event: Event) => void): void;
  /** Node's workers. */
  on?(type: string, listener: (value: unknown) => void): unknown;
}

/** Where a function or a signal stood among the arguments: in one of them, or in a property of one. */
export type Place = readonly [argument: number, key: string | null];

/** A call, or the news that one of its signals was aborted. */
export type Request =
  | {
      readonly id: number;
      readonly name: string;
      readonly args: readonly unknown[];
      readonly functions: readonly Place[];
      readonly signals: readonly Place[];
    }
  | { readonly id: number; readonly aborted: number; readonly reason: Failure };

/** What became of a call, or a call of one of the functions among its arguments. */
export type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failure: Failure }
  | { readonly id: number; readonly told: number; readonly args: readonly unknown[] };

/** An error as it travels: classes do not. */
export interface Failure {
  readonly name: string;
  readonly message: string;
  readonly stack?: string;
  readonly fields?: { readonly op: string; readonly expected?: string; readonly got?: string; readonly hint?: string };
}

/** What was thrown, to be sent. */
export function failureOf(thrown: unknown): Failure {
  const { name, stack } = (thrown ?? {}) as Partial<Error>;
  const { op, expected, got, hint } = thrown as CoarsegradError;
  return {
    name: typeof name === "string" ? name : "Error",
    message: messageOf(thrown),
    ...(typeof stack === "string" && { stack }),
    ...(thrown instanceof CoarsegradError && { fields: { op, expected, got, hint } }),
  };
}

/** Errors of the library by name, each written out: a namespace would hold all of them in every bundle. */
export const CLASSES: Readonly<Record<string, typeof CoarsegradError>> = {
  ArgumentError,
  CoarsegradError,
  DTypeError,
  DataError,
  DisposedError,
  DivergenceError,
  FormatError,
  GradientError,
  MemoryError,
  QuantError,
  ScopeError,
  ShapeError,
  StateError,
  ThreadError,
  WorldError,
};

/** The error again: of its class, with its fields and the stack of where it was thrown. */
export function errorOf({ fields, ...texts }: Failure): Error {
  const type = fields === undefined ? null : (CLASSES[texts.name] ?? CoarsegradError);
  const error = type === null ? new Error(texts.message) : new type({ op: fields?.op ?? "", what: "" });
  return Object.assign(error, texts, fields);
}
