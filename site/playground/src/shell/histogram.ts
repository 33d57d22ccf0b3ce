/** @file Numbers of a layer in bins, with the levels that quantization gives them, as a small picture. */
import { count, short } from "./numbers.js";

/** What is shown of one layer's numbers; plain, so that workers can send it. */
export interface LayerView {
  readonly name: string;
  /** Width; 32 is float. */
  readonly bits: number;
  readonly count: number;
  /** What the numbers are: `w`, or `w/δ` where each channel has a step of its own. */
  readonly unit: string;
  /** Ends of the axis. */
  readonly low: number;
  readonly high: number;
  readonly bins: readonly number[];
  readonly levels: readonly { readonly at: number; readonly share: number }[];
}

/** A figure of one layer. */
export function histogramFigure(view: LayerView): HTMLElement {
  const { name, bits, low, high, bins, levels, unit } = view;
  const most = Math.max(1, ...bins);
  const bars = bins.map((n, i) => (n === 0 ? "" : `M${i} 100V${100 - (94 * n) / most}h1V100z`)).join("");
  const at = (value: number): number => ((value - low) / (high - low)) * bins.length;
  const lines = levels
    .map((level) => `M${at(level.at).toFixed(2)} 100V${(100 - 94 * level.share).toFixed(1)}`)
    .join("");
  const width = bits === 32 ? "float" : bits === 1 ? "1 bit" : `${bits} bits`;
  const figure = document.createElement("figure");
  figure.className = "card histogram";
  const shares = levels.map((level) => `${short(level.at)}: ${(100 * level.share).toFixed(0)} %`).join(", ");
  const spoken = `${unit} from ${short(low)} to ${short(high)}${levels.length > 0 ? `; levels ${shares}` : ""}`;
  figure.innerHTML = `<figcaption><h3></h3><span>${width}, ${count(view.count)} weights</span></figcaption>
<svg viewBox="0 0 ${bins.length} 100" preserveAspectRatio="none" role="img"><path class="bars" d="${bars}"/><path class="levels" d="${lines}"/></svg>
<div class="ends"><span>${short(low)}</span><span>${unit}</span><span>${short(high)}</span></div>`;
  figure.querySelector("h3")!.textContent = name;
  figure.querySelector("svg")!.setAttribute("aria-label", `${name}: ${spoken}`);
  return figure;
}
