/** @file CIFAR-10 records: planes become channels, and bad batches are refused. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CIFAR10_RECORD, readCifar10 } from "../../src/io/cifar.js";
import { refusal, survivesMutation } from "./malformed.js";

describe("readCifar10", () => {
  it("puts channel c of pixel (y, x) of record n where the layout says", () => {
    const bytes = Uint8Array.from({ length: 3 * CIFAR10_RECORD }, (_, i) => (i * 131 + (i >> 8)) & 255);
    [4, 0, 9].forEach((label, n) => {
      bytes[n * CIFAR10_RECORD] = label;
    });
    const { count, images, labels } = readCifar10(bytes);
    expect(count).toBe(3);
    expect(labels).toEqual(Uint8Array.of(4, 0, 9));
    expect(images.length).toBe(3 * 32 * 32 * 3);
    const place = fc.tuple(fc.nat(2), fc.nat(31), fc.nat(31), fc.nat(2));
    fc.assert(
      fc.property(place, ([n, y, x, c]) => {
        expect(images[((n * 32 + y) * 32 + x) * 3 + c]).toBe(bytes[n * 3073 + 1 + c * 1024 + y * 32 + x]);
      }),
    );
  });
  it.each([0, 1, 3072, 3074, 2 * 3073 - 1])("refuses %d bytes", (length) => {
    expect(refusal(readCifar10, new Uint8Array(length))).toMatch(/whole number of CIFAR-10 records; expected .*3073/);
  });
  it("refuses a label above 9, naming the record", () => {
    const bytes = new Uint8Array(3 * CIFAR10_RECORD);
    bytes[2 * CIFAR10_RECORD] = 10;
    expect(refusal(readCifar10, bytes)).toMatch(/label out of range in record 2; expected 0 to 9, got 10/);
  });
  it("survives mutation", () => survivesMutation(readCifar10, new Uint8Array(CIFAR10_RECORD)));
});
