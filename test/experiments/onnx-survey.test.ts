/** @file The survey of ONNX files: its rule of scope, its words, its options. */
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { encodeModel } from "../../src/onnx/codec.js";
import { ELEMENT } from "../../src/onnx/schema.js";
import { messageOf, modelBytes, type TestModel } from "../onnx/graphs.js";

// biome-ignore lint/suspicious/noExplicitAny: scripts without declarations.
const script: any = await import(new URL("../../experiments/onnx-survey.mjs", import.meta.url).href);
// biome-ignore lint/suspicious/noExplicitAny: as above.
const graphs: any = await import(new URL("../../experiments/onnx-survey/graph.mjs", import.meta.url).href);

const folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-survey-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const reason = (model: TestModel): string | null => graphs.outside(graphs.graphOf(modelBytes(model)));
const w = { w: { shape: [4, 3], data: new Array(12).fill(0.5) } };
const product = { op: "MatMul", in: ["x", "w"], out: "m" } as const;

describe("the rule of scope", () => {
  it.each<[string, TestModel, string | null]>([
    ["a linear layer", { input: ["N", 4], nodes: [{ ...product, out: "out" }], constants: w }, null],
    ["no weights", { input: ["N", 4], nodes: [{ op: "Relu", in: ["x"] }] }, "no weights"],
    ["recurrent", { input: ["N", 4], nodes: [product, { op: "LSTM", in: ["m"] }], constants: w }, "recurrent (LSTM)"],
    ["detection", { input: ["N", 4], nodes: [product, { op: "TopK", in: ["m"] }], constants: w }, "detection (TopK)"],
    [
      "quantized",
      { input: ["N", 4], nodes: [product, { op: "QuantizeLinear", in: ["m"] }], constants: w },
      "quantized (QuantizeLinear)",
    ],
    [
      "attention",
      { input: ["N", 4], nodes: [product, { op: "MatMul", in: ["m", "m"] }], constants: w },
      "attention (a product of two computed values)",
    ],
    ["whole numbers", { input: ["N", 4], element: ELEMENT.INT64, nodes: [product] }, "input of element type 7"],
    ["one axis", { input: [4], nodes: [product] }, "input without a batch and features"],
  ])("%s", (_, model, expected) => {
    expect(reason(model)).toBe(expected);
  });

  it("inputs that are initializers do not count, further ones do", () => {
    const message = messageOf({ input: ["N", 4], nodes: [{ ...product, out: "out" }], constants: w });
    message.graph.input!.push({ name: "w", type: { tensorType: { elemType: ELEMENT.FLOAT } } });
    expect(graphs.outside(graphs.graphOf(encodeModel(message)))).toBeNull();
    message.graph.input!.push({ name: "y", type: { tensorType: { elemType: ELEMENT.FLOAT } } });
    expect(graphs.outside(graphs.graphOf(encodeModel(message)))).toBe("2 inputs");
  });

  it("reads producer, operator set and extents, and refuses what is no ONNX file", () => {
    const message = { ...messageOf({ input: ["N", 4], nodes: [product], constants: w }), producerName: "maker" };
    const { producer, opset, inputs, nodes } = graphs.graphOf(encodeModel(message));
    expect({ producer, opset, inputs }).toEqual({
      ...{ producer: "maker", opset: 13 },
      inputs: [{ name: "x", element: 1, extents: [null, 4] }],
    });
    expect(nodes[0]).toMatchObject({ op: "MatMul", inputs: ["x", "w"], outputs: ["m"] });
    expect(() => graphs.graphOf(new TextEncoder().encode("text that is no file"))).toThrow(/not an ONNX file/);
  });
});

const inside = { file: "a.onnx", outside: null, imported: true, absolute: 1e-8, relative: 1e-7 };
const results = [
  { ...inside, packed: { codesEqual: true } },
  { ...inside, relative: 0.5, absolute: 1, packed: { codesEqual: false } },
  { ...inside, notPacked: "QuantError: pack: softmax (no layer): none" },
  { file: "b.onnx", outside: null, imported: false, refusal: 'FormatError: b.onnx: node "n" (Foo): operator' },
  { file: "c.onnx", outside: "no weights" },
  { file: "d.onnx", outside: null, failure: "longer than 1 s" },
];

it("says of each file what it does, and of all what share", () => {
  expect(results.map((result) => script.verdict(result))).toMatchObject(
    [
      { scope: "inside", imported: "yes", agrees: "yes", packs: "yes" },
      { agrees: "NO", packs: "CODES DIFFER" },
      { agrees: "yes", packs: "no", reason: /softmax/ },
      { imported: "no", reason: /Foo/ },
      { scope: "outside", imported: "", reason: "no weights" },
      { imported: "no", reason: "longer than 1 s" },
    ].map(({ reason: words, ...rest }) =>
      words instanceof RegExp
        ? { ...rest, reason: expect.stringMatching(words) }
        : { ...rest, ...(words && { reason: words }) },
    ),
  );
  const [files, imported, agree, ill, packed, ...why] = script.summary(results);
  expect(files).toBe("6 files, 5 inside the rule");
  expect(imported).toBe("imported: 3 of 5 (60.0 %)");
  expect(agree).toMatch(/: 2 of 3 \(66\.7 %\), worst 1\.0e-7/);
  expect(ill).toMatch(/one rounding off: 0 more$/);
  const moved = { ...results[1], conditioning: 0.6 };
  expect(script.verdict(moved).agrees).toBe("ill-conditioned");
  expect(script.summary([moved])[3]).toMatch(/: 1 more$/);
  expect(packed).toBe("packed at 1W4A with equal codes: 1 of 3 (33.3 %)");
  expect(why.join("\n")).toMatch(/1 × \(Foo\) operator/);
});

const file = path.join(import.meta.dirname, "..", "..", "experiments", "onnx-survey.mjs");
const run = (...args: string[]) => spawnSync(process.execPath, [file, ...args], { encoding: "utf8" });

it("refuses options and folders that are none", () => {
  expect(run("--help")).toMatchObject({ status: 0, stdout: expect.stringMatching(/^Usage: node experiments/) });
  expect(run(folder, "--wrong")).toMatchObject({
    status: 2,
    stderr: expect.stringMatching(/Unknown option '--wrong'/),
  });
  expect(run(folder, "--seconds", "0")).toMatchObject({ status: 2, stderr: expect.stringMatching(/a number above 0/) });
  expect(run()).toMatchObject({ status: 2, stderr: expect.stringMatching(/expected one folder/) });
  expect(run(folder)).toMatchObject({ status: 2, stderr: expect.stringMatching(/no \.onnx file/) });
});

it("goes through a folder, each file in a process of its own that may end early", { timeout: 60_000 }, () => {
  mkdirSync(path.join(folder, "deep"));
  writeFileSync(
    path.join(folder, "deep", "none.onnx"),
    modelBytes({ input: ["N", 4], nodes: [{ op: "Relu", in: ["x"] }] }),
  );
  writeFileSync(path.join(folder, "text.onnx"), "no file");
  const { status, stdout, stderr } = run(folder, "--json", "--seconds", "40");
  expect(status).toBe(0);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  // Without a build there is nothing to survey with; what a file is needs none.
  expect(lines.map(({ file: name }) => name)).toEqual(
    ["deep/none.onnx", "text.onnx"].map((name) => name.split("/").join(path.sep)),
  );
  expect(stderr).toMatch(/1 of 2: .*none\.onnx/);
  expect(stderr).toMatch(/2 files, /);
  const late = run(folder, "--seconds", "0.001");
  expect(late.stdout).toMatch(/longer than 0\.001 s/);
});
