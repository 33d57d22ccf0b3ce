/** @file Errors on their way from a worker thread to whoever waits for its work. */
import { ArgumentError, CoarsegradError, DataError, type ErrorFields } from "../../core/errors.js";

/** An error as a message holds it. */
export type Failure = Partial<ErrorFields> & { readonly message: string; readonly isArgument?: boolean };

/** What is wrong, for a message. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof CoarsegradError)) return { message: (error as Error)?.message ?? String(error) };
  const { message, op, expected, got, hint } = error;
  // The message begins with "<op>: <what>", and goes on with what the other fields hold.
  const what = message.slice(op.length + 2).split("; expected ")[0];
  return { message, op, what, expected, got, hint, isArgument: error instanceof ArgumentError };
}

/** The error again. @param name of the data set, for what the user's code threw */
export function errorOf(name: string, { message, op, what, isArgument, ...rest }: Failure): Error {
  if (op === undefined || what === undefined)
    return new DataError({ op: name, what: "an example cannot be made", got: message });
  return isArgument ? new ArgumentError({ op, what, ...rest }) : new DataError({ op, what, ...rest });
}
