/** @file Weights packed by bit planes, read back. */

import type { Context } from "../context.js";
import type { Ptr } from "../contract.js";
import { LOOKUP_FILTERS } from "./sizes.js";

/** Places of the bits that are set. */
export function planesOf(mask: number): number[] {
  return [0, 1, 2, 3, 4, 5, 6, 7].filter((plane) => (mask >> plane) & 1);
}

/** Weights [N, K] from their packed form. */
export function unpack(
  heap: Context["heap"],
  weightsPtr: Ptr,
  N: number,
  K: number,
  offset: number,
  mask: number,
): Int32Array {
  const planes = planesOf(mask);
  const groups = Math.ceil(K / 16) * 4;
  const packed = heap.u8(weightsPtr, Math.ceil(N / LOOKUP_FILTERS) * planes.length * groups * LOOKUP_FILTERS);
  return Int32Array.from({ length: N * K }, (_, i) => {
    const [n, k] = [Math.floor(i / K), i % K];
    let weight = -offset;
    planes.forEach((plane, p) => {
      const block = Math.floor(n / LOOKUP_FILTERS) * planes.length + p;
      const nibble = packed[(block * groups + (k >> 2)) * LOOKUP_FILTERS + (n % LOOKUP_FILTERS)];
      weight += ((nibble >> (k & 3)) & 1) << plane;
    });
    return weight;
  });
}
