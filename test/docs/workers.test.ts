/** @file docs/workers.md: its two programs, as they stand, in workers of Node and in Web Workers of a page. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { withPage } from "../browser/page.js";
import { bundleProgram } from "../bundle.js";
import { noChromium } from "../tools.js";
import { programsOf } from "./pages.js";

const [worker, outside] = programsOf("workers.md");
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-workers-"));
  const quiet = "console.warn = () => {};\n";
  const sources = {
    worker: quiet + worker,
    page: `${outside}\nglobalThis.told = { left: pixels.length, top1, bytes: model.length, labels: labels.length };`,
    node: `import { Worker } from "node:worker_threads";\n${outside}\nconsole.log(pixels.length);`,
  };
  for (const [name, text] of Object.entries(sources)) {
    writeFileSync(path.join(folder, `${name}.ts`), text);
    await bundleProgram(
      path.join(folder, `${name}.ts`),
      path.join(folder, name === "node" ? "node.mjs" : `${name}.js`),
    );
  }
  writeFileSync(path.join(folder, "package.json"), '{ "type": "module" }');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let inNode: string[];
it("train, tell and classify in a worker of Node, which ends", () => {
  inNode = execFileSync(process.execPath, ["node.mjs"], { cwd: folder, encoding: "utf8" }).trim().split("\n");
  expect(inNode.slice(0, 2).every((line) => /^epoch [12]: loss [\d.]+$/.test(line))).toBe(true);
  expect(inNode[2]).toMatch(/^[\d.]+ %, \d+ bytes, 10 labels$/);
  expect(inNode[3]).toBe("0");
});

it.skipIf(noChromium)("do the same in a page, to the same figures", async () => {
  const files = Object.fromEntries(
    ["worker.js", "page.js"].map((name) => [name, readFileSync(path.join(folder, name), "utf8")]),
  );
  const html = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.js"></script>';
  const lines: string[] = [];
  const told = await withPage({ ...files, "index.html": html }, async (page) => {
    page.on("console", (message) => lines.push(message.text()));
    await page.reload();
    await page.waitForFunction("globalThis.told !== undefined", undefined, { timeout: 90_000 });
    return page.evaluate<{ left: number; top1: number; bytes: number; labels: number }>("globalThis.told");
  });
  expect(lines.slice(-3)).toEqual(inNode.slice(0, 3));
  expect(told.left).toBe(0);
});
