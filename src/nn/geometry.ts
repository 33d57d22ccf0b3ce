/** @file What window layers may be given. */
import { either, integer, listOf, oneOf, type Rule } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";

/** One integer ≥ `least`, or two. */
export function isPair(least: number): Rule {
  return either(integer(least), listOf(integer(least), 2));
}

/** Zeros around an image, in each of its forms. */
export const isPadding: Rule = either(integer(0), listOf(integer(0), 2), listOf(integer(0), 4), oneOf("same", "valid"));

/** @throws ArgumentError unless groups of channels come out even */
export function checkGroups(op: string, inChannels: number, outChannels: number, groups: number): void {
  if (inChannels % groups === 0 && outChannels % groups === 0) return;
  const expected = `a divisor of ${inChannels} and ${outChannels}`;
  throw new ArgumentError({ op, what: "bad groups", expected, got: `${groups}` });
}
