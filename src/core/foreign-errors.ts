/** @file What was thrown, told by what it says: `instanceof` fails for errors of another realm. Imports nothing. */

/**
 * True for an error of JavaScript's own kinds (`RangeError`, …) of any realm: a buffer that cannot be had in a frame, a
 * vm context or Jest throws another realm's.
 */
export function isErrorOf(name: string, cause: unknown): cause is Error {
  return typeof cause === "object" && cause !== null && (cause as Error).name === name;
}

/** What an error says, whatever was thrown. */
export function messageOf(cause: unknown): string {
  const message = typeof cause === "object" && cause !== null ? (cause as Error).message : undefined;
  return typeof message === "string" ? message : String(cause);
}
