/** @file What the runs were started with: what differs as a table, what they share as a list. */
import { short } from "../../ui/numbers.js";
import { html, type Markup } from "../html.js";
import type { ReportRun } from "../model.js";
import { stackTable } from "./parts.js";

/** Runs that a table has columns for. */
const MOST_COLUMNS = 6;

/** Every setting of every run. */
export function settings(runs: readonly ReportRun[]): Markup {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run.config)))];
  if (names.length === 0) return html``;
  const rows = names.map((name) => {
    // Float runs have no settings of quantization: that is no difference in them.
    const own = runs.filter((run) => run.config[name] !== undefined).map((run) => settingText(run.config[name]));
    return { name, own, cells: runs.map((run) => settingText(run.config[name])) };
  });
  const differing = rows.filter(({ own }) => new Set(own).size > 1);
  const shared = rows.filter((row) => !differing.includes(row));
  return html`<h2 id="settings">Settings</h2>
<p>${runs.length > 1 ? "Everything that the runs were started with." : "Everything that the run was started with."}</p>
${
  differing.length > 0 &&
  html`<h3>What differs</h3>
${stackTable({
  id: "differing",
  caption: "Settings that differ",
  corner: "Setting",
  heads: runs.map(({ name }) => ({ text: name, named: true })),
  rows: differing.map(({ name, cells }) => ({ head: settingName(name), cells: cells.map((value) => ({ value })) })),
  always: runs.length > MOST_COLUMNS,
})}`
}
${runs.length > 1 && shared.length > 0 && html`<h3>The same in all runs that have it</h3>`}
${
  shared.length > 0 &&
  html`<dl class="card shared" id="shared">${shared.map(
    ({ name, own }) => html`<div><dt>${settingName(name)}</dt><dd>${own[0]}</dd></div>`,
  )}</dl>`
}`;
}

function settingText(value: unknown): string {
  if (value === undefined || value === null) return "–";
  if (typeof value === "number") return short(value);
  if (typeof value !== "object") return String(value) || "–";
  const plain = JSON.stringify(value)
    .replace(/^[[{]|[\]}]$/g, "")
    .replaceAll('"', "");
  return plain || "–";
}

/** `weightDecay` → `weight decay`. */
function settingName(key: string): string {
  return key.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
