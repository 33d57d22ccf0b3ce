/**
 * @file The installed package in a page: bundled as a user's project is, it gives what it gives in Node, bit for bit.
 */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Outcome } from "../package/consumer/outcome.js";
import { type Consumer, filesUnder, installPackage } from "../package/installed.js";
import { noChromium } from "../tools.js";
import { pagesInOne, type ServedFiles } from "./page.js";

type Result = Outcome & { backend: string };

const PAGE = '<!doctype html><link rel="icon" href="data:,"><script type="module" src="/page.ts"></script>';
const SCRIPT = `import { backend } from "coarsegrad";
import { program } from "./program.js";
Object.assign(globalThis, { result: { ...program(), backend: backend() } });
`;

/** What the page's script leaves behind, once it has run. */
async function resultOf(page: Page): Promise<Result> {
  await page.waitForFunction("globalThis.result !== undefined", undefined, { timeout: 30_000 });
  return page.evaluate("globalThis.result");
}

describe.skipIf(noChromium)("the installed package in headless Chromium", () => {
  const withPage = pagesInOne();
  let consumer: Consumer;
  let site: ServedFiles;
  let inNode: Result;

  beforeAll(async () => {
    consumer = installPackage();
    writeFileSync(path.join(consumer.folder, "index.html"), PAGE);
    writeFileSync(path.join(consumer.folder, "page.ts"), SCRIPT);
    const options = { root: consumer.folder, configFile: false, logLevel: "error" } as const;
    await build({ ...options, build: { outDir: "site", target: "es2022" } });
    site = filesUnder(path.join(consumer.folder, "site"));
    const lib = { entry: "page.ts", formats: ["es"], fileName: "page" } as const;
    await build({ ...options, build: { outDir: "lib", target: "es2022", lib: { ...lib, formats: [...lib.formats] } } });
    const script = 'await import("./lib/page.js"); console.log(JSON.stringify(globalThis.result));';
    const run = ["--input-type=module", "-e", script];
    inNode = JSON.parse(execFileSync(process.execPath, run, { cwd: consumer.folder, encoding: "utf8" }));
  });
  afterAll(() => consumer?.remove());

  it("trains, on WebAssembly, to the same bits as in Node", async () => {
    const result = await withPage(site, resultOf);
    expect(result.backend).toBe("wasm");
    expect(result.loss).toBeLessThan(0.01);
    expect(result.logits).toEqual(result.trained);
    expect(result.arrays).toBe(0);
    expect(result).toEqual(inNode);
  });

  it("trains on the reference kernels, and says so, where a policy forbids WebAssembly", async () => {
    const warnings: string[] = [];
    const result = await withPage(
      site,
      async (page) => {
        page.on("console", (message) => warnings.push(message.text()));
        await page.reload();
        return resultOf(page);
      },
      { headers: { "content-security-policy": "script-src 'self'" }, expected: /Content Security Policy/ },
    );
    expect(result.backend).toBe("reference");
    expect({ ...result, backend: "wasm" }).toEqual(inNode);
    expect(warnings.join("\n")).toContain("CoarsegradBackendWarning");
  });
});
