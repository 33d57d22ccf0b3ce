/** @file What every reader owes to bad bytes: a FormatError that names the file, or a value; never anything else. */
import fc from "fast-check";
import { expect } from "vitest";
import { FormatError } from "../../src/core/errors.js";

/** Runs a reader on bytes that are expected to be refused, and returns the error's message. */
export function refusal(read: (bytes: Uint8Array, file: string) => unknown, bytes: Uint8Array): string {
  let value: unknown;
  try {
    value = read(bytes, "some.file");
  } catch (error) {
    expect(error).toBeInstanceOf(FormatError);
    expect((error as FormatError).message).toMatch(/^some\.file: /);
    return (error as FormatError).message;
  }
  throw new Error(`accepted: ${JSON.stringify(value)}`);
}

/** Every proper prefix of a good file is refused, and so is the file with a byte more. */
export function refusesEveryCut(read: (bytes: Uint8Array, file: string) => unknown, good: Uint8Array): void {
  expect(() => read(good, "good")).not.toThrow();
  for (let n = 0; n < good.length; n++) refusal(read, good.slice(0, n));
  refusal(read, Uint8Array.of(...good, 0));
}

/** Random changes of a good file give a value or a FormatError. */
export function survivesMutation(read: (bytes: Uint8Array, file: string) => unknown, good: Uint8Array): void {
  const change = fc.record({ at: fc.nat({ max: good.length - 1 }), byte: fc.nat({ max: 255 }) });
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), fc.nat({ max: good.length }), (changes, keep) => {
      const bytes = good.slice(0, keep % 3 === 0 ? keep : good.length);
      for (const { at, byte } of changes) if (at < bytes.length) bytes[at] = byte;
      try {
        read(bytes, "mutated");
      } catch (error) {
        expect(error).toBeInstanceOf(FormatError);
      }
    }),
    { numRuns: 2000 },
  );
}

/** A copy at an odd offset of a larger buffer, as a slice of a download would be. */
export function unaligned(bytes: Uint8Array): Uint8Array {
  const larger = new Uint8Array(bytes.length + 5).fill(0xee);
  larger.set(bytes, 3);
  return larger.subarray(3, 3 + bytes.length);
}
