/** @file Settings that cannot be understood: the error, and the nearest accepted word. */
import { nearest } from "../core/checks.js";
import { ArgumentError, type ErrorFields } from "../core/errors.js";

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
 * An error about a word that is not among the accepted ones, with the nearest of them as a suggestion.
 *
 * @param op the option or argument, such as `--model`
 */
export function unknownWord(op: string, what: string, word: string, accepted: readonly string[]): UsageError {
  const meant = nearest(word, accepted);
  const fields: ErrorFields = { op, what, expected: accepted.join(", "), got: quoted(word) };
  return new UsageError(meant === null ? fields : { ...fields, hint: `did you mean ${meant}?` });
}
