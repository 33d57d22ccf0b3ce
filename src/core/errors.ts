/** @file Typed errors with one message form: `<op>: <what>; expected <…>, got <…>; <hint>`. */
import { cut, printable } from "./printable.js";

/** What an error tells: the operation or file, what is wrong, what was expected, what came, and how to mend it. */
export interface ErrorFields {
  /** The operation, option or file that refuses. */
  readonly op: string;
  /** What is wrong, in a few words. */
  readonly what: string;
  /** What would have been right. */
  readonly expected?: string;
  /** What came instead. */
  readonly got?: string;
  /** What to do. */
  readonly hint?: string;
}

/** Characters of one field that a message shows: files may hold names of megabytes. */
const LONGEST = 4000;

/** A field as text: whoever makes an error may have less to say than its type asks for. */
function shown(field: unknown): string | undefined {
  if (field === undefined || field === null) return undefined;
  const plain = typeof field === "string" || typeof field === "number" || typeof field === "boolean";
  return printable(cut(plain ? String(field) : typeof field, LONGEST));
}

/**
 * The message; text that came from files is shown with its control characters escaped. The error's fields stay as they
 * were given.
 */
function message(fields: ErrorFields): string {
  const [op, what, expected, got, hint] = [fields.op, fields.what, fields.expected, fields.got, fields.hint].map(shown);
  const pair = [expected === undefined ? "" : `expected ${expected}`, got === undefined ? "" : `got ${got}`].filter(
    Boolean,
  );
  return [`${op ?? "coarsegrad"}: ${what ?? "error"}`, pair.join(", "), hint ?? ""].filter(Boolean).join("; ");
}

/** Base of every error that the library throws on purpose; its fields say what {@link ErrorFields} describe. */
export class CoarsegradError extends Error {
  // Written out in each class: minifiers rename classes, and `new.target.name` with them.
  /** Name of the class, also in minified code. */
  override readonly name: string = "CoarsegradError";
  /** The operation, option or file that refuses. */
  readonly op: string;
  /** What would have been right. */
  readonly expected: string | undefined;
  /** What came instead. */
  readonly got: string | undefined;
  /** What to do. */
  readonly hint: string | undefined;
  constructor(fields: ErrorFields) {
    fields ??= { op: "coarsegrad", what: "error" };
    super(message(fields));
    this.op = fields.op;
    this.expected = fields.expected;
    this.got = fields.got;
    this.hint = fields.hint;
  }
}

/** Shapes, axes or sizes that do not fit together. */
export class ShapeError extends CoarsegradError {
  override readonly name: string = "ShapeError";
}
/** An element type that the operation does not take. */
export class DTypeError extends CoarsegradError {
  override readonly name: string = "DTypeError";
}
/** An argument or option outside its domain (an unknown name, a negative rate, a label out of range). */
export class ArgumentError extends CoarsegradError {
  override readonly name: string = "ArgumentError";
}
/** An array used after it was disposed or after its scope closed. */
export class DisposedError extends CoarsegradError {
  override readonly name: string = "DisposedError";
}
/** A scope used against its rules (an async function inside, closed out of order). */
export class ScopeError extends CoarsegradError {
  override readonly name: string = "ScopeError";
}
/** A gradient that cannot be had (no history, a graph already freed, a missing backward rule). */
export class GradientError extends CoarsegradError {
  override readonly name: string = "GradientError";
}
/** A quantization setting or state that cannot be honoured. */
export class QuantError extends CoarsegradError {
  override readonly name: string = "QuantError";
}
/** A file or byte buffer that is not what its format says. */
export class FormatError extends CoarsegradError {
  override readonly name: string = "FormatError";
}
/** Parameters and a state dict, or a checkpoint and a model, that do not match; lists missing and extra keys. */
export class StateError extends CoarsegradError {
  override readonly name: string = "StateError";
}
/** Training that left the finite numbers. */
export class DivergenceError extends CoarsegradError {
  override readonly name: string = "DivergenceError";
}
/** Memory that cannot be had. */
export class MemoryError extends CoarsegradError {
  override readonly name: string = "MemoryError";
}
/** Threads that cannot be had, or that were lost while they worked. */
export class ThreadError extends CoarsegradError {
  override readonly name: string = "ThreadError";
}
/** Ranks that cannot be had, that do not agree with each other, or that were lost while others waited for them. */
export class WorldError extends CoarsegradError {
  override readonly name: string = "WorldError";
}
/** A data set that cannot be found, fetched or trusted. */
export class DataError extends CoarsegradError {
  override readonly name: string = "DataError";
}
