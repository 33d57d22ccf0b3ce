/** @file The plane of w: the teacher, a handle to drag, arrows of the gradients, paths of descents. */
import { short } from "../shell/numbers.js";
import { type PointReport, type ProxyName, TEACHER_W, type Vec } from "./model.js";

const NAMESPACE = "http://www.w3.org/2000/svg";
const LIMIT = 2.1;
const LEAST = 0.1;

/** Colours of the proxies and of the true gradient. */
export const COLORS: Readonly<Record<ProxyName | "true", string>> = {
  true: "--ink-2",
  "clipped-relu": "--s0",
  relu: "--s1",
  identity: "--s2",
  own: "--s3",
};

function svg(tag: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const made = document.createElementNS(NAMESPACE, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, `${value}`);
  return made;
}

/** An arrow from one point to another; SVG's y points down. */
function arrow([x0, y0]: Vec, [x1, y1]: Vec, stroke: string, dashed = false): SVGElement {
  const [dx, dy] = [x1 - x0, y1 - y0];
  const length = Math.sqrt(dx * dx + dy * dy) || 1;
  const [ux, uy] = [dx / length, dy / length];
  const head = Math.min(0.14, length * 0.4);
  const wing = (side: number): string =>
    `${x1 - head * ux + side * head * 0.5 * uy} ${-(y1 - head * uy - side * head * 0.5 * ux)}`;
  const d = `M${x0} ${-y0}L${x1} ${-y1}M${wing(1)}L${x1} ${-y1}L${wing(-1)}`;
  return svg("path", {
    class: "arrow",
    d,
    stroke: `var(${stroke})`,
    ...(dashed && { "stroke-dasharray": "0.09 0.07" }),
  });
}

/** The picture. */
export class Plane {
  readonly #root: SVGSVGElement;
  readonly #under = svg("g", {});
  readonly #paths = svg("g", {});
  readonly #arrows = svg("g", {});
  readonly #handle: SVGElement;
  readonly #onMove: (w: Vec) => void;
  #w: Vec = [1, 0];

  constructor(root: SVGSVGElement, onMove: (w: Vec) => void) {
    this.#root = root;
    this.#onMove = onMove;
    this.#handle = svg("circle", {
      class: "handle",
      r: 0.085,
      tabindex: 0,
      role: "slider",
      "aria-valuemin": -180,
      "aria-valuemax": 180,
    });
    this.#handle.setAttribute("aria-label", "w: left and right turn it, up and down make it longer and shorter");
    for (const r of [1, 2]) this.#under.append(svg("circle", { class: "ring", r }));
    this.#under.append(
      svg("path", { class: "axis", d: "M-2.2 0H2.2M0 -2.2V2.2" }),
      arrow([0, 0], TEACHER_W, "--ink-3"),
    );
    const name = svg("text", { x: 1.04, y: 0.22 });
    name.textContent = "w*";
    this.#under.append(name);
    root.append(this.#under, this.#paths, this.#arrows, this.#handle);
    root.addEventListener("pointerdown", (event) => {
      root.setPointerCapture(event.pointerId);
      this.#drag(event);
    });
    root.addEventListener("pointermove", (event) => {
      if (event.buttons !== 0) this.#drag(event);
    });
    this.#handle.addEventListener("keydown", (event) => this.#key(event as KeyboardEvent));
  }

  #drag(event: PointerEvent): void {
    const { left, top, width, height } = this.#root.getBoundingClientRect();
    this.#onMove(within([((event.clientX - left) / width - 0.5) * 4.4, -((event.clientY - top) / height - 0.5) * 4.4]));
  }

  #key(event: KeyboardEvent): void {
    const length = Math.hypot(...this.#w);
    const angle = Math.atan2(this.#w[1], this.#w[0]);
    const turn = event.key === "ArrowLeft" ? 1 : event.key === "ArrowRight" ? -1 : 0;
    const grow = event.key === "ArrowUp" ? 1.05 : event.key === "ArrowDown" ? 1 / 1.05 : 1;
    if (turn === 0 && grow === 1) return;
    event.preventDefault();
    const next = angle + (turn * 3 * Math.PI) / 180;
    this.#onMove(within([length * grow * Math.cos(next), length * grow * Math.sin(next)]));
  }

  /** Shows w and, once they are known, its gradients: of the true one and of each proxy the step that it would make. */
  draw(w: Vec, report: PointReport | null): void {
    this.#w = w;
    this.#handle.setAttribute("cx", `${w[0]}`);
    this.#handle.setAttribute("cy", `${-w[1]}`);
    const degrees = (Math.atan2(w[1], w[0]) * 180) / Math.PI;
    this.#handle.setAttribute("aria-valuenow", degrees.toFixed(0));
    this.#handle.setAttribute("aria-valuetext", `${degrees.toFixed(0)} degrees, length ${short(Math.hypot(...w))}`);
    this.#arrows.replaceChildren(arrow([0, 0], w, "--ink"));
    if (report === null) return;
    const longest = Math.max(report.norm, ...report.coarse.map(({ norm }) => norm), 1e-9);
    // Longer is larger, but none is too short for its direction to be seen.
    const step = ([gx, gy]: Vec): Vec => {
      const norm = Math.hypot(gx, gy);
      const scale = norm === 0 ? 0 : (0.3 + (0.6 * norm) / longest) / norm;
      return [w[0] - scale * gx, w[1] - scale * gy];
    };
    for (const { proxy, gradient } of report.coarse) this.#arrows.append(arrow(w, step(gradient), COLORS[proxy]));
    this.#arrows.append(arrow(w, step(report.gradient), COLORS.true, true));
  }

  /** Shows paths; `until`: the share of each that has been walked. */
  paths(paths: readonly { readonly proxy: ProxyName; readonly path: readonly Vec[] }[], until: number): void {
    this.#paths.replaceChildren(
      ...paths.flatMap(({ proxy, path }) => {
        const count = Math.max(1, Math.round(until * (path.length - 1)) + 1);
        const walked = path.slice(0, count);
        const [x, y] = walked[walked.length - 1];
        const stroke = `var(${COLORS[proxy]})`;
        return [
          svg("polyline", { class: "path", points: walked.map((p) => `${p[0]},${-p[1]}`).join(" "), stroke }),
          svg("circle", { r: 0.06, cx: x, cy: -y, fill: stroke }),
        ];
      }),
    );
  }
}

/** Kept inside the picture, and away from 0, which has no angle. */
function within([x, y]: Vec): Vec {
  const length = Math.hypot(x, y) || 1e-9;
  const scale = Math.min(LIMIT, Math.max(LEAST, length)) / length;
  return [x * scale, y * scale];
}
