/** @file Multiply-accumulates by the widths of what is multiplied. */

/** Multiply-accumulates of one pair of widths; 32 is float. */
export interface MacSummary {
  /** Bits of a weight; 32 for float. */
  readonly weightBits: number;
  /** Bits of an activation; 32 for float. */
  readonly activationBits: number;
  /** Multiply-accumulates of these widths. */
  readonly macs: number;
}

/** Sums of equal pairs, narrowest weights first, then narrowest activations. */
export function macsByBits(products: readonly MacSummary[]): MacSummary[] {
  const pairs = new Map<string, MacSummary>();
  for (const { weightBits, activationBits, macs } of products) {
    const key = `${weightBits} ${activationBits}`;
    pairs.set(key, { weightBits, activationBits, macs: (pairs.get(key)?.macs ?? 0) + macs });
  }
  return [...pairs.values()].sort((a, b) => a.weightBits - b.weightBits || a.activationBits - b.activationBits);
}

/** Bit operations: Σ macs·W·A. */
export function bitOperations(pairs: readonly MacSummary[]): number {
  return pairs.reduce((sum, { macs, weightBits, activationBits }) => sum + macs * weightBits * activationBits, 0);
}
