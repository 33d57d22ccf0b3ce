/**
 * @file From a finished sweep of PLAN.json to evidence: results.jsonl, and the Markdown tables of docs/reproduction.md
 * between their markers. `node experiments/cifar10/tables.mjs STUDY`
 */
import { randomBytes } from "node:crypto";
import { copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadSource } from "../../scripts/load-source.mjs";

const { mean, paired, spread, welch } = await loadSource("src/sweep/statistics.ts");

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");

/** Training and test images of CIFAR-10. */
const ALL = 50_000;
const TESTS = 10_000;

/** The table that a run stands in, by the first part of its name. */
const TABLES = {
  table1: "1",
  table2: "2",
  table3: "3",
  instability: "instability",
  vgg11: "vgg",
  authors: "authors",
};

/** Replaces a file as a whole. @param {string} file @param {string} content */
export function writeWhole(file, content) {
  const temporary = `${file}.${randomBytes(4).toString("hex")}.tmp`;
  writeFileSync(temporary, content, { flush: true });
  renameSync(temporary, file);
}

/** What each line of a file holds; nothing without the file. @param {string} file */
export function readLines(file) {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line));
}

/**
 * A line of `sweep-results.jsonl` as a line of results.jsonl; null of a run that came to no result. That training
 * diverges is one.
 *
 * @param {any} line @param {string} out the sweep's folder
 */
export function resultOf({ name, title, folder, seed, settings, error, summary }, out) {
  const match = /training diverged in epoch (\d+), step (\d+)/.exec(error ?? "");
  if (summary === null && match === null) return null;
  const metrics = readLines(path.join(out, folder, "metrics.jsonl"));
  const config = readConfig(path.join(out, folder, "config.json"));
  const { codesCompared, codesEqual, ...packed } = summary?.packed ?? {};
  return {
    id: name,
    table: TABLES[name.split("/")[0]] ?? null,
    row: title,
    command: summary?.command ?? config?.command ?? null,
    bits: settings.bits,
    epochs: summary?.epochs ?? metrics.length,
    plannedEpochs: config?.epochs ?? settings.epochs ?? 0,
    plannedImages: settings.limit ?? ALL,
    trainImages: config?.limit ?? ALL,
    testImages: summary?.testImages ?? null,
    seed,
    diverged: match === null ? null : { epoch: Number(match[1]), step: Number(match[2]) },
    top1: summary?.top1 ?? null,
    top5: summary?.top5 ?? null,
    wallSeconds: summary?.wallSeconds ?? null,
    imagesPerSecond: summary?.imagesPerSecond ?? null,
    weightsSha256: summary?.weightsSha256 ?? null,
    packed: summary === null ? null : packed,
    verified: codesCompared === undefined ? null : { codes: { equal: codesEqual, total: codesCompared } },
    loss: metrics.map((row) => row.loss),
    valAccuracy: metrics.map((row) => 100 * row.valAccuracy),
    valLoss: metrics.map((row) => row.valLoss),
    flipRatio: metrics.map((row) => (row.flipRatio === undefined ? null : mean(Object.values(row.flipRatio)))),
  };
}

function readConfig(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : null;
}

/** A Markdown table. The first column is text, the others are numbers. */
export function table(heads, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(heads), line(heads.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

/** A difference in points. @param {number} value */
export const signed = (value) => `${value >= 0 ? "+" : "−"}${Math.abs(value).toFixed(2)}`;
const percent = (value) => (value == null ? "–" : `${value.toFixed(2)} %`);
/** @param {number | null} seconds */
export const minutes = (seconds) => (seconds === null ? "–" : `${(seconds / 60).toFixed(1)} min`);
/** With commas between thousands. @param {number} value */
export const whole = (value) =>
  Math.round(value)
    .toString()
    .replace(/\B(?=(\d{3})+$)/g, ",");
const hash = (sha256) => (sha256 === null ? "–" : `\`${sha256.slice(0, 16)}…\``);

/** Says if a result is not of the whole study's size. */
function rowName({ row, diverged, epochs, plannedEpochs, trainImages, plannedImages, testImages }) {
  if (diverged != null) return `${row}: **diverged** in epoch ${diverged.epoch}, step ${diverged.step}`;
  const odd = [
    epochs !== plannedEpochs && `${epochs} epochs instead of ${plannedEpochs}`,
    trainImages !== plannedImages && `${trainImages} training images`,
    testImages !== TESTS && `${testImages} test images`,
  ].filter(Boolean);
  return odd.length === 0 ? row : `${row} (**trial**: ${odd.join(", ")})`;
}

/** Accuracy, size and cost of each run. */
export function accuracyTable(results) {
  return table(
    [
      "",
      "top-1",
      "packed, top-1",
      "bytes packed",
      "codes equal",
      "epochs",
      "seed",
      "wall time",
      "images/s",
      "SHA-256 of the weights",
    ],
    results.map((result) => [
      rowName(result),
      percent(result.top1),
      result.packed === null ? "–" : percent(result.packed.top1),
      result.packed === null ? "–" : whole(result.packed.bytes),
      result.verified === null ? "–" : `${whole(result.verified.codes.equal)} of ${whole(result.verified.codes.total)}`,
      result.epochs,
      result.seed,
      minutes(result.wallSeconds),
      result.imagesPerSecond === null ? "–" : whole(result.imagesPerSecond),
      hash(result.weightsSha256),
    ]),
  );
}

/** Mean |difference| of neighbouring epochs before the last drop of the rate, in points: how restless training is. */
export function restlessness(accuracies, until) {
  const part = accuracies.slice(0, until);
  return mean(part.slice(1).map((value, i) => Math.abs(value - part[i])));
}

const NOISY_EPOCHS = 3;

/** Results of the same row, seeds apart. @returns {Map<string, any[]>} */
export function byRow(results) {
  const groups = new Map();
  for (const result of results) groups.set(result.row, [...(groups.get(result.row) ?? []), result]);
  return groups;
}

/**
 * Each ρ with tests of significance against ρ = 0.
 *
 * @param {readonly any[]} results @param {number} [noisy] epochs before the rate drops
 */
export function blendingTable(results, noisy = NOISY_EPOCHS) {
  const groups = byRow(results);
  const figures = {
    final: (result) => result.top1,
    first: (result) => result.valAccuracy[0],
    noise: (result) => restlessness(result.valAccuracy, noisy),
    flips: (result) => 100 * mean(result.flipRatio),
  };
  const rows = [...groups].map(([row, group]) => [
    row,
    ...Object.values(figures).map((figure) => spread(group.map(figure))),
    group.map(({ seed }) => seed).join(", "),
    minutes(mean(group.map(({ wallSeconds }) => wallSeconds))),
    whole(mean(group.map(({ imagesPerSecond }) => imagesPerSecond))),
  ]);
  const base = groups.get("ρ = 0") ?? [];
  const tests = [...groups].flatMap(([row, group]) => {
    if (row === "ρ = 0") return [];
    return ["final", "first", "noise"].flatMap((name) => {
      const figure = figures[name];
      const seeds = group.map(({ seed }) => seed).filter((seed) => base.some((other) => other.seed === seed));
      const values = (list) => seeds.map((seed) => figure(list.find((result) => result.seed === seed)));
      if (seeds.length < 2) return [];
      const [with_, without] = [values(group), values(base)];
      const [pair, two] = [paired(with_, without), welch(group.map(figure), base.map(figure))];
      const margin = Number.isNaN(pair.margin) ? "" : ` ± ${pair.margin.toFixed(2)}`;
      const difference = `${signed(pair.difference)}${margin}`;
      return [[`${row}, ${NAMES[name]}`, difference, pText(pair.p), pText(two.p), seeds.length]];
    });
  });
  return [
    table(
      [
        "",
        "final top-1, %",
        "top-1 after the first epoch, %",
        `mean change from epoch to epoch over the first ${noisy}, points`,
        "weight codes that flip in a step, %",
        "seeds",
        "wall time each",
        "images/s",
      ],
      rows,
    ),
    tests.length === 0
      ? ""
      : table(
          [
            "against ρ = 0",
            "difference and half of its 95 % interval, points",
            "p, paired t-test",
            "p, Welch's test",
            "pairs",
          ],
          tests,
        ),
  ]
    .filter(Boolean)
    .join("\n\n");
}

const NAMES = { final: "final top-1", first: "after the first epoch", noise: "change from epoch to epoch" };
const pText = (p) => (Number.isNaN(p) ? "–" : p < 0.001 ? "< 0.001" : p.toFixed(3));

function derivativesTable(results) {
  return table(
    [
      "rule for α, proxy for x",
      "activations",
      "final top-1",
      "top-1 after the first epoch",
      "last training loss",
      "epochs",
      "seed",
      "wall time",
      "SHA-256 of the weights",
    ],
    results.map((result) => [
      rowName(result),
      result.bits.replace(/^.*W/, ""),
      percent(result.top1),
      percent(result.valAccuracy[0]),
      result.loss.at(-1)?.toFixed(3) ?? "–",
      result.epochs,
      result.seed,
      minutes(result.wallSeconds),
      hash(result.weightsSha256),
    ]),
  );
}

function instabilityTable(results, start) {
  const epochs = Math.max(...results.map(({ loss }) => loss.length));
  const heads = Array.from({ length: epochs }, (_, i) => `loss ${i + 1}`);
  const tops = Array.from({ length: epochs }, (_, i) => `top-1 ${i + 1}`);
  const rows = results.map((result) => [
    rowName(result),
    start === undefined ? "–" : percent(start.top1),
    ...heads.map((_, i) => result.loss[i]?.toFixed(3) ?? "–"),
    ...tops.map((_, i) => (result.valAccuracy[i] === undefined ? "–" : percent(result.valAccuracy[i]))),
    hash(result.weightsSha256),
  ]);
  return table(["proxy", "top-1 at the start", ...heads, ...tops, "SHA-256 of the weights"], rows);
}

/** Every run with what it takes to make it again. */
function runsTable(results) {
  return table(
    ["run", "epochs", "training images", "seed", "wall time", "images/s", "top-1", "SHA-256 of the weights", "command"],
    results.map((result) => [
      `\`${result.id}\``,
      result.epochs,
      result.epochs === 0 ? "–" : whole(result.trainImages),
      result.seed,
      minutes(result.wallSeconds),
      result.imagesPerSecond === null ? "–" : whole(result.imagesPerSecond),
      percent(result.top1),
      hash(result.weightsSha256),
      // Runs of earlier versions began with --resume too.
      `\`${`${result.command}`.replace(/ --resume$/, "")}\``,
    ]),
  );
}

/**
 * The text with what is between `<!-- table: NAME -->` and `<!-- /table: NAME -->` replaced.
 *
 * @throws Error if the markers are not there
 */
export function filled(text, name, content) {
  const [open, close] = [`<!-- table: ${name} -->`, `<!-- /table: ${name} -->`];
  const [from, to] = [text.indexOf(open), text.indexOf(close)];
  if (from < 0 || to < from) throw new Error(`no place for table ${name}; expected ${open} and ${close}`);
  return `${text.slice(0, from + open.length)}\n\n${content}\n\n${text.slice(to)}`;
}

/** Tables by name, of what is done; those without any run are left out. @param {readonly any[]} results */
export function tablesOf(results) {
  const of = (name) => results.filter(({ table: own }) => own === name);
  const makers = {
    1: accuracyTable,
    2: (rows) => blendingTable(rows),
    3: derivativesTable,
    instability: (rows) =>
      instabilityTable(
        rows,
        results.find(({ id }) => id === "table1/32w4a"),
      ),
    vgg: accuracyTable,
    authors: accuracyTable,
  };
  const tables = Object.entries(makers).flatMap(([name, make]) =>
    of(name).length === 0 ? [] : [[name, make(of(name))]],
  );
  return [...tables, ["runs", runsTable(results)]];
}

/** Small files of a packed network, kept beside the experiments. @returns {string} where */
export function keepPacked(folder, evidence, name) {
  const kept = path.join(evidence, "..", name);
  mkdirSync(kept, { recursive: true });
  for (const file of ["config.json", "metrics.jsonl", "model.cgm", "summary.json"]) {
    copyFileSync(path.join(folder, file), path.join(kept, file));
  }
  return kept;
}

/** Writes evidence and tables of what is done. */
export function writeTables({ out, evidence, document }) {
  const lines = readLines(path.join(out, "sweep-results.jsonl"));
  const results = lines.flatMap((line) => resultOf(line, out) ?? []);
  if (results.length === 0) throw new Error(`${out}: no finished run; expected at least one`);
  mkdirSync(evidence, { recursive: true });
  writeWhole(path.join(evidence, "results.jsonl"), results.map((result) => `${JSON.stringify(result)}\n`).join(""));
  let text = readFileSync(document, "utf8");
  const tables = tablesOf(results);
  for (const [name, content] of tables) text = filled(text, name, content);
  writeWhole(document, text);
  console.error(
    `${results.length} results in ${path.relative(root, evidence)}, tables ${tables.map(([name]) => name).join(", ")} in ${path.relative(root, document)}`,
  );
  const best = lines.find(({ name, status }) => name === "table1/1w4a" && status === "done");
  if (best !== undefined) {
    console.error(
      `packed network kept in ${path.relative(root, keepPacked(path.join(out, best.folder), evidence, "resnet20-cifar10-1w4a"))}`,
    );
  }
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  const text = { type: "string" };
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      evidence: { ...text, default: path.join(root, "experiments", "cifar10") },
      document: { ...text, default: path.join(root, "docs", "reproduction.md") },
    },
  });
  try {
    if (positionals.length !== 1) throw new Error("expected the folder of a sweep: tables.mjs STUDY");
    writeTables({ out: positionals[0], evidence: values.evidence, document: values.document });
  } catch (error) {
    console.error(`tables: ${error.message}`);
    process.exitCode = 1;
  }
}
