/** @file What program.ts finds out. */
export interface Outcome {
  /** Mean squared error of a small float net that has learned XOR. */
  loss: number;
  /** What it says to the four inputs. */
  outputs: number[];
  /** SHA-256 of the packed file of a quantized net. */
  packed: string;
  /** What the packed file says to some digits, when run on integers. */
  logits: number[];
  /** What the training graph says to them. */
  trained: number[];
  /** Arrays alive at the end. */
  arrays: number;
}
