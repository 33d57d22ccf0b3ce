/** @file The programs of `examples/` for Node: each runs to its end, and says what it promises. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundleProgram } from "../bundle.js";

const folder = path.resolve(import.meta.dirname, "..", "..", "examples");
let bench = "";
beforeAll(() => {
  bench = mkdtempSync(path.join(tmpdir(), "coarsegrad-examples-"));
});
afterAll(() => rmSync(bench, { recursive: true, force: true }));

/**
 * What each program must print, besides that its packed file repeats training to the bit; least accuracies are well
 * below those seen.
 */
const SAYS: Readonly<Record<string, (text: string) => void>> = {
  regression: (text) => {
    expect(figures(text, "r2")).toEqual([expect.closeTo(1, 1), expect.closeTo(1, 1)]);
  },
  "multi-label": (text) => expect(Math.min(...figures(text, "f1"))).toBeGreaterThan(0.9),
  signal: (text) => expect(Math.min(...figures(text, "accuracy"))).toBeGreaterThan(0.9),
  words: (text) => {
    expect(Math.min(...figures(text, "accuracy"))).toBeGreaterThan(0.9);
    // Each word while it is within the clip, and nothing in the silence behind it.
    expect(text).toMatch(/: rise\n(?:.*\n)*.*s: -\n(?:.*\n)*.*: fall\n(?:.*\n)*.*s: -\n/);
    expect(text).not.toMatch(/: hum/);
  },
  autoencoder: (text) => expect(Math.max(...figures(text, "loss"))).toBeLessThan(0.04),
  csv: (text) => expect(Math.min(...figures(text, "accuracy"))).toBeGreaterThan(0.85),
  "own-loop": (text) => expect(Number(/1W4A: (\d+) of 300/.exec(text)?.[1])).toBeGreaterThan(240),
  "early-stop": (text) => expect(text.match(/\d of 60 epochs, best \d+ with 0\.[5-9]\d*: true/g)).toHaveLength(2),
  "save-load": (text) => expect(text).toMatch(/loaded: true\nafter another epoch: true/),
};

function figures(text: string, name: string): number[] {
  return [...text.matchAll(new RegExp(`\\b${name}: ([\\d.e-]+)`, "g"))].map((match) => Number(match[1]));
}

describe("examples", () => {
  const names = readdirSync(folder)
    .filter((file) => file.endsWith(".mjs") && !file.endsWith(".worker.mjs"))
    .map((file) => file.slice(0, -".mjs".length));

  it("are all tried here, and short", () => {
    expect(names.sort()).toEqual(Object.keys(SAYS).sort());
    for (const name of names) {
      const lines = readFileSync(path.join(folder, `${name}.mjs`), "utf8")
        .split("\n")
        .filter((line) => line.trim() !== "");
      expect(lines.length, name).toBeLessThanOrEqual(45);
    }
  });
  it.each(Object.keys(SAYS))("%s", async (name) => {
    const outfile = path.join(bench, `${name}.mjs`);
    await bundleProgram(path.join(folder, `${name}.mjs`), outfile);
    const text = execFileSync(process.execPath, [outfile], {
      encoding: "utf8",
      env: { ...process.env, TMPDIR: bench },
    });
    SAYS[name](text);
    expect(text).toMatch(/identical: true/);
  });
});
