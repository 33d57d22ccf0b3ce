/** @file What a sweep says: its jobs before they run, one that ended, and the table over seeds. */

import { table } from "../../core/table.js";
import type { RunSummary } from "../../run/summary.js";
import type { Figure, GroupResult, SweepResult } from "../../sweep/results.js";
import { bytes, count, duration, percent } from "../ui/numbers.js";

/** One run that is done, on one line. */
export function doneText({ top1, packed, wallSeconds, weightsSha256 }: RunSummary): string {
  return `${percent(top1)}, packed ${percent(packed.top1)} in ${bytes(packed.bytes)}, ${duration(wallSeconds)}, SHA-256 ${weightsSha256.slice(0, 16)}…`;
}

/** The runs of a plan with their ids. */
export function planText(results: readonly SweepResult[]): string {
  const ids = new Set(results.map(({ id }) => id));
  return [
    table(
      [{ head: "run" }, { head: "id" }, { head: "starts from" }, { head: "state" }],
      results.map(({ name, id, from, settings, status }) => [
        name,
        id.slice(0, 16),
        from ?? (typeof settings.init === "string" ? settings.init : ""),
        status,
      ]),
    ),
    "",
    `${runs(results.length)}${ids.size === results.length ? "" : `, ${ids.size} different`}, ${results.filter(({ status }) => status === "done").length} done`,
  ].join("\n");
}

function runs(number: number): string {
  return `${count(number)} run${number === 1 ? "" : "s"}`;
}

function figure(of: Figure | null, text: (value: number) => string): string {
  if (of === null) return "–";
  return of.deviation === null ? text(of.mean) : `${text(of.mean)} ± ${text(of.deviation)}`;
}

/** Means and spreads over seeds of the groups that some results are of, then those of them that are not done. */
export function resultsText(all: readonly GroupResult[], results: readonly SweepResult[]): string {
  const named = new Set(results.map(({ group }) => group));
  const groups = all.filter(({ group }) => named.has(group));
  const compared = groups.some(({ against }) => against !== null);
  const two = (value: number): string => value.toFixed(2);
  const tested = ({ against }: GroupResult): string[] => {
    if (against === null) return ["", ""];
    const { difference, margin, p } = against;
    const points = `${difference < 0 ? "−" : "+"}${two(Math.abs(difference))}`;
    return [margin === null ? points : `${points} ± ${two(margin)}`, p === null ? "–" : p.toFixed(3)];
  };
  const open = results.filter(({ status }) => status !== "done");
  return [
    table(
      [
        { head: "runs" },
        { head: "done", right: true },
        { head: "top-1, %", right: true },
        { head: "packed, %", right: true },
        { head: "bytes", right: true },
        { head: "time", right: true },
        ...(compared
          ? [
              { head: "against the first", right: true },
              { head: "p, paired", right: true },
            ]
          : []),
      ],
      groups.map((group) => [
        group.group,
        `${group.seeds.length} of ${group.runs}`,
        figure(group.top1, two),
        figure(group.packedTop1, two),
        group.packedBytes === null ? "–" : count(group.packedBytes.mean),
        group.wallSeconds === null ? "–" : duration(group.wallSeconds.mean),
        ...(compared ? tested(group) : []),
      ]),
    ),
    ...(open.length === 0
      ? []
      : ["", ...open.map(({ name, status, error }) => `${name}: ${statusText(status, error)}`)]),
  ].join("\n");
}

function statusText(status: SweepResult["status"], error: string | null): string {
  if (status === "failed") return `failed: ${error}`;
  return status === "skipped" ? `skipped: it starts from ${error}` : "not done";
}
