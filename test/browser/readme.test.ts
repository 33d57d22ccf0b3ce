/** @file The README's page, as it stands: bundled by Vite, it says what the runtime in Node makes of the same pixels. */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "vite";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { root } from "../../scripts/run.mjs";
import { Rng } from "../../src/core/rng.js";
import { digits } from "../../src/data/index.js";
import { pack } from "../../src/export/index.js";
import { createSession } from "../../src/infer/index.js";
import { lenet5 } from "../../src/models/index.js";
import { SGD } from "../../src/optim/index.js";
import { prepare } from "../../src/quant/index.js";
import * as training from "../../src/train/index.js";
import { type Consumer, filesUnder, installPackage } from "../package/installed.js";
import { noChromium } from "../tools.js";
import { type ServedFiles, withPage } from "./page.js";

async function trainedModel(): Promise<Uint8Array> {
  using net = lenet5({ rng: new Rng(1) });
  prepare(net, { weights: 1, activations: 4 });
  using optimizer = new SGD(net.parameters(), { lr: 0.02, momentum: 0.9 });
  await training.fit(net, digits({ train: 256, test: 1 }).train, { epochs: 2, optimizer, recalibrate: true });
  return pack(net, { inputShape: [28, 28, 1] });
}

describe.skipIf(noChromium)("the README's page in headless Chromium", () => {
  let consumer: Consumer;
  let site: ServedFiles;
  let model: Uint8Array;

  beforeAll(async () => {
    model = await trainedModel();
    consumer = installPackage();
    const [, html] = /```html\n([\s\S]*?)```/.exec(readFileSync(path.join(root, "README.md"), "utf8")) as string[];
    // A browser asks for an icon by itself.
    writeFileSync(path.join(consumer.folder, "index.html"), `<!doctype html><link rel="icon" href="data:,">\n${html}`);
    const options = { root: consumer.folder, configFile: false, logLevel: "error" } as const;
    await build({ ...options, build: { outDir: "site", target: "es2022" } });
    site = { ...filesUnder(path.join(consumer.folder, "site")), "model.cgm": model };
  });
  afterAll(() => consumer?.remove());

  it("names the digit that is drawn", async () => {
    const { before, after, pixels } = await withPage(site, async (page) => {
      const text = () => page.evaluate<string>("document.querySelector('output').value");
      const box = (await page.locator("canvas").boundingBox()) as { x: number; y: number };
      await page.waitForFunction("document.querySelector('canvas').onpointermove !== null");
      const before = await text();
      const ring = (turn: number) => [box.x + 140 + 60 * Math.cos(turn), box.y + 140 + 80 * Math.sin(turn)] as const;
      await page.mouse.move(...ring(0));
      await page.mouse.down();
      for (let turn = 0; turn < 6.4; turn += 0.1) await page.mouse.move(...ring(turn));
      await page.mouse.up();
      const read = "[...document.querySelector('canvas').getContext('2d').getImageData(0, 0, 28, 28).data]";
      return { before, after: await text(), pixels: await page.evaluate<number[]>(read) };
    });
    expect(before).toBe("draw a digit");
    expect(pixels.filter((value) => value === 255).length).toBeGreaterThan(4 * 30);
    using session = createSession(model);
    const drawn = { data: Uint8ClampedArray.from(pixels), width: 28, height: 28 };
    expect(after).toBe(`a ${session.predict(drawn)[0]}`);
    expect(session.predict(new Uint8Array(784))[0], "an empty canvas is another digit").not.toBe(
      session.predict(drawn)[0],
    );
  });
});
