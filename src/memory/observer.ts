/** @file Who is told of every array that is made, while somebody watches. Imports nothing. */

/** Sees arrays and steps; see `watchArrays`. */
export interface MemoryObserver {
  /** An array was made: called at the end of its constructor. */
  made(item: object): void;
  /** An optimizer changed its parameters. */
  stepped(): void;
  /** What to add to the message when memory is full. */
  advice(): string;
}

/** Those who watch; empty unless somebody develops: then nothing is done but to look at its length. */
export const observers: MemoryObserver[] = [];
