/** @file One line chart: uPlot with the page's colours, a legend that shows the values under the cursor. */
import uPlot from "uplot";

/** One line of a chart. */
export interface Line {
  readonly label: string;
  /** Name of the CSS variable of its colour. */
  readonly color: string;
  readonly dashed?: boolean;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** How a chart is read. */
export interface ChartOptions {
  /** What it shows, for those who do not see it. */
  readonly title: string;
  /** Unit of the y axis, shown after values: "%", or nothing. */
  readonly unit: string;
  readonly log: boolean;
  /** Charts of one group share the cursor. */
  readonly group: string;
}

/** A chart on the page. */
export interface Chart {
  /** Fits it to the width of its host. */
  resize(): void;
  /** Draws it again, with the present colours. */
  redraw(): void;
}

const HEIGHT = 230;
const FONT = "12px system-ui, -apple-system, 'Segoe UI', sans-serif";

/** Draws `lines` inside `host`, or says that there is nothing to draw. */
export function drawChart(host: HTMLElement, lines: readonly Line[], options: ChartOptions): Chart {
  let plot: uPlot | null = null;
  const hidden = new Set<string>();
  const draw = (): void => {
    plot?.destroy();
    plot = null;
    if (lines.length === 0) {
      host.innerHTML = '<p class="empty">Not recorded in these runs.</p>';
      return;
    }
    plot = new uPlot(settings(host.clientWidth || 460, lines, options, hidden), aligned(lines), host);
    describe(plot.root, lines, options);
  };
  draw();
  return {
    resize() {
      if (plot !== null && host.clientWidth > 0 && plot.width !== host.clientWidth) {
        plot.setSize({ width: host.clientWidth, height: HEIGHT });
      }
    },
    redraw: draw,
  };
}

/** Gives the canvas a text alternative, and the legend's entries the keyboard. */
function describe(root: HTMLElement, lines: readonly Line[], { title, unit }: ChartOptions): void {
  const canvas = root.querySelector("canvas");
  canvas?.setAttribute("role", "img");
  canvas?.setAttribute("aria-label", `${title} by epoch. ${lines.map((line) => spoken(line, unit)).join(" ")}`);
  for (const entry of root.querySelectorAll<HTMLElement>(".u-series:not(:first-child) > th")) {
    entry.tabIndex = 0;
    entry.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      entry.click();
    });
  }
}

/** A line in words: where it begins and ends. */
function spoken({ label: name, x, y }: Line, unit: string): string {
  const point = (i: number): string => `${label(y[i], unit)} at epoch ${x[i]}`;
  const last = x.length - 1;
  return last === 0 ? `${name}: ${point(0)}.` : `${name}: ${point(0)}, ${point(last)}.`;
}

/** Lines on their common x values, null where a line has no point. */
function aligned(lines: readonly Line[]): uPlot.AlignedData {
  const xs = [...new Set(lines.flatMap((line) => line.x))].sort((a, b) => a - b);
  const columns = lines.map((line) => {
    const at = new Map(line.x.map((x, i) => [x, line.y[i]]));
    return xs.map((x) => at.get(x) ?? null);
  });
  return [xs, ...columns];
}

function css(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Background of a line's mark in the legend: a stroke like the line's own. */
function marker({ color, dashed }: Line): string {
  const stroke = css(color);
  return dashed ? `repeating-linear-gradient(90deg, ${stroke} 0 5px, transparent 5px 7px)` : stroke;
}

function settings(width: number, lines: readonly Line[], options: ChartOptions, hidden: Set<string>): uPlot.Options {
  const points = Math.max(...lines.map((line) => line.x.length));
  const axis: uPlot.Axis = {
    stroke: css("--ink-3"),
    font: FONT,
    grid: { stroke: css("--line"), width: 1 },
    ticks: { show: false },
  };
  return {
    width,
    height: HEIGHT,
    padding: [8, 8, 0, 0],
    cursor: { sync: { key: options.group }, points: { size: 8 }, drag: { x: true, y: false } },
    legend: { live: true, markers: { width: 0, fill: (_, i) => marker(lines[i - 1]) } },
    scales: { x: { time: false, range: xRange }, y: options.log ? { distr: 3 } : { range: yRange(options) } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        label: "epoch",
        labelFont: FONT,
        labelSize: 18,
        size: 26,
        gap: 4,
        incrs: [1, 2, 5, 10, 20, 25, 50, 100, 200, 500],
      },
      {
        ...axis,
        size: 58,
        gap: 8,
        values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : label(tick, options.unit))),
      },
    ],
    series: [
      // Without a cursor the legend shows the last values.
      { label: "epoch", value: (_, x) => `${x ?? "last"}` },
      ...lines.map(
        (line): uPlot.Series => ({
          label: line.label,
          stroke: css(line.color),
          width: 2,
          dash: line.dashed ? [6, 4] : undefined,
          spanGaps: true,
          show: !hidden.has(line.label),
          points: { show: points <= 40, size: 6, fill: css(line.color) },
          value: (_, y, __, index) => {
            const shown = y ?? (index === null ? line.y.at(-1) : null);
            return shown == null ? "–" : label(shown, options.unit);
          },
        }),
      ),
    ],
    hooks: {
      setSeries: [
        (plot, index) => {
          if (index === null || index === 0) return;
          const name = lines[index - 1].label;
          if (plot.series[index].show) hidden.delete(name);
          else hidden.add(name);
        },
      ],
    },
  };
}

/** A single epoch sits in the middle; otherwise the axis ends where the data ends. */
const xRange: uPlot.Range.Function = (_, min, max) => (min === max ? [min - 1, max + 1] : [min, max]);

/** Room above and below; percentages stay within 0 and 100, and nothing that starts at 0 dips below it. */
function yRange({ unit }: ChartOptions): uPlot.Range.Function {
  return (_, min, max) => {
    if (min === null || max === null) return [0, 1];
    const room = (max - min) * 0.08 || Math.abs(max) * 0.1 || 1;
    const low = min >= 0 ? Math.max(0, min - room) : min - room;
    const high = unit === "%" && max <= 100 ? Math.min(100.4, max + room) : max + room;
    return [low, high];
  };
}

function label(value: number, unit: string): string {
  const size = Math.abs(value);
  let text: string;
  if (value === 0) text = "0";
  else if (size < 1e-3 || size >= 1e6) text = value.toExponential(1).replace(".0e", "e").replace("e+", "e");
  else text = `${Number(value.toPrecision(4))}`;
  return unit === "" ? text : `${text} ${unit}`;
}
