/** @file What pages say of ONNX import is what there is. */
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { IMPORTED_OPERATORS } from "../../src/onnx/index.js";

const page = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), "utf8");

describe("operators that are read", () => {
  it("are as many as FEATURES.md says", () => {
    const [, count] = /\| (\d+) operators, opsets/.exec(page("FEATURES.md")) as RegExpExecArray;
    expect(Number(count)).toBe(IMPORTED_OPERATORS.length);
  });
  it("are named in docs/onnx.md", () => {
    const [, read] = /## What is read([\s\S]*?)\n## /.exec(page("docs/onnx.md")) as RegExpExecArray;
    expect(IMPORTED_OPERATORS.filter((name) => !new RegExp(`\\b${name}\\b`).test(read))).toEqual([]);
  });
});
