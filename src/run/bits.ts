/** @file Bit-widths as the field writes them: 1W4A is one bit per weight and four per activation. */
import { check, integer, record, text as string } from "../core/checks.js";
import type { Kind } from "./kinds.js";
import { quoted, UsageError } from "./usage-error.js";

/** Bits per weight and per activation; 32 stands for float. */
export interface BitWidths {
  /** Bits of a weight; 32 for float. */
  readonly weights: number;
  /** Bits of an activation; 32 for float. */
  readonly activations: number;
}

/**
 * Reads `float` or nWmA, n and m in 1…8 or 32 (32 means float).
 *
 * @throws UsageError for anything else
 */
export function parseBits(text: string, option = "--bits"): BitWidths {
  check("parseBits", "text", text, string);
  check("parseBits", "option", option, string);
  if (/^(float|32w32a)$/i.test(text)) return { weights: 32, activations: 32 };
  const match = /^(\d+)w(\d+)a$/i.exec(text);
  const weights = Number(match?.[1]);
  const activations = Number(match?.[2]);
  const allowed = (bits: number): boolean => (bits >= 1 && bits <= 8) || bits === 32;
  if (match === null || !allowed(weights) || !allowed(activations)) {
    throw new UsageError({
      op: option,
      what: "unknown bit-widths",
      expected: "float or nWmA with n and m in 1…8 or 32, such as 1W4A",
      got: quoted(text),
    });
  }
  return { weights, activations };
}

/** The inverse of {@link parseBits}: `float` or nWmA. */
export function bitsText(widths: BitWidths): string {
  check("bitsText", "widths", widths, record);
  const { weights, activations } = widths;
  for (const bits of [weights, activations]) check("bitsText", "widths", bits, integer(1, 32));
  return weights === 32 && activations === 32 ? "float" : `${weights}W${activations}A`;
}

/** Bit-widths as a setting: the text, in one spelling. */
export const bitWidths: Kind<string> = {
  read: (text, option) => bitsText(parseBits(text, option)),
  rule: (value) =>
    typeof value === "string" && /^(?:float|(?:[1-8]|32)W(?:[1-8]|32)A)$/.test(value) ? null : "float, or such as 1W4A",
  write: (text) => text,
};
