/** @file A line chart that grows: uPlot with the page's colours and a text for those who do not see it. */
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { short } from "./numbers.js";
import { color, onThemeChange } from "./theme.js";

/** One line. */
export interface Line {
  readonly label: string;
  /** Name of the CSS variable of its colour. */
  readonly color: string;
  readonly dashed?: boolean;
  readonly x: readonly number[];
  readonly y: readonly number[];
}

/** How a chart is read. */
export interface PlotOptions {
  readonly title: string;
  /** Name of the x axis. */
  readonly x: string;
  readonly unit?: string;
  /** A logarithmic y axis. */
  readonly log?: boolean;
  readonly height?: number;
}

const FONT = "12px system-ui, -apple-system, 'Segoe UI', sans-serif";

/** A chart in `host`, empty until it is given lines. */
export class Plot {
  readonly #host: HTMLElement;
  readonly #options: PlotOptions;
  #lines: readonly Line[] = [];
  #shape = "";
  #plot: uPlot | null = null;

  constructor(host: HTMLElement, options: PlotOptions) {
    this.#host = host;
    this.#options = options;
    onThemeChange(() => {
      this.#shape = "";
      this.draw(this.#lines);
    });
    new ResizeObserver(() => {
      const width = host.clientWidth;
      if (this.#plot !== null && width > 0 && this.#plot.width !== width) {
        this.#plot.setSize({ width, height: this.#height });
      }
    }).observe(host);
  }

  get #height(): number {
    return this.#options.height ?? 210;
  }

  /** Shows these lines; the chart is made anew only where their names or colours are others. */
  draw(lines: readonly Line[]): void {
    this.#lines = lines;
    const drawn = lines.filter(({ x }) => x.length > 0);
    const data = aligned(drawn);
    const points = Math.max(0, ...drawn.map(({ x }) => x.length)) <= 40;
    const shape = JSON.stringify([points, drawn.map(({ label, color: own, dashed }) => [label, own, dashed])]);
    if (shape === this.#shape) this.#plot?.setData(data);
    else {
      this.#shape = shape;
      this.#plot?.destroy();
      this.#plot = new uPlot(this.#settings(drawn, points), data, this.#host);
    }
    const canvas = this.#host.querySelector("canvas");
    canvas?.setAttribute("role", "img");
    canvas?.setAttribute("aria-label", this.#spoken(drawn));
  }

  #label(value: number): string {
    const { unit } = this.#options;
    return unit === undefined ? short(value) : `${short(value)} ${unit}`;
  }

  #spoken(lines: readonly Line[]): string {
    const { title, x } = this.#options;
    if (lines.length === 0) return `${title}: nothing yet.`;
    const ends = lines.map(({ label, y }) => `${label}: ${this.#label(y[0])}, then ${this.#label(y[y.length - 1])}.`);
    return `${title} by ${x}. ${ends.join(" ")}`;
  }

  #settings(lines: readonly Line[], points: boolean): uPlot.Options {
    const { x: xName, unit, log } = this.#options;
    const axis: uPlot.Axis = {
      stroke: color("--ink-3"),
      font: FONT,
      grid: { stroke: color("--line"), width: 1 },
      ticks: { show: false },
    };
    return {
      width: this.#host.clientWidth || 400,
      height: this.#height,
      padding: [8, 16, 0, 0],
      cursor: { drag: { x: false, y: false }, points: { size: 7 } },
      legend: { live: true, markers: { width: 0, fill: (_, i) => marker(lines[i - 1]) } },
      scales: {
        x: { time: false, range: (_, min, max) => (min === max ? [min - 1, max + 1] : [min, max]) },
        y: log ? { distr: 3 } : { range: (_, min, max) => range(min, max, unit === "%") },
      },
      axes: [
        { ...axis, grid: { show: false }, label: xName, labelFont: FONT, labelSize: 18, size: 26, gap: 4 },
        { ...axis, size: 56, gap: 6, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : short(tick))) },
      ],
      series: [
        { label: xName },
        ...lines.map(
          (line): uPlot.Series => ({
            label: line.label,
            stroke: color(line.color),
            width: 2,
            dash: line.dashed ? [6, 4] : undefined,
            spanGaps: true,
            points: { show: points, size: 5, fill: color(line.color) },
            value: (_, y, series) => {
              const last = this.#lines.find(({ label }) => label === lines[series - 1].label)?.y.at(-1);
              const shown = y ?? last;
              return shown === undefined ? "–" : this.#label(shown);
            },
          }),
        ),
      ],
    };
  }
}

/** Lines on their common x values, null where a line has no point. */
function aligned(lines: readonly Line[]): uPlot.AlignedData {
  const xs = [...new Set(lines.flatMap(({ x }) => x))].sort((a, b) => a - b);
  const columns = lines.map(({ x, y }) => {
    const at = new Map(x.map((value, i) => [value, y[i]]));
    return xs.map((value) => at.get(value) ?? null);
  });
  return [xs, ...columns];
}

/** Room above and below; nothing that starts at 0 dips below it. */
function range(min: number | null, max: number | null, isPercent: boolean): [number, number] {
  if (min === null || max === null) return [0, 1];
  const room = (max - min) * 0.08 || Math.abs(max) * 0.1 || 1;
  const high = isPercent && max <= 100 ? Math.min(100.4, max + room) : max + room;
  return [min >= 0 ? Math.max(0, min - room) : min - room, high];
}

/** A line's mark in the legend: a stroke like its own. */
function marker({ color: own, dashed }: Line): string {
  const stroke = color(own);
  return dashed ? `repeating-linear-gradient(90deg, ${stroke} 0 5px, transparent 5px 7px)` : stroke;
}
