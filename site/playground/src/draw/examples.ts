/** @file Some digits to begin with, generated. */
import { digits } from "coarsegrad/data";

/** How many there are. */
export const EXAMPLES = 10;

let images: Uint8Array | null = null;

/** The n-th example, 28×28. */
export function exampleDigit(n: number): Uint8Array {
  images ??= digits({ train: 0, test: EXAMPLES, seed: 6 }).test.images;
  return images.subarray(n * 784, (n + 1) * 784);
}
