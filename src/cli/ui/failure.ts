/** @file What a user sees when a command fails: one line on stderr, an exit code, and a stack only on request. */
import { CoarsegradError, type ErrorFields } from "../../core/errors.js";
import { printable } from "../../core/printable.js";
import { UsageError } from "../../run/usage-error.js";

/** Signals that ask a command to stop, by their numbers. */
const STOP_SIGNALS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
export type StopSignal = keyof typeof STOP_SIGNALS;

/** Work that stopped because a signal asked for it (Ctrl-C: SIGINT). Exit code 128 and the signal's number. */
export class InterruptedError extends CoarsegradError {
  readonly signal: StopSignal;
  constructor(fields: ErrorFields, signal: StopSignal = "SIGINT") {
    super(fields);
    this.signal = signal;
  }
}

/** Exit codes of every command. */
export const EXIT = { ok: 0, failure: 1, usage: 2, interrupted: 130 } as const;

/** What shells say of a program that a signal ended. */
export function exitCodeOf(signal: StopSignal): number {
  return 128 + STOP_SIGNALS[signal];
}

/** Maps whatever was thrown to the exit code and the line that follows `coarsegrad: `. */
export function describeFailure(thrown: unknown): { code: number; line: string } {
  if (thrown instanceof InterruptedError) return { code: exitCodeOf(thrown.signal), line: oneLine(thrown.message) };
  if (isAbort(thrown)) return { code: EXIT.interrupted, line: "interrupted" };
  if (thrown instanceof UsageError) return { code: EXIT.usage, line: oneLine(thrown.message) };
  if (thrown instanceof CoarsegradError) return { code: EXIT.failure, line: oneLine(thrown.message) };
  if (thrown instanceof Error) return { code: EXIT.failure, line: oneLine(systemLine(thrown) ?? thrown.message) };
  return { code: EXIT.failure, line: oneLine(String(thrown)) };
}

function isAbort(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "AbortError";
}

const SYSTEM: Readonly<Record<string, { what: string; expected: string }>> = {
  ENOENT: { what: "no such file or folder", expected: "an existing path" },
  EACCES: { what: "permission denied", expected: "a path that this user may use" },
  EPERM: { what: "permission denied", expected: "a path that this user may use" },
  EISDIR: { what: "is a folder", expected: "a file" },
  ENOTDIR: { what: "is not a folder", expected: "a folder" },
  ENOSPC: { what: "no space left on the disk", expected: "free space" },
  EROFS: { what: "read-only file system", expected: "a place that can be written" },
};

/** The house form of an error of the operating system, or null if it is not one. */
function systemLine(error: Error): string | null {
  const { code, path } = error as NodeJS.ErrnoException;
  const known = code === undefined ? undefined : SYSTEM[code];
  if (known === undefined || path === undefined) return null;
  return `${path}: ${known.what}; expected ${known.expected}`;
}

function oneLine(text: string): string {
  return printable(
    text
      .split("\n")
      .map((line) => line.trim())
      .join(" ")
      .trim(),
  );
}
