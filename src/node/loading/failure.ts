/** @file Errors on their way from a worker thread to whoever waits for its work. */
import { ArgumentError, CoarsegradError, DataError, type ErrorFields, FormatError } from "../../core/errors.js";

/** An error as a message holds it. */
export type Failure = Partial<ErrorFields> & { readonly message: string; readonly kind?: keyof typeof KINDS };

/** Classes of errors that come back as what they were; others are of the data. */
const KINDS = { ArgumentError, FormatError } as const;

/** What is wrong, for a message. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof CoarsegradError)) return { message: (error as Error)?.message ?? String(error) };
  const { message, op, expected, got, hint } = error;
  // The message begins with "<op>: <what>", and goes on with what the other fields hold.
  const [begin] = message.slice(op.length + 2).split(/; (?:expected|got) /);
  const what = hint !== undefined && begin.endsWith(`; ${hint}`) ? begin.slice(0, -hint.length - 2) : begin;
  return { message, op, what, expected, got, hint, ...kindOf(error) };
}

function kindOf(error: CoarsegradError): Pick<Failure, "kind"> {
  return Object.hasOwn(KINDS, error.name) ? { kind: error.name as keyof typeof KINDS } : {};
}

/** The error again. @param name of the data set, for what the user's code threw */
export function errorOf(name: string, { message, op, what, kind, ...rest }: Failure): Error {
  if (op === undefined || what === undefined)
    return new DataError({ op: name, what: "an example cannot be made", got: message });
  return new (kind === undefined ? DataError : KINDS[kind])({ op, what, ...rest });
}
