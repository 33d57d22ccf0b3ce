/**
 * @file Vega-Lite specifications to SVG text. Imported late, and bundled into a file of its own: the library is large.
 */
import * as vega from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { Spec } from "../../theory/index.js";

const TEXT = "#333333";

/** What all figures share: white ground, quiet grid, readable type. */
const CONFIG = {
  background: "#ffffff",
  font: "Helvetica, Arial, 'DejaVu Sans', sans-serif",
  padding: 12,
  view: { stroke: "#cccccc" },
  axis: {
    labelFontSize: 11,
    titleFontSize: 12,
    titleFontWeight: "normal",
    gridColor: "#eeeeee",
    labelColor: TEXT,
    titleColor: TEXT,
    titlePadding: 8,
  },
  legend: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", labelLimit: 320, symbolStrokeWidth: 2 },
  header: { labelFontSize: 12, titleFontSize: 12, titleFontWeight: "normal", labelFontWeight: "bold" },
  title: {
    fontSize: 14,
    subtitleFontSize: 12,
    anchor: "start",
    subtitleColor: "#555555",
    subtitlePadding: 6,
    offset: 12,
  },
};

/**
 * Draws a figure without a browser.
 *
 * @param spec its Vega-Lite specification
 * @returns SVG text that stands alone
 */
export async function renderSvg(spec: Spec): Promise<string> {
  // Without a canvas Vega takes every letter for 0.8 em and leaves wide margins; this is still more than the common
  // fonts need.
  const { textMetrics } = vega as unknown as {
    textMetrics: { width(item: { fontSize?: number }, text: unknown): number };
  };
  textMetrics.width = (item, text) => 0.6 * (item.fontSize ?? 11) * `${text ?? ""}`.length;
  const full = { $schema: "https://vega.github.io/schema/vega-lite/v6.json", ...spec, config: CONFIG };
  const { spec: compiled } = compile(full as unknown as TopLevelSpec);
  const view = new vega.View(vega.parse(compiled), { renderer: "none", logLevel: vega.Error });
  const svg = await view.toSVG();
  view.finalize();
  return `${svg}\n`;
}
