/** @file Tar archives as the usual tools write them, and broken ones. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readTar } from "../../src/io/tar.js";
import { refusal, survivesMutation } from "./malformed.js";
import { tarOf } from "./tar-of.js";

const path = fc.stringMatching(/^[a-z]{1,20}(\/[a-z]{1,20}){0,3}$/);

describe("readTar", () => {
  it("gives every plain file, whatever its length", () => {
    fc.assert(
      fc.property(fc.dictionary(path, fc.uint8Array({ maxLength: 1200 }), { maxKeys: 5 }), (files) => {
        const back = readTar(tarOf(files));
        expect([...back.keys()]).toEqual(Object.keys(files));
        for (const [name, content] of Object.entries(files)) expect(Uint8Array.from(back.get(name)!)).toEqual(content);
      }),
    );
  });
  it("passes over directories and joins a ustar prefix", () => {
    const archive = tarOf({ "folder/": new Uint8Array(0), "folder/a.bin": Uint8Array.of(1, 2, 3) });
    expect([...readTar(archive).keys()]).toEqual(["folder/a.bin"]);
    const prefixed = tarOf({ "a.bin": Uint8Array.of(7) }, "some/where");
    expect([...readTar(prefixed).keys()]).toEqual(["some/where/a.bin"]);
  });
  it.each<[string, (good: Uint8Array) => Uint8Array, RegExp]>([
    ["cut in a header", (good) => good.slice(0, 100), /truncated archive; expected a header at 0, got 100 bytes/],
    ["cut in a file", (good) => good.slice(0, 512 + 5), /truncated archive in x; expected 600 bytes, got 5/],
    ["a changed name", (good) => good.with(0, 0x79), /bad header at 0; expected checksum/],
    ["not an archive", () => new Uint8Array(512).fill(1), /bad header at 0/],
  ])("%s", (_, breakIt, message) => {
    expect(refusal(readTar, breakIt(tarOf({ x: new Uint8Array(600) })))).toMatch(message);
  });
  it("survives mutation", () => survivesMutation(readTar, tarOf({ x: new Uint8Array(600), y: Uint8Array.of(1) })));
});
