/** @file Run by run: what it gets wrong, how its quantized layers behaved over time, what each costs, its weights. */
import type { LayerRow } from "../../../run/summary.js";
import { count } from "../../ui/numbers.js";
import { html, type Markup } from "../html.js";
import { isShown, type Report, type ReportRun } from "../model.js";
import { runStyles } from "../palette.js";
import { mistakes } from "./mistakes.js";
import { type Cell, chip, layerId, panelId, rowId, stackTable, swatch } from "./parts.js";
import { weights } from "./weights.js";

/** A panel for each run; the one that heads the page is open. */
export function panels({ runs, headline }: Report): Markup {
  const styles = runStyles(runs);
  return html`<h2 id="details">${runs.length > 1 ? "Run by run" : "Details"}</h2>
${
  runs.length > 1 &&
  html`<div class="tabs" role="tablist" aria-label="Run">${runs.map(
    ({ name }, i) =>
      html`<button role="tab" id="tab-${i}" aria-controls="${panelId(i)}" aria-selected="${i === headline ? "true" : "false"}" tabindex="${i === headline ? 0 : -1}">${swatch(styles[i])}${name}</button>`,
  )}</div>`
}
${runs.map(
  (
    run,
    i,
  ) => html`<div class="panel" id="${panelId(i)}"${runs.length > 1 && html` role="tabpanel" aria-labelledby="tab-${i}"`}${i !== headline && html` hidden`}>
${runs.length > 1 && html`<p class="print">${run.name}</p>`}
${mistakes(run)}
${layers(run, i)}
${weights(run, i)}
</div>`,
)}`;
}

function layers(run: ReportRun, index: number): Markup {
  if (run.layers.length === 0 && !hasTraces(run)) return html``;
  return html`<h3>Layers</h3>
<p>${hasTraces(run) ? "How many weights still change their code, how the activation steps settle, and what each layer costs once packed." : "What each layer costs once packed."}</p>
${hasTraces(run) && traces(run, index)}
${run.layers.length > 0 && layerTable(run, index)}`;
}

function hasTraces(run: ReportRun): boolean {
  return run.metrics.some(
    (row) => Object.keys(row.flipRatio).length + Object.keys(row.alpha).length + Object.keys(row.saturation).length > 0,
  );
}

function traces(run: ReportRun, index: number): Markup {
  const chart = (title: string, caption: string, key: "flipRatio" | "alpha" | "saturation", unit: string) =>
    run.metrics.some((row) => Object.keys(row[key]).length > 0) &&
    html`<section class="card chart"><h4>${title}</h4><p>${caption}</p><div data-chart="${key}" data-title="${title}" data-run="${index}" data-unit="${unit}"></div></section>`;
  return html`<div class="charts three">
${chart("Flip ratio", "Share of weight codes that one step changes, in percent; mean over the epoch.", "flipRatio", "%")}
${chart("Activation step α", "The trained distance between two neighbouring activation levels.", "alpha", "")}
${chart("Saturation", "Share of activations at the highest code, in percent.", "saturation", "%")}
</div>`;
}

function layerTable(run: ReportRun, index: number): Markup {
  const { layers: rows } = run;
  const total = (key: "parameters" | "bytes" | "macs"): number => rows.reduce((sum, layer) => sum + layer[key], 0);
  const most = (key: "bytes" | "macs"): number => Math.max(1, ...rows.map((layer) => layer[key]));
  const [mostBytes, mostMacs] = [most("bytes"), most("macs")];
  const bits = (value: number): Markup => chip(value === 32 ? "float" : `${value} bit`);
  const figure = (value: number): Cell => ({ value: count(value), number: true });
  const barred = (value: number, of: number, color: number): Cell => ({
    value: html`${count(value)}${bar(value / of, color)}`,
    number: true,
  });
  return stackTable({
    caption: `Layers of ${run.name}`,
    corner: "Layer",
    heads: [
      { text: "Kind" },
      { text: "Weights" },
      { text: "Input" },
      { text: "Parameters", number: true },
      { text: "Bytes, packed", number: true },
      { text: "MACs per image", number: true },
    ],
    rows: rows.map((layer, i) => ({
      id: rowId(index, i),
      head: layerName(run, index, layer),
      cells: [
        { value: layer.kind },
        { value: bits(layer.weightBits) },
        { value: bits(layer.activationBits) },
        figure(layer.parameters),
        barred(layer.bytes, mostBytes, 0),
        barred(layer.macs, mostMacs, 2),
      ],
    })),
    foot: {
      head: "Total",
      cells: [
        { value: "" },
        { value: "" },
        { value: "" },
        figure(total("parameters")),
        figure(total("bytes")),
        figure(total("macs")),
      ],
    },
  });
}

/** A layer's name, which leads to its weights where they are on the page. */
function layerName({ weights: own }: ReportRun, index: number, { name }: LayerRow): Markup | string {
  const at = isShown(own) ? own.layers.findIndex((layer) => layer.name === name) : -1;
  return at < 0 ? name : html`<a href="#${layerId(index, at)}">${name}</a>`;
}

function bar(share: number, color: number): Markup {
  return html`<span class="bar" style="--swatch:var(--s${color})"><i style="width:${Math.max(1, 100 * share).toFixed(1)}%"></i></span>`;
}
