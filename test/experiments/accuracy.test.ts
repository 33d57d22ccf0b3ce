/** @file The second study on CIFAR-10: its plan is one, and its page holds what its evidence says. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { sha256Hex } from "../../src/core/sha256.js";
import { resnet20b } from "../../src/models/index.js";
import { expandPlan } from "../../src/sweep/expand.js";
import { parsePlan } from "../../src/sweep/plan.js";
import { modulesCalled } from "../../src/train/module-outputs.js";

// biome-ignore lint/suspicious/noExplicitAny: a script without declarations.
const script: any = await import(new URL("../../experiments/cifar10/study.mjs", import.meta.url).href);

const root = path.join(import.meta.dirname, "..", "..");
const text = (...name: string[]): string => readFileSync(path.join(root, ...name), "utf8");

interface Result {
  readonly id: string;
  readonly row: string;
  readonly table: string;
  readonly bits: string;
  readonly seed: number;
  readonly top1: number;
  readonly packed: { readonly top1: number };
  readonly verified: { readonly codes: { readonly equal: number; readonly total: number } } | null;
}
const results: Result[] = text("experiments", "cifar10", "study.jsonl")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));
const runs = expandPlan(parsePlan(JSON.parse(text("experiments", "cifar10", "STUDY.json")), "STUDY.json"));

describe("the second study", () => {
  it("has only results that its plan names", () => {
    const named = new Map(runs.map(({ name, title }) => [name, title]));
    expect(results.map(({ id, row }) => [id, named.get(id) === row])).toEqual(results.map(({ id }) => [id, true]));
    expect(new Set(results.map(({ id, seed }) => `${id} ${seed}`)).size).toBe(results.length);
  });

  it("ships what it trained: packed files classify as training's network, final rows code by code", () => {
    expect(results.filter(({ top1, packed }) => top1 !== packed.top1)).toEqual([]);
    for (const { id, verified } of results.filter(({ table, bits }) => table === "final" && bits !== "float")) {
      expect(verified?.codes.equal, id).toBe(verified?.codes.total);
      expect(verified?.codes.total, id).toBeGreaterThan(0);
    }
  });

  it("compares features of layers that its network has", () => {
    using net = resnet20b();
    const layers = runs.flatMap(({ settings }) => (settings.teacherFeatures as string[] | undefined) ?? []);
    expect(layers.length).toBeGreaterThan(0);
    expect(modulesCalled("test", net, layers)).toHaveLength(layers.length);
  });

  it("keeps the best packed files, which are those of its rows", () => {
    for (const [name, rows] of Object.entries<readonly string[]>(script.KEPT)) {
      const best = script.bestOf(results, rows);
      if (best === undefined) continue;
      const summary = JSON.parse(text("experiments", name, "summary.json"));
      expect([summary.weightsSha256, summary.packed.top1], name).toEqual([best.weightsSha256, best.packed.top1]);
      const bytes = readFileSync(path.join(root, "experiments", name, "model.cgm"));
      expect(sha256Hex(bytes), name).toBe(summary.packed.sha256);
      expect(summary.packed.codesEqual, name).toBe(summary.packed.codesCompared);
    }
    expect(script.bestOf([], ["4w4a"])).toBeUndefined();
  });

  it("tells what each part of a recipe brought against the run of the same seed", () => {
    const result = (row: string, seed: number, top1: number) => ({
      ...results[0],
      id: `ablation/${row}/seed-${seed}`,
      row,
      seed,
      top1,
      epochs: 8,
      wallSeconds: 60,
    });
    const made = [result("teacher", 1, 84), result("teacher", 2, 83), result("ema", 1, 84.25), result("ema", 2, 82)];
    const lines: string[] = script.studyTables([...made, result("ema", 3, 90)]).ablation.split("\n");
    expect(lines.find((line) => line.startsWith("| teacher"))).toContain(
      "| 83.50 ± 0.71 (n = 2) | – | 1, 2 | 8 | 1.0 min |",
    );
    expect(lines.find((line) => line.startsWith("| ema"))).toContain("(n = 3) | +0.25, −1.00 | 1, 2, 3 | 8 |");
  });

  it("has a page that says the same", () => {
    const page = text("docs", "accuracy.md");
    expect(script.studyPage(page, results)).toBe(page);
  });
});
