/**
 * @file Runs that were extended: their parts, each up to some epoch on a schedule over some number of epochs. A
 * configuration holds them all, so that it still decides the result by itself.
 */
import { integer, listOf, type Rule } from "../core/checks.js";
import { objectOf } from "./kinds.js";

/** A part of a run: it ends after the epoch `at`, and its schedule is that of a run of `epochs`. */
export interface RunPart {
  /** Epoch at which the part begins. */
  readonly at: number;
  /** Epochs until which it goes. */
  readonly epochs: number;
}

/** Earlier parts of a run in a configuration. */
export const partsRule: Rule = (value) => {
  const words = listOf(objectOf({ at: integer(1), epochs: integer(1) }))(value);
  if (words !== null) return words;
  const parts = value as readonly RunPart[];
  const good = parts.every(
    ({ at, epochs }, i) => Number.isInteger(epochs) && at <= epochs && (i === 0 || at > parts[i - 1].at),
  );
  return good && parts.length > 0 ? null : "parts { at, epochs } that end one after the other, none after its epochs";
};

/** What a configuration says of its parts. */
interface Extended {
  readonly epochs: number;
  readonly extended?: readonly RunPart[];
}

/** All parts of a run, the last one at its end. */
export function partsOf({ epochs, extended = [] }: Extended): readonly RunPart[] {
  return [...extended, { at: epochs, epochs }];
}
