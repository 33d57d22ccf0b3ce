/** @file Kinds of settings: what they read, refuse, write, and ask of JSON. */
import { describe, expect, it } from "vitest";
import { bitsText, parseBits } from "../../src/run/bits.js";
import { choice, names, objectOf, orNull, real, someNames, whole } from "../../src/run/kinds.js";

describe("option values", () => {
  it.each([
    ["float", 32, 32],
    ["FLOAT", 32, 32],
    ["32W32A", 32, 32],
    ["1W4A", 1, 4],
    ["32w4a", 32, 4],
    ["8W8A", 8, 8],
  ])("reads %s", (text, weights, activations) => {
    expect(parseBits(text)).toEqual({ weights, activations });
  });

  it.each(["", "4", "1W", "9W4A", "0W4A", "1W16A", "1W4A ", "-1W4A", "1.5W4A"])("refuses bit-widths %j", (text) => {
    expect(() => parseBits(text)).toThrow(/^--bits: unknown bit-widths; expected float or nWmA .*, got "/);
  });

  it("writes what it reads", () => {
    for (const weights of [1, 2, 3, 4, 5, 6, 7, 8, 32]) {
      for (const activations of [1, 2, 3, 4, 5, 6, 7, 8, 32]) {
        expect(parseBits(bitsText({ weights, activations }))).toEqual({ weights, activations });
      }
    }
  });

  it("refuses numbers outside their bounds and says the bounds", () => {
    expect(whole({ min: 1 }).read("12", "--epochs")).toBe(12);
    expect(() => whole({ min: 1 }).read("0", "--epochs")).toThrow(
      '--epochs: out of range; expected a whole number, at least 1, got "0"',
    );
    expect(() => whole({ min: 1 }).read("1.5", "--epochs")).toThrow("out of range");
    expect(() => whole({ min: 1 }).read("many", "--epochs")).toThrow("--epochs: not a whole number");
    expect(real({ above: 0 }).read("1e-3", "--lr")).toBe(0.001);
    expect(() => real({ above: 0 }).read("0", "--lr")).toThrow("--lr: out of range; expected a number, above 0");
    expect(() => real().read("", "--lr")).toThrow("--lr: not a number");
    expect(() => real().read("NaN", "--lr")).toThrow("--lr: not a number");
    expect(() => real().read("Infinity", "--lr")).toThrow("--lr: not a number");
  });

  it("suggests the nearest word", () => {
    const read = (word: string) => choice(["bcgd", "bc", "relax", "ptq"]).read(word, "--method");
    expect(read("bcgd")).toBe("bcgd");
    expect(() => read("bgcd")).toThrow(
      '--method: unknown value "bgcd" (did you mean bcgd?); expected bcgd, bc, relax, ptq',
    );
    expect(() => read("sgd-something-else")).toThrow(/unknown value "sgd-something-else"; expected /);
  });

  it("reads lists, and none as an empty one", () => {
    expect(names.read("first, last", "--keep-float")).toEqual(["first", "last"]);
    expect(names.read("none", "--keep-float")).toEqual([]);
    expect(names.join?.(["first"], ["last", "first"])).toEqual(["first", "last"]);
    expect(orNull(names).join?.(["first"], ["last"])).toEqual(["first", "last"]);
    expect(real().join ?? orNull(real()).join).toBeUndefined();
    expect(someNames.read("none", "--only")).toEqual(["none"]);
    expect(() => names.read(" , ", "--keep-float")).toThrow("--keep-float: empty list");
  });

  it("is written as it is read, numbers in their shorter form", () => {
    for (const word of ["1e-5", "0.05", "1", "200"]) expect(real().write(real().read(word, "--x"))).toBe(word);
    for (const words of ["first,last", "none"]) expect(names.write(names.read(words, "--x"))).toBe(words);
  });

  it("asks of JSON what it asks of text", () => {
    expect(whole({ min: 2 }).rule(2)).toBeNull();
    expect(whole({ min: 2 }).rule(1)).toBe("a whole number, at least 2");
    expect(real({ min: 0, below: 1 }).rule("0")).toBe("a number, at least 0 and below 1");
    expect(choice(["a", "b"]).rule("c")).toBe("a, b");
    expect(orNull(whole()).rule(null)).toBeNull();
    expect(orNull(whole()).rule(0.5)).toBe("a whole number, or null");
    expect(names.rule(["a", 1])).toBe("a list of names");
    const rule = objectOf({ name: choice(["x"]).rule, size: real().rule });
    expect([rule({ name: "x" }), rule({ name: "x", size: 1 })]).toEqual([null, null]);
    expect([rule(null), rule({}), rule({ name: "x", size: "1" }), rule({ name: "x", other: 1 })]).toEqual([
      "an object",
      "name: x",
      "size: a number",
      "no other fields than name, size",
    ]);
  });
});
