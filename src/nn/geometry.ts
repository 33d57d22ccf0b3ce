/** @file Rules for what window layers are given. */
import { either, integer, listOf, oneOf, type Rule } from "../core/checks.js";

/** One integer ≥ `least`, or two. */
export function isPair(least: number): Rule {
  return either(integer(least), listOf(integer(least), 2));
}

/** Zeros around an image, in each of its forms. */
export const isPadding: Rule = either(integer(0), listOf(integer(0), 2), listOf(integer(0), 4), oneOf("same", "valid"));
