/**
 * @file From sweeps of STUDY.json to evidence: study.jsonl, and the tables of docs/accuracy.md between their markers.
 * `node experiments/cifar10/study.mjs [FOLDER …]` adds the runs that are complete in these sweeps' folders; what was
 * there before stays, unless it is done again.
 */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadSource } from "../../scripts/load-source.mjs";
import { accuracyTable, blendingTable, byRow, filled, readLines, resultOf, table, writeWhole } from "./tables.mjs";

const { spread } = await loadSource("src/sweep/statistics.ts");
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

const MAKERS = {
  choice: choiceTable,
  final: accuracyTable,
  rho: (rows) => blendingTable(rows, BEFORE_DROP),
  ablation: accuracyTable,
};

/** Tables by name; what no run is done of says so. @param {readonly any[]} results lines of study.jsonl */
export function studyTables(results) {
  return Object.fromEntries(
    Object.entries(MAKERS).map(([name, make]) => {
      const own = results.filter((result) => tableOf(result) === name);
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
  for (const [folder, file] of files) {
    for (const line of readLines(file)) {
      const result = line.status === "done" ? resultOf(line, folder) : null;
      if (result !== null) results.set(key(result), { ...result, table: tableOf(result) });
    }
  }
  const all = [...results.values()];
  writeWhole(EVIDENCE, all.map((result) => `${JSON.stringify(result)}\n`).join(""));
  writeWhole(PAGE, studyPage(readFileSync(PAGE, "utf8"), all));
  console.error(`${all.length} results in ${path.relative(root, EVIDENCE)}`);
}
