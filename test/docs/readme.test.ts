/** @file The README's example is what a newcomer runs first: it runs here, on fewer images. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, it } from "vitest";
import { bundleProgram } from "../bundle.js";

const root = path.resolve(import.meta.dirname, "..", "..");

/** The first TypeScript block of a page. */
function example(page: string): string {
  const block = /```ts\n([\s\S]*?)```/.exec(readFileSync(path.join(root, page), "utf8"));
  if (block === null) throw new Error(`${page} has no TypeScript example`);
  return block[1];
}

it("the README's example trains, packs and predicts", async () => {
  const code = example("README.md").replace("train: 4000", "train: 256").replace("test: 1000", "test: 10");
  expect(code, "the example still has the sizes that this test makes smaller").toContain("train: 256");
  const folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-readme-"));
  try {
    const entry = path.join(folder, "example.ts");
    const outfile = path.join(folder, "example.mjs");
    writeFileSync(entry, `${code}\nconsole.log(JSON.stringify({ label, bytes: model.length }));\n`);
    await bundleProgram(entry, outfile);
    const [told, last] = execFileSync(process.execPath, [outfile], { encoding: "utf8" }).trim().split("\n");
    const { label, bytes } = JSON.parse(last);
    expect(told).toBe(`${bytes} bytes; the first test image is a ${label}`);
    expect([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]).toContain(label);
    expect(bytes).toBeLessThan(100_000);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
