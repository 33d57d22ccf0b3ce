/** @file Level sets: which integers weights and activations of a width can be. */
import { refuse } from "../core/checks.js";

/** Largest code of a byte, such as a pixel. */
export const BYTE_TOP = 255;

/**
 * Largest |code| of b-bit weights: 1 for b = 1 (codes ±1), else 2^{b−1} − 1 (codes −top…top).
 * @see BCGD §2, level sets Q
 */
export function weightTop(bits: number): number {
  return bits === 1 ? 1 : 2 ** (bits - 1) - 1;
}

/** True if a code is in the level set of b-bit weights; 1 bit has no 0. */
export function isWeightCode(code: number, bits: number, top: number = weightTop(bits)): boolean {
  return Math.abs(code) <= top && (bits > 1 || code !== 0);
}

/** Largest code of a b-bit staircase: L = 2^b − 1 (codes 0…L). @see BCGD §3 */
export function staircaseTop(bits: number): number {
  return 2 ** bits - 1;
}

/** Bits that hold codes 0…top. */
export function bitsOfTop(top: number): number {
  return 32 - Math.clz32(top);
}

/** @throws ArgumentError unless `bits` is an integer in [least, 8] */
export function checkBits(op: string, bits: number, least = 1): void {
  if (Number.isInteger(bits) && bits >= least && bits <= 8) return;
  refuse(op, "bits", `an integer from ${least} to 8`, bits);
}
