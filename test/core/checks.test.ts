/** @file The vocabulary of checks: rules, refusals, unknown options, what is said of hostile values. */
import vm from "node:vm";
import { describe, expect, it } from "vitest";
import * as checks from "../../src/core/checks.js";
import { dtypeOf, elementOf, writeElements } from "../../src/core/dtype.js";
import * as errors from "../../src/core/errors.js";
import { bytesIn, kindOf } from "../../src/core/typed-arrays.js";

const { ArgumentError, DTypeError } = errors;

describe("rules", () => {
  const { flag, integer, oneOf, listOf, nullable, either, real, text, within, below, above, atLeast, iterable } =
    checks;
  it.each([
    [flag, [true, false], [0, "true", null]],
    [integer(1), [1, 2 ** 40], [0, 1.5, Number.NaN, "1", 2 ** 53]],
    [integer(0, 3), [0, 3], [-1, 4]],
    [oneOf("a", "b"), ["a"], ["c", undefined]],
    [listOf(real), [[], [1, 2]], [[1, "2"], 1, null, [1, undefined], Array(1)]],
    [nullable(text), [null, ""], [undefined, 1]],
    [either(flag, text), [true, "x"], [1]],
    [within(0, 1), [0, 1], [-0.1, 1.1, Number.NaN]],
    [below(0, 1), [0], [1]],
    [above(0), [1e-300], [0, Number.POSITIVE_INFINITY]],
    [atLeast(0), [0], [-1, Number.NaN]],
    [iterable, [[], new Set(), new Map()], ["text", {}, null, 1]],
  ] as [checks.Rule, unknown[], unknown[]][])("rule %# takes what it says and nothing else", (rule, good, bad) => {
    for (const value of good) expect(rule(value)).toBeNull();
    for (const value of bad) expect(rule(value)).toMatch(/\w/);
  });
});

describe("options", () => {
  interface Options {
    batch?: number;
    weightDecay?: number;
  }
  const rules: checks.OptionRules<Options> = { batch: checks.integer(1), weightDecay: checks.atLeast(0) };
  const ask = (options: unknown) => () => checks.checkOptions<Options>("fit", options as Options, rules);

  it("takes what is known, undefined included", () => {
    for (const options of [undefined, {}, { batch: 1 }, { batch: undefined, weightDecay: 0 }])
      expect(ask(options)).not.toThrow();
  });
  it("refuses unknown names with the nearest known one", () => {
    expect(ask({ weight_decay: 1 })).toThrow("did you mean weightDecay?");
    expect(ask({ colour: 1 })).toThrow(/^fit: unknown option; expected batch, weightDecay, got colour$/);
  });
  it("refuses values and what is no object", () => {
    expect(ask({ batch: 0 })).toThrow("fit: bad batch; expected an integer ≥ 1, got 0");
    for (const options of [null, 1, "batch", [], () => 0]) expect(ask(options)).toThrow(ArgumentError);
  });
});

describe("the nearest known name", () => {
  it.each([
    ["--epoch", ["--epochs", "--lr"], "--epochs"],
    ["MNIST", ["mnist", "fashion-mnist"], "mnist"],
    ["fashion", ["mnist", "fashion-mnist"], "fashion-mnist"],
    ["bgcd", ["float", "bcgd", "bc"], "bcgd"],
    ["lits", ["list", "info"], "list"],
    ["trian", ["quickstart", "train"], "train"],
    ["ba", ["ab"], "ab"],
  ])("to %j of %j is %j", (word, known, meant) => {
    expect(checks.nearest(word, known)).toBe(meant);
  });
  it.each([
    ["imagenet", ["mnist", "digits"]],
    ["", ["a"]],
    ["x", []],
    ["--fast", ["--data", "--split", "--limit"]],
  ])("to %j of %j is none", (word, known) => {
    expect(checks.nearest(word, known)).toBeNull();
  });
});

describe("what is said of a value", () => {
  const hostile = new Proxy(
    {},
    {
      get: () => {
        throw new Error("no");
      },
      getPrototypeOf: () => {
        throw new Error("no");
      },
    },
  );
  it.each([
    [undefined, "undefined"],
    [null, "null"],
    [-0, "-0"],
    [1n, "1n"],
    [Symbol("x"), "a symbol"],
    ["a\u001b[2J\u0085", '"a\\u001b[2J\\u0085"'],
    [[1, 2], "a list of 2"],
    [new Uint16Array(3), "Uint16Array of 3"],
    [{ dtype: "f32", shape: [2, 3] }, "f32 [2,3]"],
    [{ ema: 1, name: "x" }, '{ ema: 1, name: "x" }'],
    [{ ema: { of: 1 } }, "an object"],
    [{ "\u001b[2J": 1 }, "an object"],
    [{ a: 1, b: 2, c: 3, d: 4 }, "an object"],
    [{}, "an object"],
    [hostile, "an object"],
    [new Date(0), "an object (Date)"],
    ["x".repeat(1e6), `"${"x".repeat(60)}…"`],
  ])("value %#", (value, words) => {
    expect(checks.describe(value)).toBe(words);
  });
});

describe("typed arrays of another realm", () => {
  const foreign = vm.runInNewContext(
    "({ f: new Float32Array([1, 2]), b: new Uint8Array([3]), a: new ArrayBuffer(2), d: new DataView(new ArrayBuffer(1)) })",
  );
  it("are told by what they are", () => {
    expect(foreign.f instanceof Float32Array).toBe(false);
    expect([kindOf(foreign.f), kindOf(foreign.d), kindOf([1]), dtypeOf(foreign.f)]).toEqual([
      "Float32Array",
      null,
      null,
      "f32",
    ]);
    expect([bytesIn(foreign.b)?.[0], bytesIn(foreign.a)?.length, bytesIn(foreign.d)?.length]).toEqual([3, 2, 1]);
  });
  it("bytes are bytes: wider elements are refused", () => {
    expect(bytesIn(new Uint16Array(2))).toBeNull();
    expect(() => checks.checkBytes("readNpy", "bytes", new Float32Array(2))).toThrow(DTypeError);
    expect(() => checks.checkBytes("readNpy", "bytes", { [Symbol.toStringTag]: "ArrayBuffer" })).toThrow(DTypeError);
  });
});

describe("elements", () => {
  it.each([new Uint16Array(1), new Int16Array(1), new Uint32Array(1), new BigInt64Array(1)])(
    "%o has no dtype",
    (array) => {
      expect(() => dtypeOf(array as never)).toThrow(new RegExp(array.constructor.name));
    },
  );
  it("integers are held exactly or refused; bool is what is not 0", () => {
    expect(() => elementOf("full", "u8", 256)).toThrow("expected an integer from 0 to 255 for u8, got 256");
    expect(() => elementOf("full", "i32", 0.5)).toThrow(ArgumentError);
    expect([2, 0, Number.NaN, true].map((v) => elementOf("full", "bool", v))).toEqual([1, 0, 1, 1]);
    for (const value of ["1", null, undefined, 1n, [1]])
      expect(() => elementOf("full", "f32", value)).toThrow(ArgumentError);
  });
  it("nothing is written if one does not fit", () => {
    const to = new Int8Array([9, 9]);
    expect(() => writeElements("set", to, "i8", [1, 200])).toThrow("bad element at 1");
    expect([...to]).toEqual([9, 9]);
  });
});

describe("names of errors", () => {
  it("are written out, so that minifiers keep them", () => {
    for (const [name, type] of Object.entries(errors)) {
      if (typeof type === "function")
        expect(new (type as typeof errors.ArgumentError)({ op: "x", what: "y" }).name).toBe(name);
    }
    expect(Function.prototype.toString.call(errors.ShapeError)).toContain('"ShapeError"');
  });
});
