/** @file Every page of the playground at work in Firefox and WebKit. Chromium has tests of its own. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digits } from "../../src/data/index.js";
import { writeIdx } from "../../src/io/index.js";
import { createRun, runConfig } from "../../src/run/index.js";
import { lacks } from "../tools.js";
import { visitAlone } from "./firefox-alone.js";
import {
  answer,
  click,
  drop,
  firefox,
  type Guest,
  type GuestBrowser,
  openFirefox,
  openGuestWebKit,
  type Runner,
  until,
} from "./playground-guest.js";
import { builtPlayground, servePlayground } from "./playground-site.js";
import { hasWebKit } from "./webkit.js";

const ENGINES = {
  Firefox: { open: openFirefox, skip: lacks("Firefox", firefox !== undefined) },
  WebKit: { open: openGuestWebKit, skip: lacks("WebKit", hasWebKit()) },
} as const;

const LINK = "train.html#model=lenet5&limit=128&epochs=1&batch=32";
const CONFIG = runConfig({ model: "lenet5", bits: "1W4A", limit: 128, epochs: 1, batch: 32 });
const MODEL = path.resolve(import.meta.dirname, "../../experiments/lenet5-mnist-1w4a/model.cgm");

/** The SHA-256 of the weights that the page tells once its run is finished. */
const finished = (guest: Runner): Promise<unknown> =>
  answer(
    guest,
    `const text = (id) => document.getElementById(id).textContent;
     return text("run-status").startsWith("Finished") ? text("sha") : "";`,
  );
const status = (guest: Runner, start: string): Promise<unknown> =>
  until(guest, `document.getElementById("run-status").textContent.startsWith(${JSON.stringify(start)})`);

describe.each(Object.entries(ENGINES))("the playground in %s", (name, { open, skip }) => {
  let browser: GuestBrowser | undefined;
  beforeAll(async () => {
    if (skip) return;
    await builtPlayground();
    browser = await open();
  });
  afterAll(() => browser?.[Symbol.asyncDispose]());

  /** Opens a page of the playground. */
  async function visit(page: string, work: (guest: Guest, site: string) => Promise<void>): Promise<void> {
    await using site = await servePlayground();
    await browser!.visit(async (guest) => {
      await guest.goto(site.address + page);
      await work(guest, site.address);
    });
  }

  it.skipIf(skip)("trains to the weights of Node", async () => {
    const { weightsSha256 } = await createRun(CONFIG);
    await visit(LINK, async (guest) => {
      await click(guest, "#start");
      expect(await finished(guest)).toBe(weightsSha256);
    });
  });

  it.skipIf(skip)("goes on with a run after a reload, to the weights of Node", async () => {
    const { weightsSha256 } = await createRun(CONFIG);
    await visit(LINK, async (guest, site) => {
      await click(guest, "#start-step");
      await status(guest, "Paused at step 1 ");
      await guest.goto(`${site}index.html`);
      await guest.goto(site + LINK);
      await status(guest, "Interrupted at step 1 ");
      await click(guest, "[aria-label^=Continue]");
      expect(await finished(guest)).toBe(weightsSha256);
    });
  });

  it.skipIf(skip)("trains on files that are dropped", async () => {
    const { train, test } = digits({ train: 100, test: 20 });
    const files = Object.entries({ train, t10k: test }).flatMap(([part, { images, labels, count }]) => [
      [`${part}-images-idx3-ubyte`, writeIdx([count, 28, 28], images)] as const,
      [`${part}-labels-idx1-ubyte`, writeIdx([count], labels as Uint8Array)] as const,
    ]);
    const data = { train: { ...train, name: "mnist/train" }, test: { ...test, name: "mnist/test" } };
    const config = runConfig({ model: "mlp", data: "mnist", bits: "1W4A", limit: 100, epochs: 1, batch: 20 });
    const { weightsSha256 } = await createRun(config, { data });
    await visit("train.html#model=mlp&limit=100&epochs=1&batch=20", async (guest) => {
      await click(guest, "input[value=files]");
      await drop(guest, "#data-files .drop", files);
      await until(guest, `document.body.textContent.includes("100 images to train on and 20 to test on")`);
      await click(guest, "#start");
      expect(await finished(guest)).toBe(weightsSha256);
    });
  });

  it.skipIf(skip)("reads what is drawn", async () => {
    await visit("draw.html", async (guest) => {
      await until(guest, `document.querySelector(".reader .answer") !== null`);
      const box = (await guest.run(
        `document.getElementById("pad").scrollIntoView();
         const { left, top, width } = document.getElementById("pad").getBoundingClientRect();
         return [left, top, width];`,
      )) as number[];
      const at = (x: number, y: number): [number, number] => [
        Math.round(box[0] + x * box[2]),
        Math.round(box[1] + y * box[2]),
      ];
      await guest.drag([0.2, 0.35, 0.5, 0.65, 0.8].map((y) => at(0.5, y)));
      await until(guest, `document.querySelector(".answer b").textContent === "1"`);
      expect(await guest.run(`return document.querySelectorAll("#layers canvas").length;`)).toBe(6);
      await click(guest, "#clear");
      await until(guest, `document.querySelector(".answer b").textContent === "–"`);
    });
  });

  it.skipIf(skip)("descends by coarse gradients, and by a proxy of one's own", async () => {
    await visit("gradient.html", async (guest) => {
      await until(guest, `document.querySelectorAll("#numbers tbody tr").length === 3`);
      await click(guest, "#descend");
      await until(guest, `document.querySelectorAll("#plane .path").length === 3`);
      await guest.run(`document.getElementById("code").value = "(x) => (x > 0 ? 0.5 : 0)";`);
      await click(guest, "#apply");
      await until(guest, `document.querySelectorAll("#numbers tbody tr").length === 4`);
      const rows = (await guest.run(
        `return [...document.querySelectorAll("#numbers tbody tr")].map((row) => Number(row.cells[3].textContent));`,
      )) as number[];
      // Half of relu's derivative has half of its correlation.
      expect(rows[1] / rows[3]).toBeCloseTo(2, 1);
    });
  });

  it.skipIf(skip)("looks into a file that is dropped, and runs it", async () => {
    await visit("look.html", async (guest) => {
      await drop(guest, "#drop", [["mine.cgm", readFileSync(MODEL)]]);
      await until(guest, `document.getElementById("title").textContent === "mine.cgm"`);
      expect(await guest.run(`return document.querySelectorAll("#layers tbody tr").length;`)).toBe(7);
      expect(await guest.run(`return document.querySelectorAll("#thresholds figure").length;`)).toBe(3);
      await click(guest, "#sample");
      await until(guest, `/^0: \\d/.test(document.querySelector("#answer li")?.textContent)`);
    });
  });

  it.skipIf(skip)("times kernels and networks", async () => {
    await visit("speed.html?ms=1", async (guest) => {
      await click(guest, "#one");
      await until(guest, `document.getElementById("status").textContent.startsWith("Done")`);
      expect(await guest.run(`return document.querySelectorAll("#rows tbody tr").length;`)).toBe(11);
      // Where Node 20 tells the weights above, whose kernels are plain, the exact relaxed ones are compared with them.
      const kernels = name === "Firefox" ? "relaxed-integers" : "simd";
      expect(await guest.run(`return document.getElementById("status").textContent;`)).toContain(
        `with ${kernels} kernels`,
      );
    });
  });

  it.skipIf(skip || name === "WebKit")("trains on threads, where the host isolates the page", async () => {
    const { weightsSha256 } = await createRun(CONFIG);
    await visitAlone(LINK, async (guest) => {
      expect(await guest.run("return crossOriginIsolated;")).toBe(true);
      await click(guest, "#start");
      expect(await finished(guest)).toBe(weightsSha256);
    });
  });
});
