/** @file The CIFAR-10 study: its plan against the commands of its evidence, its tables and their places. */
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { trainCommand } from "../../src/cli/commands/train.js";
import { chosenSettings } from "../../src/cli/options/train.js";
import type { Settings } from "../../src/run/config.js";
import { type PresetName, withPreset } from "../../src/run/presets.js";
import { runConfig } from "../../src/run/settings.js";
import { expandPlan } from "../../src/sweep/expand.js";
import { parsePlan } from "../../src/sweep/plan.js";

// biome-ignore lint/suspicious/noExplicitAny: a script without declarations.
const script: any = await import(new URL("../../experiments/cifar10/tables.mjs", import.meta.url).href);
const { blendingTable, filled, restlessness, tablesOf, writeTables } = script;

const folder = path.join(import.meta.dirname, "..", "..", "experiments", "cifar10");
const text = (name: string): string => readFileSync(path.join(folder, name), "utf8");
const evidence: { id: string; table: string; row: string; command: string; seed: number }[] = text("results.jsonl")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line));
const runs = expandPlan(parsePlan(JSON.parse(text("PLAN.json")), "PLAN.json"));

/** The configuration of settings that start from whatever `init` names. */
const configOf = (preset: PresetName | undefined, settings: Settings) => {
  const { init } = settings;
  const config = { file: init ?? "", sha256: "0".repeat(64) };
  return runConfig(withPreset(preset, settings), init === undefined ? {} : { init: { config, normalize: null } });
};

describe("the plan", () => {
  it("has a run for each line of the evidence, under its name and title", () => {
    const named = runs.map(({ name, title }) => [name, title]);
    expect(new Map(named as [string, string][])).toEqual(new Map(evidence.map(({ id, row }) => [id, row])));
    expect(named).toHaveLength(evidence.length);
  });

  it.each(evidence.slice(1))("$id is what its command trained, from the same weights", ({ id, command }) => {
    const { preset, settings, seed, from } = runs.find(({ name }) => name === id) as (typeof runs)[number];
    const train = trainCommand();
    train.parseOptions(command.replace(/^npx coarsegrad train /, "").split(" "));
    // The evidence is older than shards: batches were one part.
    const typed = { ...chosenSettings(train), shards: 1 };
    expect(from ?? settings.init).toBe(typed.init);
    const init = from ?? settings.init;
    const planned = { ...settings, seed, ...(init !== undefined && { init }) };
    expect(configOf(preset, planned)).toEqual(configOf(train.opts<{ preset?: PresetName }>().preset, typed));
  });

  it("tests the public weights as they are", () => {
    expect(evidence[0].command).toContain("coarsegrad eval resnet20-cifar10.safetensors --model resnet20");
    expect(runs.find(({ name }) => name === evidence[0].id)?.settings).toMatchObject({
      ...{ model: "resnet20", bits: "float", epochs: 0, init: "resnet20-cifar10.safetensors" },
    });
  });
});

const result = (fields: object) => ({
  ...{
    row: "ρ = 0",
    table: "2",
    bits: "1W4A",
    epochs: 6,
    plannedEpochs: 6,
    trainImages: 50_000,
    plannedImages: 50_000,
    testImages: 10_000,
    seed: 1,
  },
  ...{ top1: 80, wallSeconds: 600, imagesPerSecond: 400, weightsSha256: "ab".repeat(32), packed: null, verified: null },
  ...{ loss: [1, 0.5], valAccuracy: [50, 60, 55, 62, 80, 80], flipRatio: [0.01, 0.02] },
  ...fields,
});

describe("tables", () => {
  it("tell restlessness before the drop of the rate", () => {
    expect(restlessness([50, 60, 55, 62, 80], 4)).toBeCloseTo((10 + 5 + 7) / 3, 12);
  });
  it("compare each ρ with ρ = 0 over the seeds that both have", () => {
    const base = [1, 2, 3].map((seed) => result({ seed, top1: 80 + seed }));
    const blended = [1, 2, 3].map((seed) => result({ row: "ρ = 1e-5", seed, top1: 81 + seed + 0.1 * seed }));
    const text = blendingTable([...base, ...blended]);
    expect(text).toContain("| ρ = 0 | 82.00 ± 1.00 (n = 3) |");
    // Differences 1.1, 1.2, 1.3: t = 1.2/(0.1/√3), p = 1 − t/√(2 + t²).
    const t = 12 * Math.sqrt(3);
    // 4.302653 standard errors of 0.1/√3.
    expect(text).toContain(`| ρ = 1e-5, final top-1 | +1.20 ± 0.25 | ${(1 - t / Math.sqrt(2 + t * t)).toFixed(3)} |`);
  });
  it("mark trials, and leave out what was not run", () => {
    const tables = tablesOf([result({ table: "1", row: "1W4A", epochs: 1, trainImages: 512 })]);
    expect(tables.map(([name]: [string]) => name)).toEqual(["1", "runs"]);
    expect(tables[0][1]).toContain("| 1W4A (**trial**: 1 epochs instead of 6, 512 training images) | 80.00 % |");
  });
  it("list every run with the command that makes it again", () => {
    const record = result({ id: "table2/a", command: "npx coarsegrad train --seed 1", trainImages: 20_000 });
    expect(new Map(tablesOf([record])).get("runs")).toContain(
      "| `table2/a` | 6 | 20,000 | 1 | 10.0 min | 400 | 80.00 % | `abababababababab…` | `npx coarsegrad train --seed 1` |",
    );
  });
  it("tell of runs that diverged", () => {
    const nothing = {
      top1: null,
      wallSeconds: null,
      imagesPerSecond: null,
      weightsSha256: null,
      loss: [],
      valAccuracy: [],
    };
    const record = result({
      id: "a",
      table: "3",
      row: "pact",
      bits: "32W2A",
      epochs: 0,
      ...nothing,
      diverged: { epoch: 1, step: 14 },
    });
    expect(new Map(tablesOf([record])).get("3")).toContain(
      "| pact: **diverged** in epoch 1, step 14 | 2A | – | – | – | 0 | 1 | – | – |",
    );
  });
  it("go between their markers, again and again", () => {
    const text = "a\n<!-- table: 1 -->\nold\n<!-- /table: 1 -->\nb";
    const once = filled(text, "1", "new");
    expect(once).toBe("a\n<!-- table: 1 -->\n\nnew\n\n<!-- /table: 1 -->\nb");
    expect(filled(once, "1", "new")).toBe(once);
    expect(() => filled(text, "2", "new")).toThrow(/no place for table 2/);
  });
  it("have a place each in docs/reproduction.md", () => {
    const page = readFileSync(new URL("../../docs/reproduction.md", import.meta.url), "utf8");
    for (const name of new Set(["runs", ...evidence.map(({ table }) => table)])) {
      expect(() => filled(page, name, "x")).not.toThrow();
    }
  });
});

describe("a finished sweep", () => {
  const out = mkdtempSync(path.join(tmpdir(), "coarsegrad-study-"));
  afterAll(() => rmSync(out, { recursive: true, force: true }));

  it("fills results.jsonl and the page", () => {
    // A run of the evidence, one that diverged, one that never began.
    mkdirSync(path.join(out, "jobs"), { recursive: true });
    const own = path.join(folder, "..", "resnet20-cifar10-1w4a");
    cpSync(own, path.join(out, "jobs", "a"), { recursive: true });
    const { layers: _, ...summary } = JSON.parse(readFileSync(path.join(own, "summary.json"), "utf8"));
    const line = { folder: "jobs/a", seed: 1, settings: { bits: "1W4A", epochs: 30 }, status: "done", error: null };
    const bad = { ...line, folder: "jobs/b", status: "failed", summary: null };
    const lines = [
      { ...line, name: "table1/1w4a", title: "1W4A, all convolutions binary, classifier float", summary },
      { ...bad, name: "table3/x", title: "x", error: "train: fit: training diverged in epoch 1, step 14; expected" },
      { ...bad, name: "table3/y", title: "y", error: "it starts from x", status: "skipped" },
    ];
    writeFileSync(path.join(out, "sweep-results.jsonl"), lines.map((each) => `${JSON.stringify(each)}\n`).join(""));
    const document = path.join(out, "page.md");
    cpSync(path.join(import.meta.dirname, "..", "..", "docs", "reproduction.md"), document);
    writeTables({ out, evidence: path.join(out, "evidence", "cifar10"), document });
    const results = readFileSync(path.join(out, "evidence", "cifar10", "results.jsonl"), "utf8")
      .trim()
      .split("\n");
    const [found, diverged] = results.map((each) => JSON.parse(each));
    const before = evidence.find(({ id }) => id === "table1/1w4a");
    for (const key of ["table", "row", "bits", "epochs", "plannedEpochs", "trainImages", "testImages", "top1"])
      expect(found).toHaveProperty(key, before?.[key as "row"]);
    for (const key of ["weightsSha256", "loss", "valAccuracy", "flipRatio"])
      expect(found).toHaveProperty(key, before?.[key as "row"]);
    expect(diverged).toMatchObject({ id: "table3/x", table: "3", diverged: { epoch: 1, step: 14 } });
    expect(results).toHaveLength(2);
    const page = readFileSync(document, "utf8");
    expect(page).toMatch(/\| 1W4A, all convolutions binary, classifier float \| 89\.14 % \| 89\.14 % \| 59,798 \|/);
    expect(page).toContain("| x: **diverged** in epoch 1, step 14 | 4A |");
  });
});
