/** @file Thresholds of a layer as ticks, a line for each channel. */
import { short } from "../shell/numbers.js";
import type { ThresholdView } from "./report.js";

/** A figure of one layer. */
export function thresholdFigure({ name, channels, low, high, rows }: ThresholdView): HTMLElement {
  const at = (value: number): number => Math.max(0, Math.min(400, (400 * (value - low)) / (high - low)));
  const step = 100 / rows.length;
  const d = rows
    .flatMap((row, i) =>
      row.map((value) => `M${at(value).toFixed(1)} ${(i * step + 1).toFixed(1)}v${(step * 0.7).toFixed(1)}`),
    )
    .join("");
  const figure = document.createElement("figure");
  figure.className = "card histogram";
  figure.innerHTML = `<figcaption><h3></h3><span>${rows[0]?.length ?? 0} for each of ${channels} channels</span></figcaption>
<svg viewBox="0 0 400 100" preserveAspectRatio="none" role="img"><path d="${d}"/></svg>
<div class="ends"><span>${short(low)}</span><span>sum</span><span>${short(high)}</span></div>`;
  figure.querySelector("h3")!.textContent = name;
  const label = `Thresholds of ${name}, most of them from ${short(low)} to ${short(high)}`;
  figure.querySelector("svg")!.setAttribute("aria-label", label);
  return figure;
}
