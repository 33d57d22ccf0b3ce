/** @file The weights of a run: the first layer's kernels, and each layer's histogram with its levels. */
import { count, short } from "../../ui/numbers.js";
import { html, type Markup } from "../html.js";
import { isShown, type Kernels, type LayerWeights, type ReportRun } from "../model.js";
import { drawing } from "./mistakes.js";
import { layerId, rowId } from "./parts.js";

/** Levels that are named one by one. */
const MOST_LEVELS = 3;
const HEIGHT = 60;

/** The section, or why it is left out. */
export function weights(run: ReportRun, index: number): Markup {
  const title = html`<h3>Weights</h3>`;
  if (!isShown(run.weights)) return html`${title}<p class="out">Left out: ${run.weights.leftOut}.</p>`;
  const { layers, kernels } = run.weights;
  if (layers.length === 0) return html``;
  return html`${title}
<p>Bars: the float weights that training moves. Lines: the levels that they are rounded to, which are all that the packed model holds.</p>
${kernels !== null && kernelCard(kernels)}
<div class="histograms">${layers.map((layer, i) => histogram(layer, layerId(index, i), backLink(run, index, layer)))}</div>`;
}

/** The row of the table of layers that is of these weights. */
function backLink({ layers }: ReportRun, index: number, { name }: LayerWeights): string | null {
  const row = layers.findIndex((layer) => layer.name === name);
  return row < 0 ? null : `#${rowId(index, row)}`;
}

function kernelCard({ layer, bits, total, shape, pictures }: Kernels): Markup {
  const [rows, columns, channels] = shape;
  const shown = pictures.length === total ? `All ${total}` : `${pictures.length} of ${count(total)}`;
  const colors = bits === 1 ? "Blue is +δ, orange −δ" : "Blue is positive, orange negative";
  const detail =
    bits === 32
      ? `${colors}; the deeper, the larger.`
      : bits === 1
        ? `${colors}: one bit for each square.`
        : `${colors}; the deeper, the larger the code of ${bits} bits.`;
  const stacked = channels > 1 ? ` The ${channels} channels lie above one another.` : "";
  return html`<div class="card kernels"><h4>${shown} kernels of ${layer}, the first layer</h4>
<p>${rows}×${columns} each. ${detail}${stacked}</p>
<div class="tiles-of-bits" role="img" aria-label="${shown} kernels of ${layer}, ${rows} by ${columns}, drawn ${bits === 1 ? "as bits" : "in shades"}">${pictures.map((kernel) => drawing(kernel, ""))}</div></div>`;
}

function histogram(layer: LayerWeights, id: string, back: string | null): Markup {
  const { name, bits, count: total, unit, edge, bins, levels } = layer;
  const most = Math.max(1, ...bins);
  const width = 2 * bins.length;
  const bars = bins
    .map((found, i) => ({ x: 2 * i, height: (HEIGHT * found) / most }))
    .filter(({ height }) => height > 0)
    .map(({ x, height }) => `M${x} ${HEIGHT}v${-round(height)}h1.7v${round(height)}z`)
    .join("");
  const place = (at: number): number => round((width * (at + edge)) / (2 * edge));
  const lines = levels.map(({ at }) => `M${place(at)} 0V${HEIGHT}`).join("");
  const axis = unit === "w" ? "" : ", in steps of each channel’s δ";
  const label = `Histogram of the ${count(total)} weights of ${name}, from ${three(-edge)} to ${three(edge)}${axis}. ${levelText(layer)}`;
  return html`<figure class="card histogram" id="${id}" tabindex="-1"><figcaption><h4>${back === null ? name : html`<a href="${back}">${name}</a>`}</h4><span>${bits === 32 ? "float" : `${bits} bit`}, ${count(total)} weights</span></figcaption>
<svg role="img" aria-label="${label}" viewBox="0 0 ${width} ${HEIGHT}" preserveAspectRatio="none"><path class="bars" d="${bars}"/>${levels.length > 0 && html`<path class="levels" d="${lines}"/>`}</svg>
<div class="axis" aria-hidden="true"><span>${three(-edge).replace("-", "−")}</span><span>0</span><span>${three(edge)}${unit === "w" ? "" : " δ"}</span></div>
<p>${levelText(layer)}</p></figure>`;
}

function round(value: number): number {
  return Number(value.toFixed(1));
}

/** Three significant digits. */
function three(value: number): string {
  return short(Number(value.toPrecision(3)));
}

function levelText({ bits, levels, unit }: LayerWeights): string {
  if (bits === 32) return "Not quantized.";
  const value = (at: number): string => (unit === "w" ? three(at) : `${at} δ`).replace("-", "−");
  if (levels.length <= MOST_LEVELS) {
    return levels.map(({ at, share }) => `${value(at)}: ${(100 * share).toFixed(1)} %`).join(" · ");
  }
  const zero = levels.find(({ at }) => at === 0)?.share ?? 0;
  return `${levels.length} levels from ${value(levels[0].at)} to ${value(levels[levels.length - 1].at)}; ${(100 * zero).toFixed(1)} % are zero.`;
}
