/** @file Archives at their edges: sizes that are no octal numbers under a right checksum, and an archive of nothing. */
import { expect, it } from "vitest";
import { readNpz, readTar } from "../../src/io/index.js";
import { refusal } from "./malformed.js";
import { tarOf } from "./tar-of.js";

it.each(["12x", "", "8", "-1", "0x10", "1e3"])("a tar member of size %j is refused", (size) => {
  const bytes = tarOf({ a: Uint8Array.of(1) });
  bytes.fill(0, 124, 136);
  bytes.set(new TextEncoder().encode(size), 124);
  let sum = 8 * 0x20;
  for (let i = 0; i < 512; i++) if (i < 148 || i >= 156) sum += bytes[i];
  bytes.set(new TextEncoder().encode(`${sum.toString(8).padStart(6, "0")}\0 `), 148);
  expect(refusal(readTar, bytes)).toMatch(/bad size at 0; expected octal digits/);
});
it("an empty .npz, as numpy.savez writes it, holds no arrays", () => {
  const bytes = new Uint8Array(22);
  bytes.set([0x50, 0x4b, 5, 6]);
  expect(readNpz(bytes).size).toBe(0);
});
