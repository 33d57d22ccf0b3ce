/** @file The page of the coarse gradient. */
import "../shell/index.js";
import "./gradient.css";
import { byId, element, reporting } from "../shell/dom.js";
import { type Line, Plot } from "../shell/plot.js";
import { GuardedWorker } from "./guarded.js";
import { type Descent, type PointReport, PROXY_NAMES, type ProxyName, type State, type Vec } from "./model.js";
import { marked, showNumbers } from "./numbers-card.js";
import { ownProxyPanel } from "./own-panel.js";
import { COLORS, Plane } from "./plane.js";

const START: State = { w: [-0.9, 0.7], v: [1.2, 0.4], teacherV: [1, 1] };
const SLIDERS = [
  ["v₁", "v", 0],
  ["v₂", "v", 1],
  ["v*₁", "teacherV", 0],
  ["v*₂", "teacherV", 1],
] as const;

const worker = new GuardedWorker();
const correlation = new Plot(byId("chart-correlation"), { title: "Correlation", x: "degrees" });
const descent = new Plot(byId("chart-descent"), { title: "Loss along the descents", x: "step" });
const chosen = new Set<ProxyName>(["clipped-relu", "relu", "identity"]);
let state = START;
let start = START;
let report: PointReport | null = null;
let descents: Descent[] = [];
let walking = 0;
let [busy, again] = [false, false];

const plane = new Plane(byId("plane") as unknown as SVGSVGElement, (w) => {
  forget();
  move({ ...state, w });
});

const names = (): ProxyName[] => PROXY_NAMES.filter((name) => chosen.has(name));

function forget(): void {
  cancelAnimationFrame(walking);
  descents = [];
  plane.paths([], 0);
  descent.draw([]);
}

function move(next: State): void {
  state = next;
  start = next;
  void compute();
}

/** Asks the worker about the present point; while it answers, later points wait, and only the last of them counts. */
async function compute(): Promise<void> {
  plane.draw(state.w, report);
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  await reporting(byId("error"), async () => {
    do {
      again = false;
      report = await worker.call("report", state, names());
      plane.draw(state.w, report);
      showNumbers(report, descents);
    } while (again);
    const { degrees, correlations } = await worker.call("sweep", state, names());
    const line = (name: ProxyName): Line => ({
      label: name,
      color: COLORS[name],
      x: degrees,
      y: correlations[name] ?? [],
    });
    correlation.draw(names().map(line));
  });
  busy = false;
  if (again) void compute();
}

function descendAll(): Promise<void> {
  return reporting(byId("error"), async () => {
    forget();
    const [lr, steps] = [Number(byId<HTMLInputElement>("lr").value), Number(byId<HTMLInputElement>("steps").value)];
    if (!(lr > 0 && steps >= 1 && steps <= 5000))
      throw new Error("Expected a learning rate above 0, and 1 to 5,000 steps.");
    descents = await Promise.all(names().map((name) => worker.call("descend", start, name, lr, Math.floor(steps))));
    descent.draw(
      descents.map(({ proxy, losses }) => ({
        label: proxy,
        color: COLORS[proxy],
        x: losses.map((_, i) => Math.round((i * steps) / Math.max(1, losses.length - 1))),
        y: losses,
      })),
    );
    walk();
  });
}

/** Walks along the paths for two seconds, or at once where motion is not wanted. */
function walk(): void {
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const begun = performance.now();
  const frame = (now: number): void => {
    const share = still ? 1 : Math.min(1, Math.max(0, now - begun) / 2000);
    plane.paths(descents, share);
    if (share < 1) walking = requestAnimationFrame(frame);
  };
  walking = requestAnimationFrame(frame);
  if (report !== null) showNumbers(report, descents);
}

function controls(): void {
  for (const name of PROXY_NAMES) {
    const box = element("input", {
      type: "checkbox",
      name: "proxy",
      value: name,
      checked: chosen.has(name),
      disabled: name === "own",
    });
    box.addEventListener("change", () => {
      if (box.checked) chosen.add(name);
      else chosen.delete(name);
      forget();
      void compute();
    });
    byId("proxies").append(element("label", { class: "check" }, box, marked(name, name === "own" ? "your own" : name)));
  }
  for (const [label, key, index] of SLIDERS) {
    const id = `slider-${key}-${index}`;
    const value = element("output", { for: id }, `${START[key][index]}`);
    const slider = element("input", { id, type: "range", min: -2, max: 2, step: 0.1, value: START[key][index] });
    slider.addEventListener("input", () => {
      value.textContent = slider.value;
      const next: [number, number] = [...state[key]];
      next[index] = Number(slider.value);
      forget();
      move({ ...state, [key]: next as Vec });
    });
    byId("sliders").append(
      element("div", { class: "field" }, element("label", { for: id }, `${label} = `, value), slider),
    );
  }
  byId("legend").append(
    element("li", {}, marked("true", "true: −∂f/∂w")),
    ...PROXY_NAMES.map((name) =>
      element("li", {}, marked(name, name === "own" ? "−E[g] of your own" : `−E[g] of ${name}`)),
    ),
  );
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("descend").addEventListener("click", () => void descendAll());
  byId("back").addEventListener("click", () => {
    forget();
    move({ ...state, w: START.w });
  });
}

controls();
ownProxyPanel(worker, () => {
  const box = document.querySelector<HTMLInputElement>("input[name=proxy][value=own]")!;
  box.disabled = false;
  box.checked = true;
  chosen.add("own");
  forget();
  void compute();
});
void compute();
