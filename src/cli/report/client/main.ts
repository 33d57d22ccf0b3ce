/** @file The report's browser script: draws the charts from the embedded JSON, and the page's few controls. */
import type { ChartRun, EpochRow } from "../model.js";
import { runStyles, style } from "../palette.js";
import { type Chart, drawChart, type Line } from "./chart.js";

type PerLayer = "flipRatio" | "alpha" | "saturation";
type PerRun = "loss" | "accuracy" | "valAccuracy" | "lr" | "imagesPerSecond" | "flips";

const runs = JSON.parse(document.getElementById("runs")!.textContent!) as ChartRun[];
const charts: Chart[] = [];

const styles = runStyles(runs);

/** One line per run. */
function acrossRuns(key: PerRun): Line[] {
  return runs.flatMap((run, index) => {
    const points = run.metrics.filter((row) => typeof row[key] === "number");
    if (points.length === 0) return [];
    return [{ label: run.name, ...styles[index], x: epochs(points), y: points.map((row) => row[key] as number) }];
  });
}

/** One line per layer of one run. */
function acrossLayers(run: ChartRun, key: PerLayer, scale: number): Line[] {
  const names = [...new Set(run.metrics.flatMap((row) => Object.keys(row[key])))];
  return names.map((name, index) => {
    const points = run.metrics.filter((row) => typeof row[key][name] === "number");
    return {
      label: name,
      ...style(index),
      x: epochs(points),
      y: points.map((row) => row[key][name] * scale),
    };
  });
}

function epochs(points: readonly EpochRow[]): number[] {
  return points.map((row) => row.epoch);
}

for (const host of document.querySelectorAll<HTMLElement>("[data-chart]")) {
  const { chart: key, title = "", run, unit = "", log } = host.dataset;
  const lines =
    run === undefined
      ? acrossRuns(key as PerRun)
      : acrossLayers(runs[Number(run)], key as PerLayer, key === "alpha" ? 1 : 100);
  charts.push(drawChart(host, lines, { title, unit, log: log !== undefined, group: run ?? "runs" }));
}

const tabs = [...document.querySelectorAll<HTMLButtonElement>("[role=tab]")];

function panelOf(tab: HTMLElement): HTMLElement {
  return document.getElementById(tab.getAttribute("aria-controls")!)!;
}

/** Opens the panel of a tab, closes the others. */
function select(chosen: HTMLButtonElement): void {
  for (const tab of tabs) {
    const selected = tab === chosen;
    tab.setAttribute("aria-selected", `${selected}`);
    tab.tabIndex = selected ? 0 : -1;
    panelOf(tab).hidden = !selected;
  }
  resizeAll();
}

for (const [index, tab] of tabs.entries()) {
  tab.addEventListener("click", () => select(tab));
  tab.addEventListener("keydown", (event) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    const next = tabs[(index + step + tabs.length) % tabs.length];
    next.focus();
    select(next);
  });
}

/** Shows what the address names: the panel that it is or lies in, opened, and itself in view. */
function goToTarget(): void {
  const target = document.getElementById(location.hash.slice(1));
  const tab = tabs.find((own) => target !== null && panelOf(own).contains(target));
  if (target === null || tab === undefined) return;
  select(tab);
  const whole = panelOf(tab) === target;
  if (whole) document.getElementById("details")?.scrollIntoView();
  else target.scrollIntoView({ block: "center" });
  (whole ? tab : target).focus({ preventScroll: true });
}
addEventListener("hashchange", goToTarget);
// A link to where the address points already changes nothing, but may have to open a panel again.
addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (link?.hash !== undefined && link.hash === location.hash) goToTarget();
});

function resizeAll(): void {
  for (const chart of charts) chart.resize();
}
new ResizeObserver(resizeAll).observe(document.querySelector("main")!);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const chart of charts) chart.redraw();
});
goToTarget();
