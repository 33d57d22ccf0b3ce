/** @file One run in Node, Firefox and WebKit: the same SHA-256. Chromium's is in playground-train.test.ts. */

import { setTimeout as sleep } from "node:timers/promises";
import { launch, type Page } from "puppeteer-core";
import { beforeAll, describe, expect, it } from "vitest";
import { createRun, runConfig } from "../../src/run/index.js";
import { hasProgram, lacks } from "../tools.js";
import { builtPlayground, ISOLATED, servePlayground } from "./playground-site.js";
import { hasWebKit, withWebKit } from "./webkit.js";

const firefox = ["firefox-esr", "firefox"].find((name) => hasProgram(name));
const noFirefox = lacks("Firefox", firefox !== undefined);
const noWebKit = lacks("WebKit", hasWebKit());

const LINK = "train.html#model=lenet5&limit=128&epochs=1&batch=32";
const CONFIG = runConfig({ model: "lenet5", bits: "1W4A", limit: 128, epochs: 1, batch: 32 });
let inNode = "";
beforeAll(async () => {
  inNode = (await createRun(CONFIG)).weightsSha256;
});

/** What the page says: the SHA-256 once the run is finished, or what went wrong. */
const OUTCOME = `
  const text = (id) => document.getElementById(id)?.textContent ?? "";
  const wrong = text("run-error") + text("form-error");
  return wrong !== "" ? wrong : /^Finished/.test(text("run-status")) ? text("sha") : "";
`;

/** Starts the run, once the page can. */
const START = `
  const start = document.getElementById("start");
  if (start === null || start.disabled) return "";
  start.click();
  return "started";
`;

/** Asks until there is an answer. */
async function outcome(ask: () => Promise<unknown>): Promise<unknown> {
  for (let tries = 0; tries < 300; tries++) {
    const answer = await ask();
    if (answer !== "") return answer;
    await sleep(200);
  }
  return "nothing came of the run";
}

async function inFirefox(work: (page: Page) => Promise<void>): Promise<void> {
  const { PATH = "" } = process.env;
  const folder = PATH.split(":").find((each) => hasProgram(firefox!, { PATH: each }));
  const browser = await launch({ browser: "firefox", executablePath: `${folder}/${firefox}`, headless: true });
  try {
    await work(await browser.newPage());
  } finally {
    await browser.close();
  }
}

describe.skipIf(noFirefox)("the playground in Firefox", () => {
  beforeAll(builtPlayground);

  it.each([
    ["on a plain host", {}],
    ["on one that isolates pages, on threads", ISOLATED],
  ])("trains to the weights of Node %s", async (_, headers) => {
    await using site = await servePlayground(headers);
    await inFirefox(async (page) => {
      await page.goto(site.address + LINK);
      expect(await page.evaluate("crossOriginIsolated")).toBe(headers === ISOLATED);
      expect(await outcome(() => page.evaluate(`(() => {${START}})()`))).toBe("started");
      expect(await outcome(() => page.evaluate(`(() => {${OUTCOME}})()`))).toBe(inNode);
    });
  });
});

describe.skipIf(noWebKit)("the playground in WebKit", () => {
  beforeAll(builtPlayground);

  it("trains to the weights of Node, and draws", async () => {
    await using site = await servePlayground();
    await withWebKit(async (page) => {
      await page.goto(site.address + LINK);
      expect(await outcome(() => page.run(START))).toBe("started");
      expect(await outcome(() => page.run(OUTCOME))).toBe(inNode);
      await page.goto(`${site.address}draw.html`);
      const digit = `const [example, answer] = [document.getElementById("example"), document.querySelector(".answer b")];
        if (answer === null) return "";
        if (window.asked !== true) example.click();
        window.asked = true;
        return /^\\d$/.test(answer.textContent) ? "read" : "";`;
      expect(await outcome(() => page.run(digit))).toBe("read");
    });
  });
});
