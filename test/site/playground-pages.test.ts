/** @file The other pages of the playground at work, all of them to axe and on a phone, without a network, and their size. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { seriousViolationsOf } from "../browser/axe.js";
import { noChromium } from "../tools.js";
import { finished, visitsInChromium } from "./playground-chromium.js";
import { builtPlayground, ISOLATED, PLAYGROUND } from "./playground-site.js";

const PAGES = ["index", "train", "draw", "gradient", "look", "speed"];
const MODEL = path.resolve(import.meta.dirname, "../../experiments/lenet5-mnist-1w4a/model.cgm");

/** Serious and worse: what axe finds. */
async function findings(page: Page): Promise<string[]> {
  return (await seriousViolationsOf(page)).flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html}: ${node.failureSummary}`),
  );
}

const text = (page: Page, selector: string): Promise<string> => page.locator(selector).innerText();

describe.skipIf(noChromium)("the playground's pages", () => {
  beforeAll(builtPlayground);
  const visit = visitsInChromium();

  it("read what is drawn by mouse and by keyboard, and train a float network beside it", async () => {
    await visit("draw.html?images=60", async ({ page }) => {
      await page.waitForSelector(".reader .answer");
      const box = (await page.locator("#pad").boundingBox())!;
      const at = (x: number, y: number): [number, number] => [box.x + x * box.width, box.y + y * box.height];
      await page.mouse.move(...at(0.5, 0.2));
      await page.mouse.down();
      await page.mouse.move(...at(0.5, 0.8), { steps: 8 });
      await page.mouse.up();
      await page.waitForFunction(`document.querySelector(".answer b").textContent === "1"`);
      expect(await page.locator("#layers canvas").count()).toBe(6);
      expect(await text(page, ".reader:first-child")).toMatch(/ms a picture, 85\.2 kB/);
      await page.click("#clear");
      await page.waitForFunction(`document.querySelector(".answer b").textContent === "–"`);

      await page.focus("#pad");
      for (let k = 0; k < 8; k++) await page.keyboard.press("ArrowUp");
      await page.keyboard.press("Space");
      for (let k = 0; k < 16; k++) await page.keyboard.press("ArrowDown");
      await page.waitForFunction(`document.querySelector(".answer b").textContent === "1"`);
      await page.keyboard.press("Backspace");
      await page.click("#example");
      await page.waitForFunction(`/^\\d$/.test(document.querySelector(".answer b").textContent)`);

      await page.click("text=Train it here");
      await page.waitForFunction(`document.querySelectorAll(".reader .answer").length === 2`);
      await page.waitForFunction(`/2\\.33 MB/.test(document.querySelectorAll(".reader")[1].textContent)`);
    });
  });

  it("show what a coarse gradient does, and take a proxy of one's own or say why not", async () => {
    await visit("gradient.html", async ({ page }) => {
      await page.waitForSelector("#numbers table");
      const theta = await text(page, "#figures");
      await page.focus(".handle");
      await page.keyboard.press("ArrowRight");
      await page.waitForFunction(`document.getElementById("figures").innerText !== ${JSON.stringify(theta)}`);
      const box = (await page.locator("#plane").boundingBox())!;
      await page.mouse.move(box.x + 0.5 * box.width, box.y + 0.2 * box.height);
      await page.mouse.down();
      await page.mouse.up();
      await page.waitForFunction(`/90\\.0°/.test(document.getElementById("figures").innerText)`);
      // docs/theory.md: identity's correlation is twice relu's.
      const correlations = await page.evaluate<number[]>(
        `[...document.querySelectorAll("#numbers tbody tr")].map((row) => Number(row.cells[3].textContent))`,
      );
      expect(correlations[2] / correlations[1]).toBeCloseTo(2, 2);
      await page.click("#descend");
      await page.waitForFunction(`document.querySelectorAll("#plane .path").length === 3`);
      expect(await text(page, "#numbers")).toContain("at the teacher");

      const use = async (code: string, expected: RegExp): Promise<void> => {
        await page.fill("#code", code);
        await page.click("#apply");
        await page.waitForFunction(`${expected}.test(document.getElementById("code-error").textContent)`);
      };
      await use("(x) =>", /no JavaScript/);
      await use("(x) => y", /throws at x = -3: y is not defined/);
      await use("7", /Expected a function/);
      await use("(x) => 1 / x", /finite number; at x = 0 it gives Infinity/);
      await use("(x) => { for (;;); }", /longer than 4 seconds/);
      await use("(x) => (x > 0 ? 0.5 : 0)", /^$/);
      await page.waitForFunction(`document.querySelectorAll("#numbers tbody tr").length === 4`);
      const [, relu, , own] = await page.evaluate<number[]>(
        `[...document.querySelectorAll("#numbers tbody tr")].map((row) => Number(row.cells[3].textContent))`,
      );
      expect(relu / own).toBeCloseTo(2, 1);
    });
  });

  it("look into files that are dropped or given as examples, and say what is wrong with others", async () => {
    await visit("look.html", async ({ page }) => {
      const examples = await page.locator("#examples button").allInnerTexts();
      for (const [i, layers] of [7, 7, 68, 7, 7].entries()) {
        await page.click(`#examples button:nth-child(${i + 1})`);
        await page.waitForFunction(`document.querySelectorAll("#layers tbody tr").length === ${layers} &&
          !document.getElementById("report").hidden`);
        expect(await text(page, "#error"), examples[i]).toBe("");
      }
      const drop = (name: string, bytes: Uint8Array): Promise<void> =>
        page.evaluate(
          `{ const files = new DataTransfer();
             files.items.add(new File([Uint8Array.from(${JSON.stringify([...bytes])})], ${JSON.stringify(name)}));
             document.getElementById("drop").dispatchEvent(new DragEvent("drop", { dataTransfer: files })); }`,
        );
      await drop("broken.cgm", readFileSync(MODEL).subarray(0, 1000));
      await page.waitForFunction(`/broken\\.cgm/.test(document.getElementById("error").textContent)`);
      await drop("mine.cgm", readFileSync(MODEL));
      await page.waitForFunction(`document.getElementById("title").textContent === "mine.cgm"`);
      expect(await text(page, "#layers")).toMatch(/fc1\s+linear\s+512\s+1\s+4\s+524,288\s+74,182/);
      expect(await page.locator("#thresholds figure").count()).toBe(3);
      await page.click("#sample");
      await page.waitForFunction(`/^0: \\d/.test(document.querySelector("#answer li")?.textContent)`);
      // A picture of a file: a white page, of which nothing is left dark on light.
      const png = await page.evaluate<string>(`(() => {
        const canvas = document.createElement("canvas");
        canvas.getContext("2d").fillRect(140, 20, 20, 110);
        return canvas.toDataURL().split(",")[1];
      })()`);
      await page.setInputFiles("#picture", {
        name: "one.png",
        mimeType: "image/png",
        buffer: Buffer.from(png, "base64"),
      });
      await page.waitForFunction(`document.querySelectorAll("#answer li").length === 5`);
    });
  });

  it("time kernels and networks", async () => {
    await visit("speed.html?ms=1", async ({ page, context, site }) => {
      await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: new URL(site.address).origin });
      await page.click("#one");
      await page.waitForFunction(`/^Done/.test(document.getElementById("status").textContent)`, null, {
        timeout: 90_000,
      });
      expect(await page.locator("#rows tbody tr").count()).toBe(11);
      await page.click("#copy-json");
      await page.waitForSelector("text=Copied");
      const copied = JSON.parse(await page.evaluate<string>("navigator.clipboard.readText()"));
      expect(
        copied.rows.map(({ work, threads, ms }: Record<string, number>) => [typeof work, threads, ms > 0]),
      ).toEqual(Array.from({ length: 11 }, () => ["string", 1, true]));
    });
    await visit(
      "speed.html?ms=1",
      async ({ page }) => {
        await page.click("#many");
        await page.waitForSelector("#rows td");
        await page.click("#stop");
        await page.waitForFunction(`document.getElementById("status").textContent === "Stopped."`);
        expect(await text(page, "#rows thead")).toMatch(/ms, [2-8] threads/);
      },
      ISOLATED,
    );
  });

  it("have nothing serious for axe, in both themes, and fit a phone", async () => {
    await visit("index.html", async ({ page, site }) => {
      for (const name of PAGES) {
        await page.goto(`${site.address}${name}.html`);
        if (name === "look") await page.click("#examples button");
        if (name === "look") await page.waitForSelector("#report:not([hidden])");
        if (name === "gradient") await page.waitForSelector("#numbers table");
        for (const [width, colorScheme] of [
          [1280, "light"],
          [390, "dark"],
        ] as const) {
          await page.setViewportSize({ width, height: 900 });
          await page.emulateMedia({ colorScheme });
          expect(await findings(page), `${name}, ${colorScheme}`).toEqual([]);
          expect(await page.evaluate("document.documentElement.scrollWidth"), `${name}, ${width}`).toBe(width);
        }
      }
      await page.click("#theme");
      expect(await page.evaluate("getComputedStyle(document.documentElement).colorScheme")).toBe("light");
      await page.goto(`${site.address}index.html`);
      expect(await page.evaluate("getComputedStyle(document.documentElement).colorScheme")).toBe("light");
    });
  });

  it("load less than 200 kB, and then work without a network", async () => {
    await visit("index.html", async ({ page, context, site }) => {
      for (const name of PAGES) {
        await page.goto(`${site.address}${name}.html`);
        await page.waitForFunction(`performance.getEntriesByType("navigation")[0].loadEventEnd > 0`);
        const files = await page.evaluate<string[]>(
          `[location.href, ...performance.getEntriesByType("resource").map((entry) => entry.name)]`,
        );
        const own = files.map((file) => path.join(PLAYGROUND, file.slice(site.address.length)));
        const bytes = own.reduce((sum, file) => sum + gzipSync(readFileSync(file)).length, 0);
        expect(bytes, `${name}: ${own.join(", ")}`).toBeLessThan(200_000);
      }
      await page.evaluate(`navigator.serviceWorker.ready.then(() => true)`);
      await context.setOffline(true);
      for (const name of PAGES) {
        await page.goto(`${site.address}${name}.html`);
        expect(await page.title()).toContain("coarsegrad");
      }
      await page.goto(`${site.address}train.html#model=mlp&limit=40&epochs=1&batch=20`);
      await page.click("#start");
      expect(await finished(page)).toMatch(/^[0-9a-f]{64}$/);
      await page.goto(`${site.address}draw.html`);
      await page.waitForSelector(".reader .answer");
    });
  });
});
