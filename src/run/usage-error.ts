/** @file Settings that cannot be understood: the error, and the nearest accepted word. */
import { nearest } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";

/**
 * A setting, an option or a command that is not understood, or does not go with the others. On the command line: exit
 * code 2.
 */
export class UsageError extends ArgumentError {}

/** A word as error messages show it. */
export function quoted(word: string): string {
  return JSON.stringify(word);
}

/**
 * An error about a word that is not among the accepted ones. The nearest of them is suggested before all are listed:
 * `train: unknown option "--modle" (did you mean --model?); expected --model, --data, …`.
 *
 * @param op the option or argument, such as `--model`
 */
export function unknownWord(op: string, what: string, word: string, accepted: readonly string[]): UsageError {
  const meant = nearest(word, accepted);
  const slip = meant === null ? "" : ` (did you mean ${meant}?)`;
  return new UsageError({ op, what: `${what} ${quoted(word)}${slip}`, expected: accepted.join(", ") });
}
