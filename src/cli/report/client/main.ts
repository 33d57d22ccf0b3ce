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
  const { chart: key, run, unit = "", log } = host.dataset;
  const lines =
    run === undefined
      ? acrossRuns(key as PerRun)
      : acrossLayers(runs[Number(run)], key as PerLayer, key === "alpha" ? 1 : 100);
  charts.push(drawChart(host, lines, { unit, log: log !== undefined, group: run ?? "runs" }));
}

for (const tabs of document.querySelectorAll<HTMLElement>("[role=tablist]")) {
  const buttons = [...tabs.querySelectorAll<HTMLButtonElement>("button")];
  const select = (chosen: HTMLButtonElement): void => {
    for (const button of buttons) {
      const selected = button === chosen;
      button.setAttribute("aria-selected", `${selected}`);
      button.tabIndex = selected ? 0 : -1;
      document.getElementById(button.getAttribute("aria-controls")!)!.hidden = !selected;
    }
    resizeAll();
  };
  for (const [index, button] of buttons.entries()) {
    button.addEventListener("click", () => select(button));
    button.addEventListener("keydown", (event) => {
      const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
      if (step === 0) return;
      const next = buttons[(index + step + buttons.length) % buttons.length];
      next.focus();
      select(next);
    });
  }
}

document.getElementById("only-differences")?.addEventListener("change", (event) => {
  const on = (event.target as HTMLInputElement).checked;
  document.getElementById("settings")!.classList.toggle("only-differences", on);
});

function resizeAll(): void {
  for (const chart of charts) chart.resize();
}
new ResizeObserver(resizeAll).observe(document.querySelector("main")!);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const chart of charts) chart.redraw();
});
