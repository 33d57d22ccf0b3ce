/** @file Figures of the point that w is at. */
import { byId, element, figures, table } from "../shell/dom.js";
import { short } from "../shell/numbers.js";
import type { Descent, PointReport, ProxyName } from "./model.js";
import { COLORS } from "./plane.js";

const degrees = (radians: number): string =>
  Number.isNaN(radians) ? "–" : `${((radians * 180) / Math.PI).toFixed(1)}°`;

/** A colour's mark beside a name. */
export function marked(name: ProxyName | "true", text: string): HTMLElement {
  const swatch = element("span", {
    class: `swatch${name === "true" ? " dashed" : ""}`,
    style: `--swatch: var(${COLORS[name]})`,
  });
  return element("span", { class: "check" }, swatch, text);
}

/** Shows the numbers of a point, and where the last descents ended. */
export function showNumbers({ loss, theta, norm, coarse }: PointReport, descents: readonly Descent[]): void {
  byId("figures").replaceChildren(
    figures([
      ["loss f", short(loss, 4)],
      ["θ, w to w*", degrees(theta)],
      ["‖∂f/∂w‖", short(norm)],
    ]),
  );
  const rows = coarse.map((point) => [
    marked(point.proxy, point.proxy),
    short(point.norm),
    degrees(point.angle),
    short(point.correlation),
    descents.find(({ proxy }) => proxy === point.proxy)?.ending ?? "–",
  ]);
  const heads = ["proxy", ">‖E[g]‖", ">angle to ∂f/∂w", ">correlation", "descent ended"];
  byId("numbers").replaceChildren(rows.length === 0 ? "Choose a proxy." : table("Gradients by proxy", heads, rows));
}
