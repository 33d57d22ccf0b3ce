/**
 * @file Names from files in real pages: class names inlined with a module, run and layer names in a report. None of
 * them runs, all are shown.
 */
import { describe, expect, it } from "vitest";
import type { ReportRun } from "../../src/cli/report/model.js";
import { reportPage } from "../../src/cli/report/page.js";
import { Rng } from "../../src/core/rng.js";
import { pack, toModule } from "../../src/export/index.js";
import { mlp } from "../../src/models/index.js";
import { predictionsOf, weightsOf } from "../cli/report-runs.js";
import { noChromium } from "../tools.js";
import { pagesInOne } from "./page.js";

const RUN = "document.title='run'";
/** Ways out of a script element, a string, a template, an attribute or a text. */
const NAMES = [
  `</SCRIPT><img src=x onerror="${RUN}">`,
  `</script\n><svg onload="${RUN}">`,
  `<!--<script>${RUN}`,
  `]]><img src=x onerror=${RUN}>`,
  `";${RUN};"`,
  `\${${RUN}}`,
  `\`;${RUN};\``,
  `\u2028${RUN}//`,
  `'><img src=x onerror=${RUN}>`,
  `&lt;img src=x onerror=${RUN}&gt;`,
];
// The page's own pictures have a view box.
const LEFT = "[...document.querySelectorAll('img, svg:not(.uplot *, [viewBox]), [onerror], [onload]')].length";

describe.skipIf(noChromium)("hostile names in Chromium", () => {
  const withPage = pagesInOne();
  it("are classes of a module whose text stands in the page, and nothing else", async () => {
    using net = mlp({ sizes: [4, 10], rng: new Rng(1) });
    const bytes = pack(net, { inputShape: [2, 2, 1], classes: NAMES });
    const page = `<!doctype html><html lang="en"><link rel="icon" href="data:,"><title>test</title><script type="module">
${toModule(bytes)}
window.result = { classes, label: predict(new Uint8Array(4)).label };
</script></html>`;
    const found = await withPage({ "index.html": page }, async (tab) => {
      await tab.waitForFunction("window.result !== undefined");
      return tab.evaluate(`[window.result, document.title, ${LEFT}, document.body.textContent.trim()]`);
    });
    const [result, ...rest] = found as [{ classes: string[]; label: string }, ...unknown[]];
    expect(result.classes).toEqual(NAMES);
    expect(NAMES).toContain(result.label);
    expect(rest).toEqual(["test", 0, ""]);
  });

  it("are names of runs, layers and settings of a report", async () => {
    const each = (value: number) => Object.fromEntries(NAMES.map((name) => [name, value]));
    const named = (name: string): ReportRun => ({
      ...{
        name,
        model: name,
        data: name,
        bits: "1W4A",
        method: name,
        seed: 1,
        command: name,
        finished: true,
        epochs: 2,
      },
      ...{ wallSeconds: 1, imagesPerSecond: 1, accuracy: 98, sha256: name, graphMillisecondsPerImage: 1, packed: null },
      testImages: 1000,
      predictions: { ...predictionsOf(NAMES), warning: name },
      weights: { ...weightsOf(1), layers: NAMES.map((layer) => ({ ...weightsOf(1).layers[0], name: layer })) },
      layers: NAMES.map((layer) => ({
        ...{ name: layer, kind: layer, weightBits: 1, activationBits: 4, parameters: 1, bytes: 1, macs: 1 },
      })),
      metrics: [1, 2].map((epoch) => ({
        ...{ epoch, loss: 1, accuracy: 90, valAccuracy: 90, lr: 0.1, imagesPerSecond: 1, flips: 1 },
        ...{ flipRatio: each(0.1 / epoch), alpha: each(1), saturation: each(0) },
      })),
      config: { model: name, [name]: name },
    });
    const title = NAMES.join(" ");
    const html = reportPage({ title, subtitle: title, version: "1", runs: NAMES.map(named), headline: 0 });
    const files = { "index.html": html.replace("<head>", '<head><link rel="icon" href="data:,">') };
    const found = await withPage(files, async (tab) => {
      await tab.waitForFunction("document.querySelectorAll('canvas').length > 0");
      return tab.evaluate(`[document.title, ${LEFT}, document.querySelector("h1").textContent]`);
    });
    const shown = title.replace("\u2028", "\\u2028");
    expect(found).toEqual([`${shown.replace(/\s+/g, " ")} · coarsegrad`, 0, shown]);
  });
});
