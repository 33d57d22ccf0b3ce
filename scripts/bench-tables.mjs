/**
 * @file Writes the tables of docs/performance.md from what the benchmarks printed with --json:
 *
 *     npm run -s bench -- --json > build/bench.jsonl
 *     npm run -s bench:peers -- --json > build/peers.jsonl
 *     node scripts/bench-tables.mjs build/bench.jsonl build/peers.jsonl
 *
 * Run it where they were measured: it notes date, CPU and Node. Tables without rows in the given files stay as they
 * are.
 */
import { readFileSync, writeFileSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { root } from "./run.mjs";

const page = path.join(root, "docs", "performance.md");

const number = (value, digits = 3) => (value === undefined ? "" : `${Number(value.toPrecision(digits))}`);
const ratio = (value) => (value === undefined ? "–" : value.toFixed(2));

function table(heads, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(heads), line(heads.map((_, i) => (i === 0 ? "---" : "---:"))), ...rows.map(line)].join("\n");
}

/** Rows that had less of the processor than this say more about other processes than about us. */
const LEAST_CPU_SHARE = 0.6;

/** Rows of `coarsegrad bench` that had the processor to themselves, more or less. */
function ownTable(rows, wanted) {
  const speed = (row) => {
    if (row.gflops !== undefined) return `${number(row.gflops)} GFLOP/s`;
    if (row.imagesPerSecond !== undefined) return `${number(row.imagesPerSecond)} images/s`;
    if (row.overhead !== undefined) return `${number(100 * row.overhead)} % of the step`;
    return `${number(row.gbytesPerSecond)} GB/s`;
  };
  const heads = ["work", "threads", "variant", "ms", "fastest ms", "speed", "calibration", "CPU"];
  const cells = rows
    .filter(
      (row) =>
        row.calibration !== undefined &&
        row.library === undefined &&
        row.cpuShare >= LEAST_CPU_SHARE &&
        wanted(row.work),
    )
    .map((row) => [
      `\`${row.work}\``,
      row.threads,
      row.variant,
      number(row.ms),
      number(row.msMin),
      speed(row),
      number(row.calibration),
      number(row.cpuShare, 2),
    ]);
  return cells.length === 0 ? null : table(heads, cells);
}

/** One line for each work, one column for each peer: our time, and each peer's over ours. */
function peerTable(rows, wanted) {
  const mine = rows.filter((row) => row.library !== undefined && row.ms !== undefined && wanted(row.work));
  const works = [...new Set(mine.map((row) => row.work))];
  const peers = [...new Set(mine.map((row) => row.library))].filter((name) => name !== "coarsegrad");
  if (works.length === 0) return null;
  const unit =
    mine[0].gflops !== undefined ? "our GFLOP/s" : mine[0].imagesPerSecond !== undefined ? "our images/s" : "";
  const cells = works.map((work) => {
    const of = (library) => mine.find((row) => row.work === work && row.library === library);
    const ours = of("coarsegrad");
    return [
      `\`${work}\``,
      number(ours.ms),
      ...(unit === "" ? [] : [number(ours.gflops ?? ours.imagesPerSecond)]),
      ...peers.map((peer) => {
        const row = of(peer);
        return row === undefined ? "–" : `${ratio(row.ratio)} (${ratio(row.ratioFast)})`;
      }),
    ];
  });
  return table(["work", "our ms", ...(unit === "" ? [] : [unit]), ...peers], cells);
}

function memoryTable(rows) {
  const mine = rows.filter((row) => row.megabytes !== undefined);
  if (mine.length === 0) return null;
  const cells = mine.map((row) => [row.library, number(row.megabytes), number(row.processMegabytes)]);
  return table(["library", "added by the steps, MB", "whole process, MB"], cells);
}

const TABLES = {
  gemm: (rows) =>
    peerTable(
      rows.filter((row) => row.section === "gemm"),
      () => true,
    ),
  conv: (rows) => peerTable(rows, (work) => work.startsWith("conv")),
  "training-js": (rows) =>
    peerTable(
      rows.filter((row) => row.section === "mlp"),
      (work) => work.startsWith("train"),
    ),
  "training-torch": (rows) =>
    peerTable(
      rows.filter((row) => row.section === "torch"),
      (work) => work.startsWith("train"),
    ),
  threads: (rows) =>
    peerTable(
      rows.filter((row) => row.section === "threads"),
      () => true,
    ),
  infer: (rows) => peerTable(rows, (work) => work.startsWith("infer")),
  start: (rows) => peerTable(rows, (work) => work.startsWith("process")),
  memory: memoryTable,
  own: (rows) => ownTable(rows, () => true),
};

const rows = process.argv.slice(2).flatMap((file) =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => JSON.parse(line)),
);
let text = readFileSync(page, "utf8");
const cpus = os.cpus();
const measured = `Measured ${new Date().toISOString().slice(0, 10)}: ${cpus[0].model.trim()}, ${cpus.length} cores, Node ${process.versions.node}.`;
for (const [name, make] of Object.entries(TABLES)) {
  const rendered = make(rows);
  if (rendered === null) continue;
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`docs/performance.md: no ${begin} … ${end}`);
  text = `${text.slice(0, from)}${begin}\n\n${measured}\n\n${rendered}\n\n${text.slice(to)}`;
  console.log(`docs/performance.md: ${name}`);
}
writeFileSync(page, text);
