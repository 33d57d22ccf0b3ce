/**
 * @file One seed, the same bits: this Node, Nodes 22 and 24 and headless Chromium run the same bundle and must agree to the
 * last bit.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { node22, node24 } from "../../scripts/run.mjs";
import { withPage } from "../browser/page.js";
import { noChromium, noNode22, noNode24 } from "../tools.js";
import * as run from "./run.js";

let folder = "";
let bundle = "";

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-determinism-"));
  bundle = path.join(folder, "run.mjs");
  const entryPoints = [path.join(import.meta.dirname, "run.ts")];
  await build({
    entryPoints,
    outfile: bundle,
    bundle: true,
    format: "esm",
    target: "es2022",
    platform: "neutral",
    mainFields: ["browser", "module", "main"],
  });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The hashes as `node` computes them, by name. */
function hashesIn(node: string): Record<string, string> {
  const script = path.join(folder, "print.mjs");
  writeFileSync(
    script,
    `import * as run from "./run.mjs";
     const hashes = Object.entries(run).map(([name, f]) => [name, f()]);
     console.log(JSON.stringify({ version: process.version, ...Object.fromEntries(hashes) }));`,
  );
  return JSON.parse(execFileSync(node, [script], { encoding: "utf8" }));
}

describe("the same bits", () => {
  let here: Record<string, string>;

  beforeAll(() => {
    here = hashesIn(process.execPath);
  });

  it.each(Object.entries(run))("%s: twice in one process, and bundled or not", (name, hash) => {
    const first = hash();
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(hash()).toBe(first);
    expect(here[name]).toBe(first);
  });

  describe.each([
    { major: 22, node: node22, skip: noNode22 },
    { major: 24, node: node24, skip: noNode24 },
  ])("Node $major", ({ major, node, skip }) => {
    it.skipIf(skip)(`computes what Node ${process.versions.node} does, with kernels of its own choice`, () => {
      const { version, ...there } = hashesIn(node);
      expect(version).toMatch(new RegExp(`^v${major}\\.`));
      expect({ version: here.version, ...there }).toEqual(here);
    });
  });

  it.skipIf(noChromium)(`in headless Chromium as in Node ${process.versions.node}`, async () => {
    const there = await withPage({ "run.js": readFileSync(bundle) }, (page) =>
      page.evaluate(
        `import("/run.js").then((run) => Object.fromEntries(Object.entries(run).map(([name, f]) => [name, f()])))`,
      ),
    );
    expect({ version: here.version, ...(there as object) }).toEqual(here);
  });
});
