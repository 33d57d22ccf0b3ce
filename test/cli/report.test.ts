import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { describe, expect, it } from "vitest";
import type { EpochRow, ReportRun } from "../../src/cli/report/model.js";
import { reportPage } from "../../src/cli/report/page.js";
import { COLORS, runStyles } from "../../src/cli/report/palette.js";
import { headline } from "../../src/cli/report/sections.js";
import { withPage } from "../browser/page.js";
import { noChromium } from "../tools.js";

const LAYERS = ["conv1", "conv2", "fc1", "fc2"];

function epochRow(epoch: number, quantized: boolean): EpochRow {
  const each = (value: number) => (quantized ? Object.fromEntries(LAYERS.map((name) => [name, value / epoch])) : {});
  return {
    epoch,
    loss: 1 / epoch,
    accuracy: 90 + epoch,
    valAccuracy: 89 + epoch,
    lr: 0.01 / epoch,
    imagesPerSecond: 800,
    flips: quantized ? 1 / epoch : null,
    flipRatio: each(0.01),
    alpha: each(0.2),
    saturation: each(0.02),
  };
}

function run(name: string, bits: string, fields: Partial<ReportRun> = {}): ReportRun {
  const quantized = bits !== "float";
  return {
    name,
    model: "lenet5",
    data: "mnist",
    bits,
    method: quantized ? "bcgd" : "float",
    seed: 1,
    command: `npx coarsegrad train --out ${name}`,
    finished: true,
    epochs: 4,
    wallSeconds: 100,
    imagesPerSecond: 800,
    accuracy: 98,
    sha256: "ab".repeat(32),
    graphMillisecondsPerImage: 0.5,
    packed: {
      bytes: quantized ? 84_000 : 2_330_000,
      floatBytes: 2_320_000,
      accuracy: 98,
      millisecondsPerImage: 0.3,
      codesCompared: quantized ? 1000 : null,
      codesEqual: quantized ? 1000 : null,
    },
    layers: LAYERS.map((layer, i) => ({
      ...{ name: layer, kind: "conv", weightBits: quantized ? 1 : 32, activationBits: 4 },
      ...{ parameters: 100 * (i + 1), bytes: 10 * (i + 1), macs: 1000 * (i + 1) },
    })),
    metrics: [1, 2, 3, 4].map((epoch) => epochRow(epoch, quantized)),
    config: { lr: 0.01, bits, keepFloat: [] },
    ...fields,
  };
}

const page = (...runs: ReportRun[]) => reportPage({ title: "A title", subtitle: "…", version: "1.2.3", runs });

describe("the report page", () => {
  it("heads with the narrowest and most accurate run", () => {
    const runs = [
      run("float", "float", { accuracy: 99 }),
      run("a", "1W4A", { accuracy: 97 }),
      run("b", "1W4A"),
      run("c", "2W4A"),
    ];
    expect(headline(runs)?.name).toBe("b");
    const text = page(...runs);
    expect(text).toContain("−1.00 points against float");
    expect(text).toContain("27.6 times smaller than float32");
    expect(text).toContain("1,000 of 1,000 codes equal");
  });

  it("shows in the table what runs differ in and have, and nothing else", () => {
    const heads = (text: string) => [...text.matchAll(/<th(?: class="n")?>([^<]+)<\/th>/g)].map((match) => match[1]);
    const same = heads(page(run("a", "1W4A"), run("b", "1W4A")));
    expect(same).toContain("Packed, ms per image");
    expect(same).not.toContain("Data");
    const bare = { packed: null, layers: [], metrics: [], config: {}, command: null };
    const other = heads(page(run("a", "1W4A", { ...bare, data: "digits" }), run("b", "1W4A", bare)));
    expect(other).toContain("Data");
    expect(other).not.toContain("Packed, ms per image");
    expect(other).not.toContain("Parameters");
  });

  it("tells runs apart by blending, rules and their first epoch", () => {
    const blended = (name: string, rho: number) =>
      run(name, "1W4A", { config: { rho, alphaRule: "pact", proxy: "relu" } });
    const text = page(blended("bc", 0), blended("bcgd", 1e-5));
    expect(text).toContain('<th class="n">ρ</th>');
    expect(text).toContain('<td class="n">1e-5</td>');
    expect(text).not.toContain("Rule for α");
    expect(text).toMatch(/After one epoch.*<td class="n">90\.00 %<\/td>/s);
    expect(text).toContain("Weight codes that flip");
    expect(page(run("float", "float", { metrics: [{ ...epochRow(1, false) }] }))).not.toContain(
      "Weight codes that flip",
    );
  });

  it("marks the settings that differ", () => {
    const text = page(run("a", "1W4A"), run("b", "2W4A"));
    expect(text).toContain('<tr class="differs"><th>bits</th><td>1W4A</td><td>2W4A</td>');
    expect(text).toContain("<tr><th>lr</th><td>0.01</td><td>0.01</td>");
  });

  it("gives each curve its own colour while there are colours, then dashes", () => {
    const flat = { metrics: [] };
    const curve = { metrics: [{}] };
    expect(runStyles([flat, curve, flat, curve]).map(({ color }) => color)).toEqual(["--s2", "--s0", "--s3", "--s1"]);
    const many = runStyles(Array.from({ length: 2 * COLORS }, () => curve));
    expect(new Set(many.map(({ color, dashed }) => `${color} ${dashed}`)).size).toBe(2 * COLORS);
    expect(page(run("a", "1W4A", flat), run("b", "1W4A"))).toMatch(/var\(--s1\)"><\/i>a.*var\(--s0\)"><\/i>b/s);
  });

  it("shows names as they are, whatever is in them", () => {
    const evil = "</SCRIPT><img src=x onerror=alert(1)>\u2028\u202e\u001b<!--\"'&";
    const named = {
      ...run(evil, "1W4A"),
      ...{ model: evil, data: evil, method: evil, command: evil, sha256: evil, config: { [evil]: evil, list: [evil] } },
      layers: [{ ...run("a", "1W4A").layers[0], name: evil, kind: evil }],
      metrics: [{ ...epochRow(1, true), flipRatio: { [evil]: 1 }, alpha: { [evil]: 1 }, saturation: { [evil]: 1 } }],
    };
    const text = reportPage({ title: evil, subtitle: evil, version: evil, runs: [named, run("b", "float")] });
    const plain = page(run("a", "1W4A"), run("b", "float"));
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
    const html = page(run("float", "float"), run("bc", "1W4A"), run("bcgd", "1W4A", { accuracy: 99 }));
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
              expect(await browser.locator("#layers-1").isVisible()).toBe(true);
              expect(await browser.locator("#layers-2").isVisible()).toBe(false);
              await browser.getByLabel("Show only what differs").check();
              expect(await browser.locator("#settings tbody tr:visible th").allTextContents()).toEqual(["bits"]);
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
