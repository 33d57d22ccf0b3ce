/** @file The report page in a browser: nothing for axe to find, and nothing wider than the window. */
import type { Page } from "playwright-core";
import { describe, expect, it } from "vitest";
import type { ReportRun } from "../../src/cli/report/model.js";
import { bareRun, page as htmlOf, predictionsOf, run } from "../cli/report-runs.js";
import { noChromium } from "../tools.js";
import { violationsOf } from "./axe.js";
import { pagesInOne } from "./page.js";

const GARMENTS = "T-shirt/top,Trouser,Pullover,Dress,Coat,Sandal,Shirt,Sneaker,Bag,Ankle boot".split(",");
const LONG = "a-run-with-a-name-that-is-rather-long-and-has-no-place-to-break_and_goes_on_and_on";

/** Pages, each with the colour schemes and widths that it is looked at in. */
const PAGES: readonly [string, readonly ReportRun[], readonly (readonly ["light" | "dark", number])[]][] = [
  [
    "several runs",
    [
      run("bcgd", "1W4A", { seed: 2, config: { rho: 1e-5, init: "/a/long/path/to/float/checkpoint.safetensors" } }),
      run("float", "float"),
      run("coats", "4W4A", { data: "fashion-mnist", predictions: predictionsOf(GARMENTS) }),
      run("ternary", "2W4A", { accuracy: 90 }),
      bareRun("bare"),
    ],
    [
      ["dark", 390],
      ["light", 1280],
    ],
  ],
  [
    "one run",
    [run("bcgd", "1W4A")],
    [
      ["light", 390],
      ["dark", 1280],
    ],
  ],
  [
    "eight runs of long names and many classes",
    Array.from({ length: 8 }, (_, seed) =>
      run(`${LONG}${seed}`, "1W4A", {
        seed,
        config: { rho: seed / 1e6 },
        predictions: predictionsOf(Array.from({ length: 30 }, (__, label) => `class of the number ${label}`)),
      }),
    ),
    [
      ["dark", 390],
      ["light", 1280],
    ],
  ],
];

/** What axe finds, each with where and why. */
async function findings(page: Page): Promise<string[]> {
  return (await violationsOf(page)).flatMap(({ id, nodes }) =>
    nodes.map((node) => `${id}: ${node.html}: ${node.failureSummary}`),
  );
}

/** What is wider than the window. */
function wide(page: Page): Promise<string[]> {
  return page.evaluate(`[...document.querySelectorAll("main *")]
    .filter((element) => element.getBoundingClientRect().right > innerWidth)
    .map((element) => element.outerHTML.slice(0, 80))`);
}

/** Names of what is cut off by its own box, apart from what is for screen readers alone. */
function clipped(page: Page): Promise<string[]> {
  return page.evaluate(`[...document.querySelectorAll("main, main *")]
    .filter((element) => getComputedStyle(element).clipPath === "none")
    .filter((element) => getComputedStyle(element).overflowX !== "visible")
    .filter((element) => element.scrollWidth > element.clientWidth + 1)
    .map((element) => element.outerHTML.slice(0, 80))`);
}

describe.skipIf(noChromium)("the report page, to axe", () => {
  const withPage = pagesInOne();
  it.each(PAGES)("%s", async (_, runs, views) => {
    const html = htmlOf(...runs).replace("<title>", '<link rel="icon" href="data:,"><title>');
    await withPage({ "index.html": html }, async (page) => {
      for (const [colorScheme, width] of views) {
        await page.setViewportSize({ width, height: 900 });
        await page.emulateMedia({ colorScheme });
        expect(await findings(page), `${colorScheme}, ${width}`).toEqual([]);
        expect(await wide(page), `${width}`).toEqual([]);
        expect(await page.evaluate("document.documentElement.scrollWidth"), `${width}`).toBe(width);
        expect(await clipped(page), `${width}`).toEqual([]);
      }
      // Panels that were closed: that of garments, and that of which all is left out.
      for (const name of ["coats", "bare"]) {
        const tab = page.getByRole("tab", { name, exact: true });
        if ((await tab.count()) === 0) continue;
        await tab.click();
        expect(await findings(page), name).toEqual([]);
      }
      for (const canvas of await page.locator("canvas:visible").all()) {
        expect(await canvas.getAttribute("aria-label")).toMatch(/ by epoch\. .+ at epoch \d/);
      }
    });
  });

  it("is told of what is wrong", async () => {
    const broken = htmlOf(bareRun("bare")).replace("--ink-3: #63625a", "--ink-3: #85847b");
    const html = broken.replace("<title>", '<link rel="icon" href="data:,"><title>');
    const found = await withPage({ "index.html": html }, async (page) => {
      await page.emulateMedia({ colorScheme: "light" });
      return findings(page);
    });
    expect(found.join("\n")).toContain("color-contrast");
  });
});
