/** @file The list of runs: which are shown in the charts, which one is looked at, which are deleted or gone on with. */
import { button, byId, element, setText, table } from "../shell/dom.js";
import { bytes } from "../shell/numbers.js";
import type { ShownRun } from "./curves.js";
import type { RunRecord } from "./record.js";

/** What can be done with a run of the list. */
export interface RunActions {
  look(record: RunRecord): void;
  show(record: RunRecord, shown: boolean): void;
  remove(record: RunRecord): void;
  continue(record: RunRecord): void;
}

const STATUS: Readonly<Record<RunRecord["status"], string>> = {
  running: "running",
  paused: "paused",
  stopped: "interrupted",
  finished: "finished",
  failed: "failed",
};

/** Draws the list. */
export function drawRuns(
  runs: readonly ShownRun[],
  hidden: ReadonlySet<string>,
  current: RunRecord | null,
  live: string | null,
  actions: RunActions,
): void {
  setText(byId("runs-note"), runs.length === 0 ? "Runs are kept in this browser. None yet." : "Kept in this browser.");
  const rows = runs.map(({ record, style }) => {
    const { id, name, status, outcome, step, steps } = record;
    const box = element("input", {
      type: "checkbox",
      checked: !hidden.has(id),
      "aria-label": `Show ${name} in the charts`,
    });
    box.addEventListener("change", () => actions.show(record, box.checked));
    const swatch = element("span", {
      class: `swatch${style.dashed ? " dashed" : ""}`,
      style: `--swatch: var(${style.color})`,
    });
    const own = element("div", { class: "row" });
    own.append(button("Look", () => actions.look(record), { class: "quiet", "aria-label": `Look at ${name}` }));
    if (id !== live) {
      if (status !== "finished" && status !== "failed") {
        own.append(
          button("Continue", () => actions.continue(record), { class: "quiet", "aria-label": `Continue ${name}` }),
        );
      }
      own.append(button("Delete", () => actions.remove(record), { class: "quiet", "aria-label": `Delete ${name}` }));
    }
    return [
      element("label", { class: "check" }, box, swatch, name),
      id === live || status === "finished" || status === "failed"
        ? STATUS[status]
        : `interrupted at ${step} of ${steps}`,
      outcome === null ? "–" : `${outcome.packedTop1.toFixed(2)} %`,
      outcome === null ? "–" : bytes(outcome.packedBytes),
      element("span", { class: "mono" }, outcome === null ? "–" : outcome.weightsSha256.slice(0, 16)),
      own,
    ];
  });
  const host = byId("runs");
  host.hidden = rows.length === 0;
  if (rows.length === 0) return;
  const list = table("Runs", ["run", "state", ">top-1, packed", ">packed file", "weights", "actions"], rows);
  runs.forEach(({ record }, i) => {
    if (record.id === current?.id) list.tBodies[0].rows[i].setAttribute("aria-current", "true");
  });
  host.replaceChildren(list);
}
