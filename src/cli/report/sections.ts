/** @file The sections of the report page: tiles, comparison table, layers, settings, commands. */

import type { LayerRow } from "../../run/summary.js";
import { bytes, count, duration, percent, short } from "../ui/numbers.js";
import { html, type Markup } from "./html.js";
import type { Report, ReportRun } from "./model.js";
import { runStyles, type Style } from "./palette.js";

const NONE = html`<span class="dim">–</span>`;

function swatch({ color, dashed }: Style): Markup {
  return html`<i class="swatch${dashed && html` dashed`}" style="--swatch:var(${color})"></i>`;
}

/** The run whose figures head the page: the one with the fewest bits per weight, the most accurate of those. */
export function headline(runs: readonly ReportRun[]): ReportRun | undefined {
  const weight = (run: ReportRun): number => (run.bits === "float" ? 32 : Number.parseInt(run.bits, 10));
  return [...runs]
    .filter((run) => run.accuracy !== null)
    .sort((a, b) => weight(a) - weight(b) || b.accuracy! - a.accuracy!)[0];
}

/** The figures that matter most, large. */
export function tiles({ runs }: Report): Markup {
  const run = headline(runs);
  if (run === undefined) return html``;
  const float = runs.find((other) => other.bits === "float" && other.accuracy !== null);
  const gap = float === undefined || float === run ? null : run.accuracy! - float.accuracy!;
  const { packed } = run;
  const agree = packed === null || packed.codesCompared === null ? null : packed.codesCompared === packed.codesEqual;
  return html`<dl class="tiles">
${tile(`Accuracy, ${run.bits}`, html`${run.accuracy!.toFixed(2)}<small> %</small>`, gap === null ? `${run.data}, held-out images` : `${gap >= 0 ? "+" : "−"}${Math.abs(gap).toFixed(2)} points against float`)}
${packed !== null && tile("Packed model", withUnit(bytes(packed.bytes)), packed.floatBytes > 0 ? `${(packed.floatBytes / packed.bytes).toFixed(1)} times smaller than float32` : `${count(packed.bytes)} bytes`)}
${packed !== null && packed.millisecondsPerImage !== null && tile("Integer runtime", html`${short(Number(packed.millisecondsPerImage.toPrecision(3)))}<small> ms</small>`, "per image, one thread")}
${agree !== null && tile("Codes identical", agree ? html`<span class="yes">yes</span>` : html`<span class="no">no</span>`, `${count(packed!.codesEqual!)} of ${count(packed!.codesCompared!)} codes equal training’s`)}
</dl>`;
}

function tile(name: string, value: Markup, note: string): Markup {
  return html`<div class="card tile"><dt>${name}</dt><dd>${value}</dd><p>${note}</p></div>`;
}

function withUnit(text: string): Markup {
  const [value, unit] = text.split(" ");
  return html`${value}<small> ${unit}</small>`;
}

interface Column {
  readonly head: string;
  readonly number: boolean;
  /** Leave it out where all runs agree: the page's subtitle says it. */
  readonly onlyIfDiffers?: boolean;
  /** The cell, or null where the run does not have the figure. A column that no run has is left out. */
  cell(run: ReportRun): Markup | string | null;
}

/** A setting as the table shows it; null where a run does not have it. */
function settingText({ config }: ReportRun, name: string): string | null {
  const value = config[name];
  return value === undefined || value === null ? null : typeof value === "number" ? short(value) : `${value}`;
}

const COLUMNS: readonly Column[] = [
  { head: "Data", number: false, onlyIfDiffers: true, cell: (run) => run.data },
  { head: "Model", number: false, onlyIfDiffers: true, cell: (run) => run.model },
  { head: "Bits", number: false, cell: (run) => html`<span class="chip">${run.bits}</span>` },
  { head: "Method", number: false, cell: (run) => run.method },
  { head: "ρ", number: true, onlyIfDiffers: true, cell: (run) => settingText(run, "rho") },
  { head: "Rule for α", number: false, onlyIfDiffers: true, cell: (run) => settingText(run, "alphaRule") },
  { head: "Proxy", number: false, onlyIfDiffers: true, cell: (run) => settingText(run, "proxy") },
  {
    head: "After one epoch",
    number: true,
    cell: ({ metrics }) => (metrics[0]?.valAccuracy == null ? null : percent(metrics[0].valAccuracy)),
  },
  { head: "Test accuracy", number: true, cell: (run) => (run.accuracy === null ? null : percent(run.accuracy)) },
  {
    head: "Packed accuracy",
    number: true,
    cell: ({ packed }) => (packed?.accuracy == null ? null : percent(packed.accuracy)),
  },
  { head: "On disk", number: true, cell: ({ packed }) => (packed === null ? null : bytes(packed.bytes)) },
  {
    head: "Graph, ms per image",
    number: true,
    cell: (run) => (run.graphMillisecondsPerImage === null ? null : run.graphMillisecondsPerImage.toFixed(2)),
  },
  {
    head: "Packed, ms per image",
    number: true,
    cell: ({ packed }) => (packed?.millisecondsPerImage == null ? null : packed.millisecondsPerImage.toFixed(2)),
  },
  { head: "Epochs", number: true, cell: (run) => (run.epochs === null ? null : `${run.epochs}`) },
  {
    head: "Images per s",
    number: true,
    cell: (run) => (run.imagesPerSecond === null ? null : count(run.imagesPerSecond)),
  },
  { head: "Time", number: true, cell: (run) => (run.wallSeconds === null ? null : duration(run.wallSeconds)) },
  { head: "Seed", number: true, cell: (run) => (run.seed === null ? null : `${run.seed}`) },
];

/** One row per run, the columns that at least one of them can fill. */
export function comparison(runs: readonly ReportRun[]): Markup {
  const columns = COLUMNS.filter((column) => {
    const cells = runs.map((run) => column.cell(run));
    return column.onlyIfDiffers ? new Set(cells).size > 1 : cells.some((cell) => cell !== null);
  });
  const styles = runStyles(runs);
  return html`<div class="card scroll"><table>
<thead><tr><th>Run</th>${columns.map((column) => html`<th${column.number && html` class="n"`}>${column.head}</th>`)}</tr></thead>
<tbody>${runs.map(
    (run, i) =>
      html`<tr><th>${swatch(styles[i])}${run.name}${!run.finished && html` <span class="chip">not finished</span>`}</th>${columns.map(
        (column) => html`<td${column.number && html` class="n"`}>${column.cell(run) ?? NONE}</td>`,
      )}</tr>`,
  )}</tbody></table></div>`;
}

/** Per run: how its quantized layers behaved over time, and what each layer costs. */
export function layerPanels(runs: readonly ReportRun[]): Markup {
  const shown = runs.map((run, index) => ({ run, index })).filter(({ run }) => run.layers.length > 0 || hasTraces(run));
  if (shown.length === 0) return html``;
  const first = Math.max(
    0,
    shown.findIndex(({ run }) => run === headline(runs)),
  );
  return html`<h2>Layers</h2>
<p>What quantization did inside the network: how many weights still change their code, how the activation steps settle, and what each layer costs once packed.</p>
${
  shown.length > 1 &&
  html`<div class="tabs" role="tablist" aria-label="Run">${shown.map(
    ({ run, index }, i) =>
      html`<button role="tab" aria-controls="layers-${index}" aria-selected="${i === first ? "true" : "false"}" tabindex="${i === first ? 0 : -1}">${run.name}</button>`,
  )}</div>`
}
${shown.map(
  ({ run, index }, i) => html`<div class="panel" id="layers-${index}" ${i !== first && html`hidden`}>
${hasTraces(run) && traces(run, index)}
${run.layers.length > 0 && layerTable(run.layers)}
</div>`,
)}`;
}

function hasTraces(run: ReportRun): boolean {
  return run.metrics.some(
    (row) => Object.keys(row.flipRatio).length + Object.keys(row.alpha).length + Object.keys(row.saturation).length > 0,
  );
}

function traces(run: ReportRun, index: number): Markup {
  const chart = (title: string, caption: string, key: "flipRatio" | "alpha" | "saturation", unit: string) =>
    run.metrics.some((row) => Object.keys(row[key]).length > 0) &&
    html`<section class="card chart"><h3>${title}</h3><p>${caption}</p><div data-chart="${key}" data-run="${index}" data-unit="${unit}"></div></section>`;
  return html`<div class="charts three">
${chart("Flip ratio", "Share of weight codes that one step changes, in percent; mean over the epoch.", "flipRatio", "%")}
${chart("Activation step α", "The trained distance between two neighbouring activation levels.", "alpha", "")}
${chart("Saturation", "Share of activations at the highest code, in percent.", "saturation", "%")}
</div>`;
}

function layerTable(layers: readonly LayerRow[]): Markup {
  const total = (key: "parameters" | "bytes" | "macs"): number => layers.reduce((sum, layer) => sum + layer[key], 0);
  const most = (key: "bytes" | "macs"): number => Math.max(1, ...layers.map((layer) => layer[key]));
  const [mostBytes, mostMacs] = [most("bytes"), most("macs")];
  const bits = (value: number): Markup => html`<span class="chip">${value === 32 ? "float" : `${value} bit`}</span>`;
  return html`<div class="card scroll"><table>
<thead><tr><th>Layer</th><th>Kind</th><th>Weights</th><th>Input</th><th class="n">Parameters</th><th class="n">Bytes, packed</th><th></th><th class="n">MACs / image</th><th></th></tr></thead>
<tbody>${layers.map(
    (
      layer,
    ) => html`<tr><th>${layer.name}</th><td>${layer.kind}</td><td>${bits(layer.weightBits)}</td><td>${bits(layer.activationBits)}</td>
<td class="n">${count(layer.parameters)}</td><td class="n">${count(layer.bytes)}</td><td>${bar(layer.bytes / mostBytes, 0)}</td>
<td class="n">${count(layer.macs)}</td><td>${bar(layer.macs / mostMacs, 2)}</td></tr>`,
  )}</tbody>
<tfoot><tr><th>Total</th><td></td><td></td><td></td><td class="n">${count(total("parameters"))}</td><td class="n">${count(total("bytes"))}</td><td></td><td class="n">${count(total("macs"))}</td><td></td></tr></tfoot>
</table></div>`;
}

function bar(share: number, color: number): Markup {
  return html`<span class="bar" style="--swatch:var(--s${color})"><i style="width:${Math.max(1, 100 * share).toFixed(1)}%"></i></span>`;
}

/** Settings side by side, with those that differ marked. */
export function settings(runs: readonly ReportRun[]): Markup {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.config)))];
  if (names.length === 0) return html``;
  const text = (value: unknown): string =>
    value === undefined || value === null
      ? "–"
      : typeof value === "number"
        ? short(value)
        : typeof value === "object"
          ? JSON.stringify(value)
              .replace(/^[[{]|[\]}]$/g, "")
              .replaceAll('"', "") || "–"
          : String(value);
  const rows = names.map((name) => ({ name, cells: runs.map((run) => text(run.config[name])) }));
  const differs = (cells: readonly string[]): boolean => new Set(cells).size > 1;
  const styles = runStyles(runs);
  return html`<h2>Settings</h2>
<p>${runs.length > 1 ? "Everything that a run was started with; settings that differ between the runs are marked." : "Everything that the run was started with."}</p>
${runs.length > 1 && html`<label class="toggle"><input type="checkbox" id="only-differences"> Show only what differs</label>`}
<div class="card scroll"><table id="settings" class="settings">
<thead><tr><th>Setting</th>${runs.map((run, i) => html`<th>${runs.length > 1 && swatch(styles[i])}${run.name}</th>`)}</tr></thead>
<tbody>${rows.map(
    ({ name, cells }) =>
      html`<tr${differs(cells) && html` class="differs"`}><th>${settingName(name)}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`,
  )}</tbody></table></div>`;
}

/** `weightDecay` → `weight decay`. */
function settingName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** The commands that made the runs, to be copied. */
export function commands(runs: readonly ReportRun[]): Markup {
  const known = runs.filter((run) => run.command !== null);
  if (known.length === 0) return html``;
  const styles = runStyles(runs);
  const relaxed = known.some(({ config }) => config.relaxed === true);
  return html`<h2>Make it again</h2>
<p>The same command and seed give the same weights, bit for bit, on any machine${relaxed && "; a run with relaxed kernels, on one kind of processor"}.</p>
<div class="card commands">${known.map(
    (run) =>
      html`<div><h3>${runs.length > 1 && swatch(styles[runs.indexOf(run)])}${run.name}</h3><pre>${run.command}</pre>${
        run.sha256 !== null && html`<p>SHA-256 of the trained weights <span class="hash">${run.sha256}</span></p>`
      }</div>`,
  )}</div>`;
}
