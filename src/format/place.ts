/** @file Where in a file something is wrong: file and tensor, for messages. */
import { FormatError } from "../core/errors.js";

/** File and tensor. */
export interface Place {
  readonly file: string;
  readonly tensor: string;
}

/** Refuses a tensor. @throws FormatError */
export type RefuseTensor = (what: string, expected: string, got: string) => never;

/** What refuses a tensor by its place. */
export function refusal({ file, tensor }: Place): RefuseTensor {
  return (what, expected, got) => {
    throw new FormatError({ op: file, what: `${tensor}: ${what}`, expected, got });
  };
}
