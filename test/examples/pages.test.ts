/** @file The pages of `examples/`, bundled from the sources: each does in Chromium what it says, and axe finds nothing. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { Rng } from "../../src/core/rng.js";
import { digits } from "../../src/data/index.js";
import { pack } from "../../src/export/index.js";
import { lenet5 } from "../../src/models/index.js";
import { exportOnnx } from "../../src/onnx/index.js";
import { SGD } from "../../src/optim/index.js";
import { prepare } from "../../src/quant/index.js";
import * as training from "../../src/train/index.js";
import { violationsOf } from "../browser/axe.js";
import { pagesInOne } from "../browser/page.js";
import { fromSource } from "../bundle.js";
import { noChromium } from "../tools.js";

const folder = path.resolve(import.meta.dirname, "..", "..", "examples");
const output = (page: Page): Promise<string> => page.evaluate("document.querySelector('output').value");

/** Waits for what a page says at the end. */
async function says(page: Page, words: RegExp): Promise<RegExpExecArray> {
  await page.waitForFunction(`${words}.test(document.querySelector('output').value)`, undefined, { timeout: 90_000 });
  return words.exec(await output(page)) as RegExpExecArray;
}

/** What each page is asked to do. */
const DOES: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  "draw-digit": async (page) => {
    await page.waitForFunction("document.querySelector('button').onclick !== null");
    const { x, y } = (await page.locator("canvas").boundingBox()) as { x: number; y: number };
    await page.mouse.move(x + 140, y + 60);
    await page.mouse.down();
    for (let down = 60; down < 220; down += 10) await page.mouse.move(x + 140, y + down);
    await page.mouse.up();
    await says(page, /^a \d, in [\d.]+ ms$/);
    await page.getByRole("button", { name: "Wipe" }).click();
    expect(await output(page)).toBe("nothing yet");
  },
  "train-in-worker": async (page) => {
    const [, top1, right] = await says(page, /^([\d.]+) % of the test images, \d+ bytes, (\d+) of 20 here$/);
    expect(Number(top1)).toBeGreaterThan(60);
    expect(Number(right)).toBeGreaterThan(10);
    expect(await page.locator("li").count()).toBe(3);
  },
  "onnx-in-page": async (page) => {
    const [, float, packed] = await says(page, /^ONNX: \d+ bytes, ([\d.]+) %; packed: \d+ bytes, ([\d.]+) %$/);
    expect(Number(float)).toBeGreaterThan(60);
    expect(Math.abs(Number(float) - Number(packed))).toBeLessThan(5);
  },
};

let data: Record<string, Uint8Array>;
beforeAll(async () => {
  using net = lenet5({ rng: new Rng(1) });
  using optimizer = new SGD(net.parameters(), { lr: 0.05, momentum: 0.9 });
  await training.fit(net, digits({ train: 256, test: 1 }).train, { epochs: 2, optimizer });
  const onnx = exportOnnx(net, { inputShape: [28, 28, 1], inputType: "f32" });
  prepare(net, { weights: 1, activations: 4 });
  data = { "model.cgm": pack(net, { inputShape: [28, 28, 1] }), "network.onnx": onnx };
}, 120_000);

/** A script for browsers, bundled from the sources. */
async function bundled(contents: string): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    format: "esm",
    target: "es2022",
    write: false,
    plugins: [fromSource],
  });
  return outputFiles[0].text;
}

const names = readdirSync(folder)
  .filter((name) => name.endsWith(".html"))
  .map((name) => path.basename(name, ".html"));

it("every page is tried here, and short", () => {
  expect(names.sort()).toEqual(Object.keys(DOES).sort());
  for (const name of names) {
    expect(readFileSync(path.join(folder, `${name}.html`), "utf8").split("\n").length, name).toBeLessThanOrEqual(50);
  }
});

describe.skipIf(noChromium)("in Chromium", () => {
  const withPage = pagesInOne();
  it.each(names)("%s", async (name) => {
    const html = readFileSync(path.join(folder, `${name}.html`), "utf8").replace(/^<!--[\s\S]*?-->\n/, "");
    const [, script] = /<script type="module">([\s\S]*?)<\/script>/.exec(html) as RegExpExecArray;
    const workers = readdirSync(folder).filter((file) => file === `${name}.worker.mjs`);
    const texts = await Promise.all(workers.map((file) => bundled(readFileSync(path.join(folder, file), "utf8"))));
    const files = {
      ...data,
      // The server of the tests knows scripts by this ending.
      ...Object.fromEntries(workers.map((file, n) => [file.replace(".mjs", ".js"), texts[n]])),
      "page.js": (await bundled(script)).replaceAll(".worker.mjs", ".worker.js"),
      "index.html": html
        .replace(/<script type="module">[\s\S]*?<\/script>/, '<script type="module" src="page.js"></script>')
        .replace("<title>", '<link rel="icon" href="data:,"><title>'),
    };
    await withPage(files, async (page) => {
      await DOES[name](page);
      expect((await violationsOf(page)).map(({ id, nodes }) => `${id}: ${nodes[0].html}`)).toEqual([]);
    });
  });
});
