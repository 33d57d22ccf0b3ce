/**
 * @file From sweeps of STUDY.json to evidence: study.jsonl, the tables of docs/accuracy.md between their markers, and the
 * best packed networks.
 * `node experiments/cifar10/study.mjs [FOLDER …]` adds the runs that are complete in these sweeps' folders; what was
 * there before stays, unless it is done again.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadSource } from "../../scripts/load-source.mjs";
import {
  accuracyTable,
  blendingTable,
  byRow,
  filled,
  keepPacked,
  minutes,
  readLines,
  resultOf,
  signed,
  table,
  whole,
  writeWhole,
} from "./tables.mjs";

const { mean, spread } = await loadSource("src/sweep/statistics.ts");
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const EVIDENCE = path.join(root, "experiments", "cifar10", "study.jsonl");
const PAGE = path.join(root, "docs", "accuracy.md");

/** The table of a run, by the first part of its name: those that choose are short, and told by their held-out images. */
const TABLES = { choice: "choice", rho: "rho", ablation: "ablation" };
const tableOf = ({ id }) => TABLES[id.split("/")[0]] ?? "final";
/** Epochs of the runs on ρ before their rate drops. */
const BEFORE_DROP = 6;

/** Held-out accuracy of short runs, by what they compare. */
function choiceTable(results) {
  const rows = [...byRow(results)].map(([row, group]) => [
    row,
    spread(group.map(({ valAccuracy }) => valAccuracy.at(-1))),
    spread(group.map(({ loss }) => loss.at(-1))),
    group.map(({ seed }) => seed).join(", "),
    group[0].epochs,
    Math.round(group.reduce((sum, { imagesPerSecond }) => sum + imagesPerSecond, 0) / group.length),
  ]);
  return table(["", "held-out top-1, %", "last training loss", "seeds", "epochs", "images/s"], rows);
}

/** Means over seeds of the final rows. */
function meansTable(results) {
  const rows = [...byRow(results)].map(([row, group]) => [
    row,
    spread(group.map(({ top1 }) => top1)),
    whole(Math.max(...group.map(({ packed }) => packed.bytes))),
    group.map(({ seed }) => seed).join(", "),
  ]);
  return table(["", "top-1, %", "bytes packed, at most", "seeds"], rows);
}

/** Short runs with and without what may have brought points, each against the run of its seed that has a teacher alone. */
function ablationTable(results) {
  const alone = new Map(
    results.filter(({ id }) => id.startsWith("ablation/teacher/")).map(({ seed, top1 }) => [seed, top1]),
  );
  const rows = [...byRow(results)].map(([row, group]) => [
    row,
    spread(group.map(({ top1 }) => top1)),
    group
      .flatMap(({ id, seed, top1 }) =>
        id.startsWith("ablation/teacher/") || !alone.has(seed) ? [] : signed(top1 - alone.get(seed)),
      )
      .join(", ") || "–",
    group.map(({ seed }) => seed).join(", "),
    group[0].epochs,
    minutes(mean(group.map(({ wallSeconds }) => wallSeconds))),
    whole(mean(group.map(({ imagesPerSecond }) => imagesPerSecond))),
  ]);
  return table(
    ["", "top-1, %", "against a teacher alone, points, each seed", "seeds", "epochs", "wall time each", "images/s"],
    rows,
  );
}

/** Rows of which the best packed network is kept, by its folder. Those of 4W4A are teachers of other rows: they stay. */
export const KEPT = {
  "resnet20-cifar10-4w4a": ["4w4a"],
  "resnet20-cifar10-2w4a": ["2w4a", "2w4a-long"],
  "resnet20b-cifar10-4w4a": ["4w4a-projected/seed-1"], // whatever other seeds reach
  "resnet20b-cifar10-1w4a": ["1w4a-projected"],
  "resnet20-cifar10-1w4a-taught": ["1w4a", "1w4a-packed-teacher", "1w4a-long", "1w4a-rho-falls"],
};

/** The best of some rows by its packed file, the first of equals. @param {readonly any[]} results @param {readonly string[]} rows */
export function bestOf(results, rows) {
  return results
    .filter(({ id }) => rows.some((row) => id === row || id.startsWith(`${row}/`)))
    .reduce((best, result) => (best === undefined || result.packed.top1 > best.packed.top1 ? result : best), undefined);
}

const MAKERS = {
  choice: choiceTable,
  means: meansTable,
  final: accuracyTable,
  rho: (rows) => blendingTable(rows, BEFORE_DROP),
  ablation: ablationTable,
};

/** Tables by name; what no run is done of says so. @param {readonly any[]} results lines of study.jsonl */
export function studyTables(results) {
  return Object.fromEntries(
    Object.entries(MAKERS).map(([name, make]) => {
      const own = results.filter((result) => tableOf(result) === (name === "means" ? "final" : name));
      return [name, own.length === 0 ? "None is done yet." : make(own)];
    }),
  );
}

/** The page with the tables of the evidence. @param {string} text @param {readonly any[]} results */
export function studyPage(text, results) {
  return Object.entries(studyTables(results)).reduce((page, [name, content]) => filled(page, name, content), text);
}

if (path.resolve(process.argv[1] ?? "") === fileURLToPath(import.meta.url)) {
  const key = ({ id, seed }) => `${id} ${seed}`;
  const results = new Map(readLines(EVIDENCE).map((result) => [key(result), result]));
  const { positionals } = parseArgs({ allowPositionals: true, options: {} });
  const files = positionals.map((folder) => [folder, path.join(folder, "sweep-results.jsonl")]);
  for (const [folder, file] of files) {
    if (!existsSync(file)) throw new Error(`${folder}: no sweep-results.jsonl; expected the folder of a sweep`);
  }
  const folders = new Map();
  for (const [folder, file] of files) {
    for (const line of readLines(file)) {
      const result = line.status === "done" ? resultOf(line, folder) : null;
      if (result === null) continue;
      results.set(key(result), { ...result, table: tableOf(result) });
      folders.set(key(result), path.join(folder, line.folder));
    }
  }
  const all = [...results.values()];
  for (const [name, rows] of Object.entries(KEPT)) {
    const best = bestOf(all, rows);
    const folder = best && folders.get(key(best));
    if (folder !== undefined)
      console.error(`kept ${path.relative(root, keepPacked(folder, path.dirname(EVIDENCE), name))}`);
  }
  writeWhole(EVIDENCE, all.map((result) => `${JSON.stringify(result)}\n`).join(""));
  writeWhole(PAGE, studyPage(readFileSync(PAGE, "utf8"), all));
  console.error(`${all.length} results in ${path.relative(root, EVIDENCE)}`);
}
