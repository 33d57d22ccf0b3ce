/** @file Bit-widths as the field writes them: 1W4A is one bit per weight and four per activation. */
import { Option } from "commander";
import { quoted, UsageError } from "./failure.js";

/** Bits per weight and per activation; 32 stands for float. */
export interface BitWidths {
  readonly weights: number;
  readonly activations: number;
}

/** The whole network in float. */
export const FLOAT: BitWidths = { weights: 32, activations: 32 };

/**
 * Reads `float` or nWmA, n and m in 1…8 or 32 (32 means float).
 *
 * @throws UsageError for anything else
 */
export function parseBits(text: string): BitWidths {
  if (/^(float|32w32a)$/i.test(text)) return FLOAT;
  const match = /^(\d+)w(\d+)a$/i.exec(text);
  const weights = Number(match?.[1]);
  const activations = Number(match?.[2]);
  const allowed = (bits: number): boolean => (bits >= 1 && bits <= 8) || bits === 32;
  if (match === null || !allowed(weights) || !allowed(activations)) {
    throw new UsageError({
      op: "--bits",
      what: "unknown bit-widths",
      expected: "float or nWmA with n and m in 1…8 or 32, such as 1W4A",
      got: quoted(text),
    });
  }
  return { weights, activations };
}

/** The inverse of {@link parseBits}: `float` or nWmA. */
export function bitsText({ weights, activations }: BitWidths): string {
  return weights === 32 && activations === 32 ? "float" : `${weights}W${activations}A`;
}

/** The option --bits, float by default. */
export function bitsOption(explanation: string): Option {
  return new Option("--bits <widths>", explanation).argParser(parseBits).default(FLOAT, "float");
}
