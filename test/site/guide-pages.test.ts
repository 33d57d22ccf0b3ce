/**
 * @file The built site in a browser: from any folder, by keyboard, in the dark, on small screens, to axe, in its search;
 * and the site as it is served while it is written.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { Page } from "playwright-core";
import { beforeAll, describe, expect, it } from "vitest";
import { root } from "../../scripts/run.mjs";
import { seriousViolationsOf } from "../browser/axe.js";
import { visitsInOne } from "../browser/page.js";
import { noChromium } from "../tools.js";
import { buildSite, SITE } from "./built.js";
import { serving } from "./dev-server.js";
import { withSite } from "./serve.js";

beforeAll(buildSite, 300_000);

/** Every page of the guide, the documents, the examples and the reference. */
function pages(): string[] {
  const names = readdirSync(SITE, { recursive: true, encoding: "utf8" }).map((name) => name.replaceAll("\\", "/"));
  return names.filter((name) => name.endsWith(".html") && !name.startsWith("playground/") && name !== "404.html");
}

describe("the files", () => {
  it("hold relative addresses alone, and each leads to a file and a heading that are there", () => {
    const ids = new Map<string, Set<string>>();
    const idsOf = (file: string): Set<string> => {
      const known =
        ids.get(file) ?? new Set([...readFileSync(file, "utf8").matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
      ids.set(file, known);
      return known;
    };
    const bad: string[] = [];
    const playground = existsSync(path.join(SITE, "playground"));
    for (const page of pages()) {
      const html = readFileSync(path.join(SITE, page), "utf8");
      for (const [, address] of html.matchAll(/ (?:href|src)="([^"]*)"/g)) {
        if (/^(?:https:|data:|mailto:)/.test(address)) continue;
        const [name, hash] = decodeURI(address).split("#");
        if (name.startsWith("/")) bad.push(`${page}: ${address} is absolute`);
        const place = path.join(SITE, path.dirname(page), name);
        const file = name === "" ? path.join(SITE, page) : name.endsWith("/") ? path.join(place, "index.html") : place;
        if (!playground && path.relative(SITE, file).startsWith("playground")) continue;
        if (!existsSync(file)) bad.push(`${page}: ${address} is not there`);
        else if (hash && file.endsWith(".html") && !idsOf(file).has(hash))
          bad.push(`${page}: ${address} has no such heading`);
      }
    }
    expect(bad).toEqual([]);
    expect(pages().length).toBeGreaterThan(50);
  });
  it("hold no other folder, no address of this machine, and little to load", () => {
    const scripts = readdirSync(SITE, { recursive: true, encoding: "utf8" }).filter((name) =>
      /\.(?:js|html|css)$/.test(name),
    );
    const named = scripts.filter((name) => {
      const text = readFileSync(path.join(SITE, name), "utf8");
      return text.includes("/coarsegrad-site-folder/") || text.includes(root);
    });
    expect(named).toEqual([]);
  });
  it("the table of contents has every page of the guide", async () => {
    const { guide } = (await import(path.join(root, "site", ".vitepress", "sidebar.mjs"))) as {
      guide: { items: { link: string }[] }[];
    };
    const listed = guide.flatMap(({ items }) => items.map(({ link }) => link));
    const there = pages()
      .filter((name) => /^(?:guide|docs)\//.test(name))
      .map((name) => `/${name.replace(/\.html$/, "")}`);
    expect(there.filter((name) => !listed.includes(name))).toEqual([]);
  });
});

/** Waits until the page's script has taken it over. */
const ready = (page: Page): Promise<unknown> =>
  page.waitForFunction("document.querySelector('#app')?.__vue_app__ !== undefined");

describe.skipIf(noChromium)("in Chromium", () => {
  const visit = visitsInOne();

  it.each(["/", "/some/deep/folder/"])("from %s: links, history, search", async (folder) => {
    const { missing } = await withSite(folder, (address) =>
      visit(address, async (page) => {
        const at = () => new URL(page.url()).pathname;
        await ready(page);
        await page.getByRole("link", { name: "Quick start", exact: true }).first().click();
        await page.waitForURL("**/guide/quick-start-web.html");
        expect(at()).toBe(`${folder}guide/quick-start-web.html`);
        // From a page at another depth to one at a third, without loading.
        await page.getByRole("link", { name: "Coarse gradients" }).first().click();
        await page.waitForURL("**/guide/concepts/coarse-gradient.html");
        await page.getByRole("link", { name: "Reference" }).first().click();
        await page.waitForURL("**/reference/**");
        await page.locator("a", { hasText: "coarsegrad/quant" }).first().click();
        await page.waitForURL("**/reference/quant.html");
        expect(at()).toBe(`${folder}reference/quant.html`);
        await page.locator("h1", { hasText: "coarsegrad/quant" }).waitFor();
        await page.goBack();
        await page.locator("h1", { hasText: "Reference" }).waitFor();
        // A page in the middle, loaded by itself.
        await page.goto(`${address}guide/concepts/packing.html`);
        await ready(page);
        await page.keyboard.press("Control+k");
        await page.locator(".VPLocalSearchBox input").fill("BinaryRelax");
        await page.locator(".VPLocalSearchBox .result").first().waitFor();
        await page.keyboard.press("Enter");
        await page.waitForURL("**/*.html#*");
        expect(at().startsWith(folder)).toBe(true);
        await page.waitForFunction("document.body.textContent.includes('BinaryRelax')");
        expect(
          await page.evaluate(
            "[...document.querySelectorAll('a[href]')].every((a) => a.protocol !== 'http:' || a.pathname.startsWith(document.location.pathname.split(/guide|reference|docs|examples/)[0]))",
          ),
        ).toBe(true);
      }),
    );
    expect(missing).toEqual([]);
  });

  it("nothing is asked of another host", async () => {
    const { result } = await withSite("/", (address) =>
      visit(address, async (page) => {
        const asked: string[] = [];
        page.on("request", (request) => asked.push(request.url()));
        for (const name of ["", "guide/deploy.html", "reference/infer.html", "docs/theory.html"]) {
          await page.goto(`${address}${name}`);
          await ready(page);
        }
        return asked.filter((url) => !url.startsWith(address) && !url.startsWith("data:"));
      }),
    );
    expect(result).toEqual([]);
  });

  it("the switch turns it dark, and it stays so", async () => {
    await withSite("/", (address) =>
      visit(`${address}guide/own-proxy.html`, async (page) => {
        await ready(page);
        const dark = () => page.evaluate<boolean>("document.documentElement.classList.contains('dark')");
        expect(await dark()).toBe(false);
        await page.locator(".VPNavBarAppearance .VPSwitchAppearance").click();
        expect(await dark()).toBe(true);
        await page.reload();
        expect(await dark()).toBe(true);
      }),
    );
  });

  it("by keyboard: past the bars into the page, and on", async () => {
    await withSite("/", (address) =>
      visit(`${address}guide/own-proxy.html`, async (page) => {
        await ready(page);
        await page.keyboard.press("Tab");
        expect(await page.evaluate("document.activeElement.textContent")).toContain("Skip to content");
        await page.keyboard.press("Enter");
        expect(await page.evaluate("document.activeElement.id")).toBe("VPContent");
      }),
    );
  });

  const LOOKED_AT = [
    "index.html",
    "guide/own-network.html",
    "guide/comparison.html",
    "reference/infer.html",
    "examples/index.html",
  ];
  // Colours do not depend on the width, nor what is too wide on the colours.
  const VIEWS = [
    ["light", 390],
    ["dark", 1280],
  ] as const;
  it.each(LOOKED_AT)("%s: axe finds nothing serious, and nothing is wider than the window", async (name) => {
    await withSite("/", (address) =>
      visit(`${address}${name}`, async (page) => {
        for (const [colorScheme, width] of VIEWS) {
          await page.setViewportSize({ width, height: 900 });
          await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
          await page.reload();
          await ready(page);
          const told = (await seriousViolationsOf(page)).flatMap(({ id, nodes }) =>
            nodes.slice(0, 3).map(({ html }) => `${id}: ${html.slice(0, 200)}`),
          );
          expect(told, `${colorScheme}, ${width}`).toEqual([]);
          expect(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"), `${width}`).toBe(true);
          const folder = process.env.COARSEGRAD_SCREENSHOTS;
          if (folder)
            await page.screenshot({
              path: path.join(folder, `${name.replaceAll("/", "-")}-${colorScheme}-${width}.png`),
            });
        }
      }),
    );
  });
});

describe("npm run site:dev", () => {
  it("serves guide, reference and playground with every module that their pages ask for", async () => {
    await serving(async (address) => {
      const get = async (page: string): Promise<{ status: number; type: string; text: string }> => {
        const answer = await fetch(new URL(page, address));
        return { status: answer.status, type: answer.headers.get("content-type") ?? "", text: await answer.text() };
      };
      for (const page of ["", "guide/own-proxy.html", "reference/", "docs/sweeps.html"]) {
        expect(await get(page), page).toMatchObject({ status: 200, type: expect.stringContaining("text/html") });
      }
      for (const page of ["index", "train", "draw", "gradient", "look", "speed"]) {
        const { status, text } = await get(`playground/${page}.html`);
        expect(status, page).toBe(200);
        expect(text).toContain('href="/"');
        const scripts = [...text.matchAll(/<script[^>]* src="([^"]+)"/g)].map(([, src]) => src);
        expect(scripts.length, page).toBeGreaterThan(0);
        for (const script of scripts) {
          expect(await get(new URL(script, `${address}playground/`).href), script).toMatchObject({
            status: 200,
            type: expect.stringContaining("javascript"),
          });
        }
      }
    });
  });
});
