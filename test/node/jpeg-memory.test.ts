/** @file A JPEG that is whole, where memory is not enough for it: a limit, not damage. */
import jpeg from "jpeg-js";
import { afterEach, expect, it, vi } from "vitest";
import { FormatError } from "../../src/core/errors.js";
import { decodeImage } from "../../src/node/images/picture.js";

afterEach(() => vi.restoreAllMocks());

it.each([
  [new RangeError("Array buffer allocation failed"), "too much memory for this JPEG; got 16×8; a limit of the reader"],
  [new Error("maxMemoryUsageInMB limit exceeded by at least 9MB"), "too much memory for this JPEG; got 16×8"],
  [new RangeError("Invalid array length"), "damaged JPEG; expected a whole file, got Invalid array length"],
])("%s", (cause, message) => {
  const bytes = new Uint8Array(jpeg.encode({ width: 16, height: 8, data: Buffer.alloc(512, 9) }, 90).data);
  expect(decodeImage("x.jpg", bytes).width).toBe(16);
  vi.spyOn(jpeg, "decode").mockImplementation(() => {
    throw cause;
  });
  const read = () => decodeImage("x.jpg", bytes);
  expect(read).toThrow(FormatError);
  expect(read).toThrow(`x.jpg: ${message}`);
});
