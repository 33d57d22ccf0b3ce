import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import { reportPage } from "../../src/cli/report/page.js";
import { COLORS, runStyles } from "../../src/cli/report/palette.js";
import { difference, meanDifference, signed, spread, standardError } from "../../src/cli/report/statistics.js";
import { withPage } from "../browser/page.js";
import { noChromium } from "../tools.js";
import { bareRun, CLASSES, epochRow, page, predictionsOf, run } from "./report-runs.js";

/** Text of a page between a heading and the next of its kind. */
function section(html: string, level: 2 | 3, title: string): string {
  return html.split(`<h${level}`).find((part) => part.includes(`>${title}</h${level}>`)) ?? "";
}

describe("the report page", () => {
  it("heads with the run that was asked for, whatever the others reach", () => {
    const runs = [run("asked", "1W4A", { accuracy: 97 }), run("float", "float", { accuracy: 99 }), run("b", "1W2A")];
    const first = page(...runs);
    expect(first).toContain('Figures of <a href="#run-0">asked</a>');
    expect(first).toContain("97.00<small> ± 0.17 %</small>");
    expect(first).toContain("10,000 held-out images; −2.00 ± 0.20 points against float");
    expect(first).toContain("27.6 times smaller than float32");
    expect(first).toContain("1,000 of 1,000 codes equal");
    const last = reportPage({ title: "", subtitle: "", version: "", runs, headline: 2 });
    expect(last).toContain('Figures of <a href="#run-2">b</a>');
    expect(last).toContain("98.00<small> ± 0.14 %</small>");
    expect(last).toMatch(/id="run-0"[^>]* hidden>[\s\S]*id="run-2"[^>]*"tab-2">/);
  });

  it("knows standard errors of shares and of their differences", () => {
    expect(standardError({ accuracy: 99.4, images: 1000 })).toBeCloseTo(100 * Math.sqrt((0.994 * 0.006) / 1000), 12);
    expect(standardError({ accuracy: 100, images: 10 })).toBe(0);
    const of = (a: number, b: number) => difference({ accuracy: a, images: 1000 }, { accuracy: b, images: 1000 });
    expect(of(99.5, 99.4)).toMatchObject({ decided: false });
    expect(of(99.4, 98.4)).toMatchObject({ decided: true });
    expect(of(98.4, 99.4).points).toBeCloseTo(-1, 12);
    expect(of(50, 50).error).toBeCloseTo(100 * Math.sqrt(0.5 / 1000), 12);
    // Two standard errors decide, not one.
    expect(of(50, 47)).toMatchObject({ decided: false });
    expect(of(50, 45.5)).toMatchObject({ decided: true });
    expect([0.4, -0.4, 0, -0.001].map(signed)).toEqual(["+0.40", "−0.40", "0.00", "0.00"]);
    expect(spread([1, 2, 3])).toEqual({ mean: 2, deviation: 1 });
    const seeds = meanDifference([97, 98, 99], [88, 90, 92], 1000);
    expect(seeds.points).toBeCloseTo(8, 12);
    expect(seeds.error).toBeCloseTo(Math.sqrt(1 / 3 + 4 / 3 + of(98, 90).error ** 2), 12);
    expect(seeds.decided).toBe(true);
    expect(meanDifference([97, 99], [96, 98], 1000).decided).toBe(false);
  });

  it("calls a difference none that the test images do not show", () => {
    const text = page(
      run("a", "1W4A", { accuracy: 99.4, testImages: 1000 }),
      run("b", "1W4A", { accuracy: 99.5, testImages: 1000 }),
      run("c", "1W4A", { accuracy: 95, testImages: 1000 }),
      run("d", "1W4A", { accuracy: 95, testImages: 1000, data: "digits" }),
      run("e", "1W4A", { accuracy: 95, testImages: null }),
    );
    const against = [...text.matchAll(/data-label="Against a" class="n">(.*?)<\/td>/g)].map(([, cell]) =>
      cell.replace(/<[^>]*>/g, ""),
    );
    expect(against).toEqual(["–", "none (+0.10 ± 0.33)", "−4.40 ± 0.73", "–", "–"]);
  });

  it("gathers runs that differ in their seeds alone", () => {
    const seeded = (name: string, seed: number, accuracy: number, lr = 0.01) =>
      run(name, "1W4A", { seed, accuracy, config: { lr, seed } });
    const text = page(seeded("a", 1, 98), seeded("b", 2, 99), seeded("c", 3, 97), seeded("d", 4, 50, 0.1));
    const own = section(text, 3, "From seed to seed");
    expect(own).toContain('scope="row">a, b, c</th>');
    expect(own).toContain('98.00 % <span class="error">± 1.00</span>');
    expect(own).toContain("97.00 to 99.00 %");
    expect(own).not.toContain("50.00");
    expect(section(page(seeded("a", 1, 98), seeded("b", 1, 99)), 3, "From seed to seed")).toBe("");
  });

  it("shows in the table what runs have, and tells them apart by what differs", () => {
    const heads = (text: string) =>
      [...text.matchAll(/scope="col"(?: class="n")?>([^<]+)<\/th>/g)].map((found) => found[1]);
    const same = page(run("a", "1W4A"), run("b", "1W4A"));
    expect(heads(same)).toContain("Packed, ms per image");
    expect(same).not.toContain('<span class="chip">mnist</span>');
    const bare = { packed: null, layers: [], metrics: [], config: {}, command: null };
    const other = page(run("a", "1W4A", { ...bare, data: "digits" }), run("b", "1W4A", bare));
    expect(other).toContain('<span class="chip">mnist</span>');
    expect(other).toContain('<span class="chip">digits</span>');
    expect(heads(other)).not.toContain("Packed, ms per image");
    expect(heads(other)).not.toContain("Parameters");
  });

  it("tells runs apart by blending, rules and their first epoch", () => {
    const blended = (name: string, rho: number) =>
      run(name, "1W4A", { config: { rho, alphaRule: "pact", proxy: "relu" } });
    const text = page(blended("bc", 0), blended("bcgd", 1e-5));
    expect(text).toContain('<span class="chip">ρ 0</span>');
    expect(text).toContain('<span class="chip">ρ 1e-5</span>');
    expect(text).not.toContain("α by pact");
    expect(text).toMatch(/data-label="After one epoch" class="n">90\.00 %<\/td>/);
    expect(text).toContain("Weight codes that flip");
    expect(page(run("float", "float", { metrics: [{ ...epochRow(1, false) }] }))).not.toContain(
      "Weight codes that flip",
    );
  });

  it("shows which classes are taken for which, and the pictures", () => {
    const text = section(page(run("a", "1W4A")), 3, "What it gets wrong");
    expect(text).toContain("misreads 10 of 1,010 test images (0.99 %)");
    const cells = [...text.matchAll(/<td class="(right|wrong)"[^>]*>(\d+)<\/td>/g)].map(([, kind, found]) => [
      kind,
      found,
    ]);
    expect(cells.filter(([kind]) => kind === "right")).toHaveLength(10);
    expect(cells.filter(([kind]) => kind === "wrong").map(([, found]) => found)).toEqual(["1", "2", "3", "4"]);
    expect(text).toContain("4 of 10 mistakes");
    expect(text.match(/href="data:image\/png;base64,/g)).toHaveLength(4);
    expect(text).toContain('is <b>0</b></span><span class="as">read as <b>1</b></span><span class="sure">90 % sure');
    const warning = "These images are not those that the run was tested on";
    expect(page(run("a", "1W4A", { predictions: { ...predictionsOf(CLASSES), warning } }))).toContain(warning);
  });

  it("lists pairs where a matrix would not be readable", () => {
    const many = Array.from({ length: 100 }, (_, label) => `class ${label}`);
    const text = section(page(run("a", "1W4A", { predictions: predictionsOf(many) })), 3, "What it gets wrong");
    expect(text).not.toContain("<table");
    expect(text.match(/<li><b>.*?<\/li>/g)?.[0]).toBe(
      '<li><b>class 3</b> read as <b>class 4</b> <span class="images">4</span></li>',
    );
  });

  it("says what is left out, and why", () => {
    const text = page(bareRun("bare"));
    expect(text).toContain("Left out: mnist: data set not found.");
    expect(text).toContain("Left out: the run has no checkpoint yet.");
  });

  it("links rows of layers and their weights with each other", () => {
    const text = page(run("a", "1W4A"), run("b", "2W4A"));
    expect(text).toContain('<a href="#run-1-layer-2">fc1</a></th>');
    expect(text).toContain('id="run-1-layer-2" tabindex="-1"><figcaption><h4><a href="#run-1-row-2">fc1</a>');
    const ids = new Set([...text.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id));
    const targets = [...text.matchAll(/ href="#([^"]+)"/g)].map(([, id]) => id);
    expect(targets.length).toBeGreaterThan(20);
    for (const target of targets) expect(ids).toContain(target);
  });

  it("shows weights with their levels, and kernels as bits", () => {
    const text = page(run("a", "1W4A"));
    expect(text).toContain("−0.1: 50.0 % · 0.1: 50.0 %");
    expect(text).toContain("All 32 kernels of conv1, the first layer");
    expect(text).toContain("Blue is +δ, orange −δ: one bit for each square.");
    expect(page(run("a", "4W4A"))).toContain("5 levels from −0.2 to 0.2; 0.0 % are zero.");
    expect(page(run("a", "float"))).toContain("Not quantized.");
  });

  it("lists the settings that differ apart from those that are the same", () => {
    const text = page(run("a", "1W4A"), run("b", "2W4A"), run("c", "2W4A", { config: { lr: 0.01, bits: "2W4A" } }));
    const differing = section(text, 3, "What differs");
    expect(differing).toMatch(
      /scope="row">bits<\/th><td[^>]*data-label="a">1W4A<\/td><td[^>]*data-label="b">2W4A<\/td>/,
    );
    expect(differing).not.toContain("lr</th>");
    const same = section(text, 3, "The same in all runs that have it");
    expect(same).toContain("<dt>lr</dt><dd>0.01</dd>");
    expect(same).toContain("<dt>keep float</dt><dd>–</dd>");
    expect(same).not.toContain("<dt>bits</dt>");
  });

  it("gives each curve its own colour while there are colours, then dashes", () => {
    const flat = { metrics: [] };
    const curve = { metrics: [{}] };
    expect(runStyles([flat, curve, flat, curve]).map(({ color }) => color)).toEqual(["--s2", "--s0", "--s3", "--s1"]);
    const many = runStyles(Array.from({ length: 2 * COLORS }, () => curve));
    expect(new Set(many.map(({ color, dashed }) => `${color} ${dashed}`)).size).toBe(2 * COLORS);
    expect(page(run("a", "1W4A", flat), run("b", "1W4A"))).toMatch(
      /var\(--s1\)"><\/i><a href="#run-0">a<.*var\(--s0\)"><\/i><a href="#run-1">b</s,
    );
  });

  it("shows names as they are, whatever is in them", () => {
    const evil = "</SCRIPT><img src=x onerror=alert(1)>\u2028\u202e\u001b<!--\"'&";
    const named = {
      ...run(evil, "1W4A"),
      ...{ model: evil, data: evil, method: evil, command: evil, sha256: evil, config: { [evil]: evil, list: [evil] } },
      layers: [{ ...run("a", "1W4A").layers[0], name: evil, kind: evil }],
      predictions: { ...predictionsOf([evil, evil, ...CLASSES.slice(2)]), warning: evil },
      weights: { leftOut: evil },
      metrics: [{ ...epochRow(1, true), flipRatio: { [evil]: 1 }, alpha: { [evil]: 1 }, saturation: { [evil]: 1 } }],
    };
    const text = reportPage({
      title: evil,
      subtitle: evil,
      version: evil,
      runs: [named, run("b", "float")],
      headline: 0,
    });
    const plain = page(run("a", "1W4A", { weights: { leftOut: "" } }), run("b", "float"));
    const tags = (of: string, tag: RegExp) => of.match(tag)?.length;
    // Neither another element nor another end of one.
    expect(tags(text, /<img/gi)).toBe(tags(plain, /<img/gi));
    expect(tags(text, /<script/gi)).toBe(tags(plain, /<script/gi));
    expect(tags(text, /<\/script/gi)).toBe(tags(plain, /<\/script/gi));
    for (const bad of ["\u2028", "\u202e", "\u001b"]) expect(text).not.toContain(bad);
    const data = /<script type="application\/json" id="runs">(.*?)<\/script>/s.exec(text)?.[1] ?? "";
    expect(JSON.parse(data)[0].name).toBe(evil);
  });

  it("says when a run is not finished", () => {
    expect(page(run("a", "1W4A", { finished: false }))).toContain("not finished");
  });

  it.skipIf(noChromium)("draws its charts from the disk and under a policy that allows no request", async () => {
    const folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-report-"));
    const html = page(run("bcgd", "1W4A"), run("bc", "1W4A", { accuracy: 99 }), run("float", "float"));
    writeFileSync(path.join(folder, "report.html"), html);
    const policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";
    try {
      await withPage(
        { "index.html": html.replace("<title>", '<link rel="icon" href="data:,"><title>') },
        async (browser) => {
          for (const url of [browser.url(), pathToFileURL(path.join(folder, "report.html")).href]) {
            for (const colorScheme of ["light", "dark"] as const) {
              await browser.emulateMedia({ colorScheme });
              await browser.goto(url);
              // Five charts over the runs; three of the selected run, those of the others hidden.
              expect(await browser.locator(".chart canvas:visible").count()).toBe(8);
              const inked = await browser.locator(".chart canvas").evaluateAll((canvases) =>
                canvases.map((canvas) => {
                  const { width, height } = canvas as HTMLCanvasElement;
                  const pixels =
                    (canvas as HTMLCanvasElement).getContext("2d")?.getImageData(0, 0, width, height).data ?? [];
                  return pixels.filter((value, i) => i % 4 === 3 && value > 0).length / (width * height);
                }),
              );
              for (const share of inked) expect(share).toBeGreaterThan(0.005);
              const names = await browser.locator(".charts").first().locator(".u-label").allTextContents();
              expect(new Set(names)).toEqual(new Set(["epoch", "float", "bc", "bcgd"]));
              await browser.getByRole("tab", { name: "bc", exact: true }).click();
              expect(await browser.locator("#run-1").isVisible()).toBe(true);
              expect(await browser.locator("#run-2").isVisible()).toBe(false);
              // A link to a layer of another run opens that run.
              await browser.evaluate("location.hash = 'run-2-layer-3'");
              await browser.locator("#run-2-layer-3").waitFor({ state: "visible" });
              expect(await browser.locator("#run-1").isVisible()).toBe(false);
              await browser.locator("#run-2-layer-3 a").click();
              expect(await browser.evaluate("document.activeElement.id")).toBe("run-2-row-3");
              const [content, window] = await browser.evaluate(() => [
                document.documentElement.scrollWidth,
                innerWidth,
              ]);
              expect(content).toBe(window);
            }
          }
        },
        { headers: { "content-security-policy": policy } },
      );
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
