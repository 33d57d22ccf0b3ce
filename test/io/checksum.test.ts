import fc from "fast-check";
import { expect, it } from "vitest";
import { contentChecksum, crc32 } from "../../src/io/checksum.js";

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

it("is the CRC-32 of IEEE 802.3, also in pieces", () => {
  expect(crc32(bytesOf("123456789"))).toBe(0xcbf43926);
  expect(crc32(new Uint8Array(0))).toBe(0);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, at) => {
      expect(crc32(bytes.subarray(at), crc32(bytes.subarray(0, at)))).toBe(crc32(bytes));
    }),
  );
});

const tensors = () => [
  { name: "b", shape: [2], data: Float32Array.of(1, 2) },
  { name: "a", shape: [1, 3], data: Uint8Array.of(7, 8, 9) },
];
const metadata = { version: "1", format: "x" };

it("does not depend on the order of tensors or texts", () => {
  const sum = contentChecksum(tensors(), metadata);
  expect(sum).toMatch(/^[0-9a-f]{8}$/);
  expect(contentChecksum(tensors().reverse(), { format: "x", version: "1" })).toBe(sum);
});

it("depends on every bit of the data, and on names, kinds, shapes and texts", () => {
  const sum = contentChecksum(tensors(), metadata);
  const [b, a] = tensors();
  for (const change of [
    [{ ...b, name: "c" }, a],
    [b, { ...a, shape: [3] }],
    [b, { ...a, data: Int8Array.of(7, 8, 9) }],
    [
      { ...b, name: "a" },
      { ...a, name: "b" },
    ],
    [b],
  ]) {
    expect(contentChecksum(change, metadata)).not.toBe(sum);
  }
  expect(contentChecksum(tensors(), { ...metadata, format: "y" })).not.toBe(sum);
  for (let bit = 0; bit < 8 * 8; bit++) {
    const changed = tensors();
    new Uint8Array(changed[0].data.buffer)[bit >> 3] ^= 1 << (bit & 7);
    expect(contentChecksum(changed, metadata)).not.toBe(sum);
  }
});
