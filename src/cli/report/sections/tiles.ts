/** @file The figures that matter most, large: those of the run that was asked for. */
import { bytes, count, short } from "../../ui/numbers.js";
import { html, type Markup } from "../html.js";
import type { Report, ReportRun } from "../model.js";
import { difference, signed } from "../statistics.js";
import { errorText, measured } from "./parts.js";

/** Tiles of one run. */
export function tiles({ runs, headline }: Report): Markup {
  const run = runs[headline];
  const shown = [accuracyTile(run, runs), ...packedTiles(run)].filter((made) => made !== null);
  if (shown.length === 0) return html``;
  return html`<section aria-label="${run.name}" class="head">
${runs.length > 1 && html`<p class="of">Figures of <a href="#run-${headline}">${run.name}</a></p>`}
<dl class="tiles">${shown}</dl>
</section>`;
}

function accuracyTile(run: ReportRun, runs: readonly ReportRun[]): Markup | null {
  if (run.accuracy === null) return null;
  const error = errorText(run);
  const value = html`${run.accuracy.toFixed(2)}<small> ${error !== null && `${error} `}%</small>`;
  return tile(`Test accuracy, ${run.bits}`, value, againstFloat(run, runs));
}

/** What quantization costs, if chance does not explain it. */
function againstFloat(run: ReportRun, runs: readonly ReportRun[]): string {
  const images = run.testImages === null ? "held-out images" : `${count(run.testImages)} held-out images`;
  const [own, float] = [measured(run), floatOf(run, runs)];
  if (own === null || float === null) return images;
  const { points, error, decided } = difference(own, float);
  const figure = `${signed(points)} ± ${error.toFixed(2)}`;
  return decided ? `${images}; ${figure} points against float` : `${images}; difference from float: none (${figure})`;
}

function floatOf(run: ReportRun, runs: readonly ReportRun[]) {
  const float = runs.find((other) => other !== run && other.bits === "float" && other.data === run.data);
  return run.bits === "float" || float === undefined ? null : measured(float);
}

function packedTiles({ packed }: ReportRun): (Markup | null)[] {
  if (packed === null) return [];
  const { floatBytes, millisecondsPerImage, codesCompared, codesEqual } = packed;
  const smaller = `${(floatBytes / packed.bytes).toFixed(1)} times smaller than float32`;
  const [size, unit] = bytes(packed.bytes).split(" ");
  return [
    tile(
      "Packed model",
      html`${size}<small> ${unit}</small>`,
      floatBytes > packed.bytes ? smaller : `${count(packed.bytes)} bytes`,
    ),
    millisecondsPerImage === null
      ? null
      : tile(
          "Integer runtime",
          html`${short(Number(millisecondsPerImage.toPrecision(3)))}<small> ms</small>`,
          "per image, one thread",
        ),
    codesCompared === null ? null : codesTile(codesEqual ?? 0, codesCompared),
  ];
}

function codesTile(equal: number, compared: number): Markup {
  const value = equal === compared ? html`<span class="yes">yes</span>` : html`<span class="no">no</span>`;
  return tile("Codes identical", value, `${count(equal)} of ${count(compared)} codes equal training’s`);
}

function tile(name: string, value: Markup, note: string): Markup {
  return html`<div class="card tile"><dt>${name}</dt><dd class="value">${value}</dd><dd>${note}</dd></div>`;
}
