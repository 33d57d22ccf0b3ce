/** @file The commands that made the runs, to be copied. */
import { html, type Markup } from "../html.js";
import type { ReportRun } from "../model.js";
import { runStyles } from "../palette.js";
import { swatch } from "./parts.js";

/** Commands and SHA-256s of the runs that know theirs. */
export function commands(runs: readonly ReportRun[]): Markup {
  const known = runs.filter((run) => run.command !== null);
  if (known.length === 0) return html``;
  const styles = runStyles(runs);
  const relaxed = known.some(({ config }) => config.relaxed === true);
  return html`<h2 id="again">Make it again</h2>
<p>The same command and seed give the same weights, bit for bit, on any machine${relaxed && "; a run with relaxed kernels, on one kind of processor"}.</p>
<div class="card commands">${known.map(
    (run) =>
      html`<div><h3>${runs.length > 1 && swatch(styles[runs.indexOf(run)])}${run.name}</h3><pre>${run.command}</pre>${
        run.sha256 !== null && html`<p>SHA-256 of the trained weights <span class="hash">${run.sha256}</span></p>`
      }</div>`,
  )}</div>`;
}
