/** @file C files by themselves: names, sizes, what is refused, text that models bring along; no compiler is needed. */
import { readFileSync } from "node:fs";
import path from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Sums, sumsOf } from "../../../src/codes/sums.js";
import type { Thresholds } from "../../../src/codes/thresholds.js";
import { Rng } from "../../../src/core/rng.js";
import { sourceOf } from "../../../src/export/c/source.js";
import { wholeLines } from "../../../src/export/c/stairs.js";
import { cFloat, cNameOf, cString, plainText } from "../../../src/export/c/text.js";
import { toC } from "../../../src/export/index.js";
import { type NodeData, type Plan, writePacked } from "../../../src/format/index.js";
import { loadKinds, readPacked } from "../../../src/infer/index.js";
import { randomCodes, randomThresholds } from "../../format/models.js";

const committed = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(path.resolve(import.meta.dirname, `../../../experiments/${name}/model.cgm`)));

/** Two quantized layers on 20 codes; the second's sums have one scale. */
function whole(ids: readonly [string, string], more: { bias?: boolean; channels?: boolean } = {}): Uint8Array {
  const rng = new Rng("whole");
  const granularity = more.channels ? "channel" : "layer";
  const plan: Plan = {
    input: { shape: [20], dtype: "u8", step: Math.fround(1 / 255) },
    nodes: [
      {
        ...({ op: "linear", id: ids[0], input: "input", out: 6, bits: 1, granularity: "layer" } as const),
        activation: { bits: 4, step: 0.5, rounding: "ceil" },
      },
      { op: "linear", id: ids[1], input: ids[0], out: 3, bits: 2, granularity, ...(more.bias && { bias: true }) },
    ],
    output: ids[1],
  };
  const data = new Map<string, NodeData>([
    [
      ids[0],
      { codes: randomCodes(rng, 120, 1), delta: Float32Array.of(0.5), thresholds: randomThresholds(rng, 6, 15, 900) },
    ],
    [
      ids[1],
      {
        codes: randomCodes(rng, 18, 2),
        delta: new Float32Array(more.channels ? 3 : 1).fill(0.25),
        ...(more.bias && { bias: Float32Array.of(1, 2, 3) }),
      },
    ],
  ]);
  return writePacked(plan, data);
}

describe("names", () => {
  it.each([["2nd"], ["a b"], ["a-b"], [""], ["_x"], ["string"], ["StdInt"], ["x".repeat(41)], ["a@b"], [7]])(
    "%s is refused",
    (name) => {
      expect(() => toC(whole(["a", "b"]), { name: name as string })).toThrow(/^toC: bad name/);
    },
  );
  it("are made of file names", () => {
    expect(["model", "seven-seg.v2", "2nd", "math", "", "é", "y".repeat(99)].map(cNameOf)).toEqual([
      ...["model", "seven_seg_v2", "nd", "model", "model", "model"],
      "y".repeat(40),
    ]);
  });
  it("are those of files and functions, and of nothing else", () => {
    const { files } = toC(whole(["a", "b"]), { name: "Seven", main: true });
    expect(Object.keys(files)).toEqual(["Seven.h", "Seven.c", "Seven_main.c"]);
    expect(files["Seven.h"]).toContain("void Seven_run(const uint8_t *input, int32_t *output);");
    expect(files["Seven.h"]).toContain("#define SEVEN_INPUT_SIZE 20");
    expect(files["Seven_main.c"]).toContain('#include "Seven.h"');
    expect(Object.values(files).join("")).not.toContain("@");
    expect(toC(whole(["a", "b"]), { name: "Seven", main: true }).files).toEqual(files);
    expect(toC(readPacked(whole(["a", "b"])), { name: "Seven" }).files["Seven.c"]).toBe(files["Seven.c"]);
  });
});

describe("what is refused", () => {
  it("unknown options, and bytes that are no model", () => {
    expect(() => toC(whole(["a", "b"]), { name: "x", nam: 1 } as never)).toThrow(/unknown option/);
    expect(() => toC(new Uint8Array(20), { name: "x", file: "x.cgm" })).toThrow(/x\.cgm/);
  });
  it("a kind that C has not, by the layer's name", () => {
    const model = readPacked(whole(["a", "b"]));
    const nodes = [{ op: "mystery", id: "layer7", input: "input" }];
    const odd = { ...model, plan: { ...model.plan, nodes, output: "layer7" } } as never;
    expect(() => sourceOf(odd, { type: "float", scale: null, sums: null })).toThrow(
      /^toC: layer layer7 cannot be written in C; expected one of add, .*, got mystery/,
    );
  });
});

it("a rare kind of layer that C has not is refused by its name", async () => {
  await loadKinds();
  const plan: Plan = {
    input: { shape: [4], dtype: "f32" },
    nodes: [
      { op: "relu", id: "first", input: "input" },
      { op: "activation", id: "gate", input: "first", fn: "sigmoid" },
    ],
    output: "gate",
  };
  const model = writePacked(plan, new Map());
  expect(() => toC(model, { name: "n" })).toThrow(/^toC: layer gate cannot be written in C; .*, got activation/);
});

describe("outputs", () => {
  it("are sums of one scale, without a float in the source, where the network ends in such", () => {
    const { files, output } = toC(whole(["a", "b"]), { name: "n" });
    expect(output).toBe("int32_t");
    expect(files["n.c"]).not.toMatch(/\bfloat\b|\bdouble\b|\d\.\d|float\.h/);
    // 0.25 of a weight's code times 0.5 of an activation's.
    expect(files["n.h"]).toContain("#define N_OUTPUT_SCALE 0.125000000f");
  });
  it.each([{ bias: true }, { channels: true }])("are floats with %o", (more) => {
    expect(toC(whole(["a", "b"], more), { name: "n" }).output).toBe("float");
  });
});

describe("sizes", () => {
  it("of LeNet-5 are what the page says", () => {
    const { arenaBytes, ramBytes, constantBytes, files } = toC(committed("lenet5-mnist-1w4a"), { name: "lenet5" });
    expect([arenaBytes, ramBytes, constantBytes]).toEqual([23_040, 23_552, 77_580]);
    expect(files["lenet5.h"]).toContain(`#define LENET5_ARENA_BYTES ${arenaBytes}`);
    expect(files["lenet5.h"]).toContain(`#define LENET5_RAM_BYTES ${ramBytes}`);
    const page = readFileSync(path.resolve(import.meta.dirname, "../../../docs/microcontrollers.md"), "utf8");
    for (const size of ["23,040", "23,552", "77,580"]) expect(page).toContain(size);
  });
});

describe("text of models", () => {
  const HOSTILE = ["*/ int x; /*", 'a"b\\', "??/\n#error", "@@x@", "\u2028é", "%s"] as const;
  it("ends no comment and no string", () => {
    for (const id of HOSTILE) {
      const { files } = toC(whole([id, `${id}2`]), { name: "n" });
      const text = files["n.c"];
      expect(text).not.toContain("int x;");
      expect(text).not.toMatch(/\?\?|[^\x20-\x7e\n]|@/);
      expect((text.match(/\/\*/g) ?? []).length).toBe((text.match(/\*\//g) ?? []).length);
    }
  });
  it("of any kind is plain in comments, and all there in strings", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(plainText(text)).not.toMatch(/[*/\\"@?\n]/);
        const literal = cString(text);
        expect(literal).toMatch(/^"(?:[A-Za-z0-9 ]|\\[0-3][0-7]{2})*"$/);
        const bytes = [...literal.slice(1, -1).matchAll(/\\([0-7]{3})|./g)].map(([one, octal]) =>
          octal === undefined ? one.charCodeAt(0) : Number.parseInt(octal, 8),
        );
        expect(bytes).toEqual([...new TextEncoder().encode(text)]);
      }),
    );
  });
  it("of numbers is read back as the same floats", () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(cFloat(value)).toMatch(/^-?\d+(?:\.\d+)?(?:e[+-]\d+)?f$/);
        expect(cFloat(value)).toMatch(/[.e]/);
        expect(Math.fround(Number(cFloat(value).slice(0, -1)))).toBe(value);
      }),
    );
  });
});

describe("lines through thresholds", () => {
  const codeOf = ({ values, flip, top }: Thresholds, c: number, acc: number): number =>
    [...values.subarray(c * top, (c + 1) * top)].filter((t) => (flip[c] === 0 ? acc >= t : acc <= t)).length;

  it("give every code of every sum, and fit in 32 bits", () => {
    let found = 0;
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(1, 3, 15), fc.integer({ min: 1, max: 40 }), (seed, top, gap) => {
        const rng = new Rng(seed);
        const codes = randomCodes(rng, 60, 1);
        const sums: Sums = sumsOf(codes, 2, 15);
        const flip = Uint8Array.of(0, 1);
        const starts = [rng.int(200) - 100, rng.int(200) - 100];
        const values = Int32Array.from({ length: 2 * top }, (_, i) => {
          const [c, k] = [Math.floor(i / top), i % top];
          return starts[c] + (c === 0 ? 1 : -1) * Math.floor((k * (2 * gap + 1)) / 2);
        });
        const thresholds = { values, flip, top };
        const lines = wholeLines(thresholds, sums);
        if (lines === null) return;
        found++;
        for (let c = 0; c < 2; c++) {
          for (let acc = sums.least[c]; acc <= sums.most[c]; acc++) {
            const at = acc * lines.slope[c] + lines.start[c];
            expect(Math.abs(at)).toBeLessThan(2 ** 31);
            const code = at < 0 ? 0 : Math.min(at >> lines.shift, top);
            expect(code).toBe(codeOf(thresholds, c, acc));
          }
        }
      }),
    );
    expect(found).toBeGreaterThan(50);
  });
  it("are not there where thresholds jump", () => {
    const thresholds = { values: Int32Array.of(1, 2, 90), flip: Uint8Array.of(0), top: 3 };
    const sums = { least: Float64Array.of(-100), most: Float64Array.of(100) };
    expect(wholeLines(thresholds, sums)).toBeNull();
  });
  it("are what LeNet-5 has, in place of tables", () => {
    const text = toC(committed("lenet5-mnist-1w4a"), { name: "lenet5" }).files["lenet5.c"];
    expect(text).toContain("lenet5_line(");
    expect(text).not.toContain("_thresholds");
  });
});
