/** @file Training in the page: the same weights as in Node, pausing, resuming, files, downloads, links, comparison. */

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { digits } from "../../src/data/index.js";
import { toC } from "../../src/export/index.js";
import { createSession } from "../../src/infer/index.js";
import { writeIdx } from "../../src/io/index.js";
import { createRun, runConfig, type Settings } from "../../src/run/index.js";
import { recognizer, writeWav } from "../../src/sound/index.js";
import { loadCheckpoint, stateDigest } from "../../src/train/index.js";
import { bundleProgram } from "../bundle.js";
import { noChromium } from "../tools.js";
import { finished, mainThreadTasks, visitsInChromium } from "./playground-chromium.js";
import { builtPlayground, ISOLATED } from "./playground-site.js";

const SMALL = "train.html#model=mlp&limit=400&epochs=2&batch=20";
const SETTINGS: Settings = { model: "mlp", bits: "1W4A", limit: 400, epochs: 2, batch: 20 };

/** What Node makes of the same settings. */
const shaInNode = async (settings: Settings): Promise<string> => (await createRun(runConfig(settings))).weightsSha256;

const step = async (page: Page): Promise<number> => {
  const status = await page.textContent("#run-status");
  return Number(/step (\d+)/.exec(status ?? "")?.[1] ?? -1);
};
const paused = (page: Page, at: number): Promise<unknown> =>
  page.waitForFunction(`document.getElementById("run-status").textContent.startsWith("Paused at step ${at} ")`);

async function fileOf(page: Page, kind: string): Promise<Buffer> {
  const download = page.waitForEvent("download");
  await page.click(`[data-file=${kind}]`);
  return readFileSync(await (await download).path());
}

describe.skipIf(noChromium)("training in the page", () => {
  beforeAll(builtPlayground);
  const visit = visitsInChromium();

  it("starts, steps, pauses, goes on, and ends with the weights of Node; its script and files say the same", async () => {
    const expected = await shaInNode(SETTINGS);
    await visit(SMALL, async ({ page }) => {
      await page.click("#start-step");
      await paused(page, 1);
      await page.click("#step");
      await paused(page, 2);
      await page.click("#pause");
      expect(await finished(page)).toBe(expected);

      const packed = await fileOf(page, "cgm");
      using session = createSession(packed);
      const { images } = digits({ train: 0, test: 20 }).test;
      const labels = [...session.predict(images)];
      const state = loadCheckpoint(await fileOf(page, "checkpoint"));
      expect([state.epoch, stateDigest(state.model)]).toEqual([2, expected]);
      expect((await fileOf(page, "onnx")).includes("MatMulInteger")).toBe(true);
      const { files } = toC(packed, { name: "mlp" });
      expect([`${await fileOf(page, "c")}`, `${await fileOf(page, "h")}`]).toEqual([files["mlp.c"], files["mlp.h"]]);

      const folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-playground-"));
      try {
        writeFileSync(path.join(folder, "model.mjs"), await fileOf(page, "module"));
        const { predict } = await import(path.join(folder, "model.mjs"));
        expect(labels.map((_, n) => predict(images.subarray(784 * n, 784 * (n + 1))).index)).toEqual(labels);
        await page.click("#recipe summary");
        writeFileSync(path.join(folder, "script.mjs"), (await page.textContent("#script")) ?? "");
        await bundleProgram(path.join(folder, "script.mjs"), path.join(folder, "bundle.mjs"));
        const printed = execFileSync(process.execPath, [path.join(folder, "bundle.mjs")], { encoding: "utf8" });
        expect(printed.trim()).toBe(expected);
        expect(await page.textContent("#command")).toContain("npx coarsegrad train --model mlp --data digits");
      } finally {
        rmSync(folder, { recursive: true });
      }
    });
  });

  it("goes on after a reload with the bits of a run that was never interrupted; runs are compared; reset forgets", async () => {
    const expected = await shaInNode({ ...SETTINGS, limit: 6000, epochs: 4 });
    // Steps take a millisecond, and a click may take a second.
    await visit("train.html#model=mlp&limit=6000&epochs=4&batch=20", async ({ page }) => {
      await page.click("#start");
      await page.waitForFunction(
        `Number(/step (\\d+)/.exec(document.getElementById("run-status").textContent)?.[1]) >= 40`,
      );
      // What a pause keeps is there after the reload; else it would be what the last seconds left.
      await page.click("#pause");
      await page.waitForFunction(`document.getElementById("run-status").textContent.startsWith("Paused")`);
      const at = await step(page);
      await page.reload();
      await page.waitForFunction(`document.getElementById("run-status").textContent.startsWith("Interrupted")`);
      expect(await step(page)).toBe(at);
      await page.click("text=Continue");
      expect(await finished(page)).toBe(expected);
      expect(await page.locator(".u-legend").first().textContent()).toContain("mlp 1W4A, seed 1");

      // Another run, from the first one's weights, beside it.
      await page.selectOption("#field-w", "2");
      await page.fill("#field-limit", "100");
      await page.fill("#field-epochs", "1");
      await page.selectOption("#field-from", { index: 1 });
      await page.click("#start");
      await page.waitForFunction(`/2W4A/.test(document.getElementById("run-name").textContent)`);
      await finished(page);
      expect(await page.locator("#runs tbody tr").count()).toBe(2);
      expect(await page.locator("#chart-loss .u-series").count()).toBe(3);
      expect(await page.textContent("#command")).toContain("--init runs/page-1 --out runs/page-2");
      await page.click("#reset");
      await page.waitForFunction(`document.querySelectorAll("#runs tbody tr").length === 1`);
      await page.reload();
      await page.waitForFunction(`document.querySelectorAll("#runs tbody tr").length === 1`);
    });
  });

  it("shares settings by the link, and says what does not go together", async () => {
    await visit("train.html#model=vgg11&w=32&a=32&lr=0.2&seed=7&epochs=nonsense&other=1", async ({ page }) => {
      const values = (): Promise<unknown> =>
        page.evaluate(
          `["model", "w", "lr", "seed", "epochs"].map((name) => document.getElementById("field-" + name).value)`,
        );
      expect(await values()).toEqual(["vgg11", "32", "0.2", "7", "3"]);
      expect(await page.isDisabled("#field-rho")).toBe(true);
      await page.fill("#field-seed", "9");
      await page.locator("#field-seed").blur();
      expect(new URL(page.url()).hash).toBe("#model=vgg11&w=32&a=32&lr=0.2&seed=9");
      await page.click("#start");
      await page.waitForFunction(`document.getElementById("run-status").textContent === "Failed."`);
      expect(await page.textContent("#run-error")).toMatch(/vgg11|size/);
    });
  });

  it("takes image files that are dropped, and classes that are drawn", async () => {
    const { train, test } = digits({ train: 200, test: 50 });
    const files = Object.entries({ train, t10k: test }).flatMap(([name, { images, labels, count }]) => [
      [`${name}-images-idx3-ubyte`, writeIdx([count, 28, 28], images)] as const,
      [`${name}-labels-idx1-ubyte`, writeIdx([count], labels as Uint8Array)] as const,
    ]);
    await visit("train.html#model=mlp&epochs=1&batch=20&limit=200", async ({ page }) => {
      await page.check("input[value=files]");
      await page.click("#start");
      await page.waitForFunction(`/Drop the image files/.test(document.getElementById("form-error").textContent)`);
      await page.setInputFiles(
        "#data-input",
        files.map(([name, bytes]) => ({ name, mimeType: "application/octet-stream", buffer: Buffer.from(bytes) })),
      );
      await page.waitForSelector("text=200 images to train on and 50 to test on");
      await page.click("#start");
      const own = { train: { ...train, name: "mnist/train" }, test: { ...test, name: "mnist/test" } };
      const settings = { ...SETTINGS, data: "mnist", limit: 200, epochs: 1 };
      const { weightsSha256 } = await createRun(runConfig(settings), { data: own });
      expect(await finished(page)).toBe(weightsSha256);

      await page.check("input[value=own]");
      const pad = page.locator("#data-own canvas");
      await pad.focus();
      for (const [n, keys] of [
        [1, ["ArrowUp", "ArrowDown"]],
        [2, ["ArrowLeft", "ArrowRight"]],
      ] as const) {
        for (let sample = 0; sample < 4; sample++) {
          await pad.focus();
          await page.keyboard.press("Space");
          for (let k = 0; k < 5 + sample; k++) await page.keyboard.press(keys[0]);
          await page.keyboard.press("Space");
          await page.click(`[aria-label="Add to class ${n}"]`);
        }
      }
      await page.click("#start");
      await page.waitForFunction(`document.querySelectorAll("#runs tbody tr").length === 2`);
      await page.waitForFunction(`!/^Finished/.test(document.getElementById("run-status").textContent)`);
      await finished(page);
      expect(await page.isHidden("#recipe")).toBe(true);

      await page.click("text=Use the camera");
      await page.waitForFunction(`document.querySelector("video").videoWidth > 0`);
      for (const n of [1, 1, 2, 2]) await page.click(`[aria-label="Add to class ${n}"]`);
      await page.click("#start");
      await page.waitForFunction(`document.querySelectorAll("#runs tbody tr").length === 3`);
      await page.waitForFunction(`!/^Finished/.test(document.getElementById("run-status").textContent)`);
      await finished(page);
      // 32×32 in colour, and two hidden layers of 256.
      await page.waitForSelector(`text=${(3072 * 256).toLocaleString("en")} weights`);
    });
  });

  it("takes recordings that are dropped, and words that are spoken; its packed models hear", async () => {
    const tone = (hertz: number): Float32Array =>
      Float32Array.from({ length: 4000 }, (_, n) => 0.3 * Math.sin((2 * Math.PI * hertz * n) / 8000));
    const files = Object.entries({ low: 300, high: 1500 }).flatMap(([name, hertz]) =>
      [0, 1, 2, 3, 4, 5].map((n) => ({
        name: `${name}_${n}.wav`,
        mimeType: "audio/wav",
        buffer: Buffer.from(writeWav(tone(hertz * (1 + n / 50)), 8000)),
      })),
    );
    await visit("train.html#model=dscnn&epochs=2&batch=4", async ({ page }) => {
      await page.check("input[value=files]");
      await page.setInputFiles("#data-input", files.slice(0, 6));
      await page.waitForSelector("text=expected recordings of two classes or more");
      await page.setInputFiles("#data-input", files);
      await page.waitForSelector("text=10 recordings to train on and 2 to test on, 49 frames of 32 bands, 2 classes");
      await page.click("#start");
      expect(await finished(page)).toMatch(/^[0-9a-f]{64}$/);
      using session = createSession(await fileOf(page, "cgm"));
      const { word } = recognizer(session).hear(tone(1500), 8000);
      expect(["high", "low"]).toContain(word);

      await page.check("input[value=own]");
      await page.click("text=Use the microphone");
      await page.waitForSelector("text=Press Add beside a class");
      for (const n of [1, 1, 2, 2]) {
        await page.click(`[aria-label="Add to class ${n}"]`);
        await page.waitForSelector("#data-own >> text=Heard.");
        await page.waitForSelector(`[aria-label="Add to class ${n}"]:enabled`);
      }
      await page.click("#start");
      await page.waitForFunction(`document.querySelectorAll("#runs tbody tr").length === 2`);
      await page.waitForFunction(`!/^Finished/.test(document.getElementById("run-status").textContent)`);
      await finished(page);
      using heard = createSession(await fileOf(page, "cgm"));
      expect(recognizer(heard).front.rate).toBe(16_000);
    });
  });

  it("never blocks the page while it trains", async () => {
    await visit("train.html#limit=640&epochs=1", async ({ page, context }) => {
      const tasks = await mainThreadTasks(context.browser()!, page, async () => {
        await page.click("#start");
        await finished(page);
      });
      // Processor time: what other work on the machine adds to a task is not the page's.
      expect(tasks.length).toBeGreaterThan(50);
      expect(tasks.filter((milliseconds) => milliseconds >= 50)).toEqual([]);
    });
  });

  it("gives the same weights on threads, where the host isolates the page", async () => {
    await visit(
      SMALL,
      async ({ page }) => {
        expect(await page.evaluate("crossOriginIsolated")).toBe(true);
        await page.click("#start");
        expect(await finished(page)).toBe(await shaInNode(SETTINGS));
      },
      ISOLATED,
    );
  });
});
