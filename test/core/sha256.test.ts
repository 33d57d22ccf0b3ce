/** @file SHA-256 against the vectors of FIPS 180-4 / NIST CAVS and against the engine's own implementation. */
import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Sha256, sha256Hex } from "../../src/core/sha256.js";

const ascii = (text: string) => new TextEncoder().encode(text);

describe("published vectors", () => {
  it.each([
    ["", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"],
    ["abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
    [
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    ],
    [
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
    ],
  ])("%j", (text, digest) => {
    expect(sha256Hex(ascii(text))).toBe(digest);
  });
  it("a million times a", () => {
    const digest = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
    expect(sha256Hex(ascii("a".repeat(1_000_000)))).toBe(digest);
  });
});

describe("properties", () => {
  it("agrees with node:crypto at every length round a block and two", () => {
    for (let n = 0; n <= 200; n++) {
      const bytes = Uint8Array.from({ length: n }, (_, i) => (i * 73 + n) & 255);
      expect(sha256Hex(bytes), `${n} bytes`).toBe(createHash("sha256").update(bytes).digest("hex"));
    }
  });
  it("does not depend on how the bytes are cut", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 150 }), { maxLength: 8 }), (pieces) => {
        const want = createHash("sha256").update(Buffer.concat(pieces)).digest("hex");
        expect(sha256Hex(pieces)).toBe(want);
        const hash = new Sha256();
        for (const piece of pieces) hash.update(piece);
        expect(hash.hex()).toBe(want);
        expect(hash.hex()).toBe(want);
      }),
    );
  });
  it("refuses bytes after the digest was taken", () => {
    const hash = new Sha256();
    hash.hex();
    expect(() => hash.update(ascii("x"))).toThrow(/after hex/);
  });
});
