/** @file The table of runs, and what runs that differ in their seeds alone have in common. */
import { bytes, count, duration, percent, short } from "../../ui/numbers.js";
import { html, type Markup } from "../html.js";
import type { Report, ReportRun } from "../model.js";
import { runStyles } from "../palette.js";
import { DECIDED, difference, signed, spread } from "../statistics.js";
import { chip, errorText, measured, NONE, panelId, stackTable, swatch } from "./parts.js";

interface Column {
  readonly head: string;
  readonly named?: boolean;
  /** The cell, or null where the run does not have the figure. A column that no run has is left out. */
  cell(run: ReportRun): Markup | string | null;
}

/** What tells runs apart in a few words, shown below their names where they differ. */
const MARKS: readonly ((run: ReportRun) => string | null)[] = [
  (run) => run.data,
  (run) => run.model,
  (run) => settingText(run, "rho", "ρ"),
  (run) => settingText(run, "alphaRule", "α by"),
  (run) => settingText(run, "proxy", "proxy"),
  (run) => (run.seed === null ? null : `seed ${run.seed}`),
];

/** A setting with its name; null where a run does not have it. */
function settingText({ config }: ReportRun, name: string, label: string): string | null {
  const value = config[name];
  if (value === undefined || value === null) return null;
  return `${label} ${typeof value === "number" ? short(value) : `${value}`}`;
}

function columnsOf({ runs, headline }: Report): Column[] {
  return [
    {
      head: "After one epoch",
      cell: ({ metrics }) => (metrics[0]?.valAccuracy == null ? null : percent(metrics[0].valAccuracy)),
    },
    { head: "Test accuracy", cell: accuracyCell },
    { head: `Against ${runs[headline].name}`, named: true, cell: (run) => againstCell(run, runs[headline]) },
    { head: "Packed accuracy", cell: ({ packed }) => (packed?.accuracy == null ? null : percent(packed.accuracy)) },
    { head: "On disk", cell: ({ packed }) => (packed === null ? null : bytes(packed.bytes)) },
    {
      head: "Graph, ms per image",
      cell: (run) => (run.graphMillisecondsPerImage === null ? null : run.graphMillisecondsPerImage.toFixed(2)),
    },
    {
      head: "Packed, ms per image",
      cell: ({ packed }) => (packed?.millisecondsPerImage == null ? null : packed.millisecondsPerImage.toFixed(2)),
    },
    { head: "Epochs", cell: (run) => (run.epochs === null ? null : `${run.epochs}`) },
    { head: "Images per s", cell: (run) => (run.imagesPerSecond === null ? null : count(run.imagesPerSecond)) },
    { head: "Time", cell: (run) => (run.wallSeconds === null ? null : duration(run.wallSeconds)) },
  ];
}

function accuracyCell(run: ReportRun): Markup | null {
  if (run.accuracy === null) return null;
  const error = errorText(run);
  return html`${percent(run.accuracy)}${error !== null && html` <span class="error">${error}</span>`}`;
}

/** The difference from the run that heads the page; "none" where the number of images does not show one. */
function againstCell(run: ReportRun, head: ReportRun): Markup | null {
  if (run === head || run.data !== head.data) return null;
  const [own, other] = [measured(run), measured(head)];
  if (own === null || other === null) return null;
  const { points, error, decided } = difference(own, other);
  const figure = html`${signed(points)} <span class="error">± ${error.toFixed(2)}</span>`;
  return decided ? figure : html`none <span class="error">(${figure})</span>`;
}

/** One row per run, the columns that at least one of them can fill. */
export function comparison(report: Report): Markup {
  const { runs } = report;
  const columns = columnsOf(report).filter((column) => runs.some((run) => column.cell(run) !== null));
  const marks = MARKS.filter((mark) => new Set(runs.map(mark).filter((text) => text !== null)).size > 1);
  const styles = runStyles(runs);
  const hasErrors = runs.some((run) => measured(run) !== null);
  return html`${hasErrors && errorNote(runs.length > 1)}
${stackTable({
  caption: runs.length === 1 ? "The run" : "Runs compared",
  corner: "Run",
  heads: columns.map(({ head, named }) => ({ text: head, number: true, named })),
  rows: runs.map((run, i) => ({
    head: html`${swatch(styles[i])}<a href="#${panelId(i)}">${run.name}</a>${!run.finished && html` ${chip("not finished")}`}
<span class="marks">${[run.bits, run.method, ...marks.map((mark) => mark(run))]
      .filter((mark, j, all) => mark !== null && all.indexOf(mark) === j)
      .map((mark) => html`${chip(`${mark}`)} `)}</span>`,
    cells: columns.map((column) => ({ value: column.cell(run) ?? NONE, number: true })),
  })),
})}`;
}

function errorNote(several: boolean): Markup {
  return html`<p>± is the standard error of an accuracy on that many test images, √(p(1 − p)/n): another sample of images would move it by about as much.${
    several &&
    ` A difference of less than ${DECIDED} standard errors is called none: chance alone gives one of that size. How much training varies from seed to seed is not in it.`
  }</p>`;
}

/** Runs that differ in nothing but their seed. */
interface Group {
  readonly runs: readonly ReportRun[];
  readonly accuracies: readonly number[];
}

function groups(runs: readonly ReportRun[]): Group[] {
  const alike = new Map<string, ReportRun[]>();
  for (const run of runs) {
    if (run.accuracy === null || !run.finished) continue;
    const { seed: _, ...config } = run.config;
    const key = JSON.stringify([run.model, run.data, run.bits, run.method, config]);
    alike.set(key, [...(alike.get(key) ?? []), run]);
  }
  return [...alike.values()]
    .filter((own) => new Set(own.map(({ seed }) => seed)).size > 1)
    .map((own) => ({ runs: own, accuracies: own.map(({ accuracy }) => accuracy!) }));
}

/** What seeds alone change, where several runs tell. */
export function seeds(runs: readonly ReportRun[]): Markup {
  const found = groups(runs);
  if (found.length === 0) return html``;
  const range = (values: readonly number[]): string =>
    `${Math.min(...values).toFixed(2)} to ${Math.max(...values).toFixed(2)} %`;
  return html`<h3>From seed to seed</h3>
<p>Runs that differ in nothing but their seed; ± is the standard deviation over the seeds.</p>
${stackTable({
  caption: "From seed to seed",
  corner: "Runs",
  heads: [
    { text: "Bits" },
    { text: "Method" },
    { text: "Seeds", number: true },
    { text: "Mean test accuracy", number: true },
    { text: "Range", number: true },
  ],
  rows: found.map(({ runs: own, accuracies }) => {
    const { mean, deviation } = spread(accuracies);
    return {
      head: own.map(({ name }) => name).join(", "),
      cells: [
        { value: own[0].bits },
        { value: own[0].method },
        { value: own.map(({ seed }) => `${seed}`).join(", "), number: true },
        { value: html`${percent(mean)} <span class="error">± ${deviation.toFixed(2)}</span>`, number: true },
        { value: range(accuracies), number: true },
      ],
    };
  }),
})}`;
}
