/** @file The report page: one HTML file with its style sheet, scripts and data inside. */
import uplotStyle from "uplot/dist/uPlot.min.css";
import script from "./client/main.ts?script";
import { embeddedJson, html, Markup } from "./html.js";
import type { ChartRun, Report } from "./model.js";
import style from "./page.css";
import { commands } from "./sections/commands.js";
import { comparison, seeds } from "./sections/comparison.js";
import { panels } from "./sections/layers.js";
import { settings } from "./sections/settings.js";
import { tiles } from "./sections/tiles.js";

/** The whole page as text. It loads nothing: it works from file:// and without a network. */
export function reportPage(report: Report): string {
  const { runs } = report;
  const trained = runs.some((run) => run.metrics.length > 0);
  const chartRuns: ChartRun[] = runs.map(({ name, metrics }) => ({ name, metrics }));
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${report.title} · coarsegrad</title>
<style>${new Markup(uplotStyle)}${new Markup(style)}</style>
<noscript><style>.panel[hidden] { display: block } .tabs { display: none }</style></noscript>
</head>
<body>
<main>
<header>
<p class="brand">coarsegrad</p>
<h1>${report.title}</h1>
<p class="subtitle">${report.subtitle}</p>
${contents(report, trained)}
</header>
${tiles(report)}
<h2 id="runs-compared">${runs.length === 1 ? "The run" : "Runs compared"}</h2>
${comparison(report)}
${seeds(runs)}
${trained && curves(runs)}
${panels(report)}
${settings(runs)}
${commands(runs)}
<footer>Made by coarsegrad ${report.version}. This file is self-contained: it can be moved, mailed and opened without a network.</footer>
</main>
<script type="application/json" id="runs">${embeddedJson(chartRuns)}</script>
<script>${new Markup(script)}</script>
</body>
</html>
`.text;
}

/** Where to go on the page. */
function contents({ runs }: Report, trained: boolean): Markup {
  const several = runs.length > 1;
  const places: [string, string, boolean][] = [
    ["runs-compared", several ? "Runs compared" : "The run", true],
    ["curves", "Curves", trained],
    ["details", several ? "Run by run" : "Details", true],
    ["settings", "Settings", runs.some(({ config }) => Object.keys(config).length > 0)],
    ["again", "Make it again", runs.some(({ command }) => command !== null)],
  ];
  return html`<nav aria-label="On this page">${places.map(([id, name, there]) => there && html`<a href="#${id}">${name}</a>`)}</nav>`;
}

function curves(runs: Report["runs"]): Markup {
  // Runs of --validate watch images that were held out of the training images; others the test images.
  const watched = runs.some((run) => run.config["validate"]) ? "Validation accuracy" : "Test accuracy";
  const flips = runs.some((run) => run.metrics.some((row) => row.flips !== null));
  return html`<h2 id="curves">Curves</h2>
<p>One point per epoch. Drag across a chart to zoom in, double-click to zoom out, press a legend entry to hide it.</p>
<div class="charts">
${chart(watched, "Held-out images that are classified correctly, in percent; higher is better.", "valAccuracy", "%")}
${chart("Training loss", "Mean cross-entropy over the epoch; lower is better.", "loss", "")}
${chart("Training accuracy", "Over the epoch, in percent, with augmentation if there is any.", "accuracy", "%")}
${chart("Learning rate", "At the end of the epoch; what the schedule made of it.", "lr", "")}
${flips && chart("Weight codes that flip", "Share of all layers’ codes that one step changes, mean over the epoch, in percent: how restless the quantized weights are.", "flips", "%")}
</div>`;
}

function chart(title: string, caption: string, key: string, unit: string): Markup {
  return html`<section class="card chart"><h3>${title}</h3><p>${caption}</p><div data-chart="${key}" data-title="${title}" data-unit="${unit}"></div></section>`;
}
