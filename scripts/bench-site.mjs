/**
 * @file `npm run bench:site [-- ROUNDS]`: the same run in Node and on the playground's training page in headless
 * Chromium, in turns, each in a process of its own; images/s, gaps between frames and long tasks as a table.
 */
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import { preview } from "vite";
import { trainInPage } from "../bench/site/page.mjs";
import { buildPlayground } from "../site/playground/build.mjs";
import { loadSource } from "./load-source.mjs";
import { buildIsStale, root, runScript } from "./run.mjs";

const execute = promisify(execFile);
const OUT = path.join(root, "build", "bench-site");
/**
 * What is trained: 1W4A unless it says otherwise; the page takes the same settings by its link. Seconds each: engines
 * take about one to compile what is hot.
 */
const RUNS = {
  "LeNet-5, batch 64": { model: "lenet5", limit: 1920, epochs: 8, batch: 64 },
  "MLP, batch 64": { model: "mlp", limit: 3200, epochs: 24, batch: 64 },
};

const rounds = Number(process.argv[2] ?? 5);
if (process.argv.length > 3 || !Number.isInteger(rounds) || rounds < 1) {
  console.error(`bench:site: expected a number of rounds, got ${process.argv.slice(2).join(" ")}`);
  process.exit(2);
}

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1] + sorted[sorted.length >> 1]) / 2;
};

async function inNode(settings) {
  const script = path.join(root, "bench", "site", "node.mjs");
  const { stdout } = await execute(process.execPath, [script, JSON.stringify({ ...settings, bits: "1W4A" })]);
  return JSON.parse(stdout);
}

async function inChromium(executablePath, address, settings) {
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu"] });
  try {
    return await trainInPage(browser, `${address}train.html#${new URLSearchParams(settings)}`);
  } finally {
    await browser.close();
  }
}

/** Images/s of a run once the engine is warm: of the second half of its epochs. */
const rateOf = ({ rates }) => median(rates.slice(rates.length / 2));

function row(name, turns) {
  const rate = (where) => Math.round(median(turns.map((turn) => rateOf(turn[where]))));
  const ratio = median(turns.map(({ node, page }) => rateOf(page) / rateOf(node)));
  const gaps = turns.flatMap(({ page }) => page.gaps).sort((a, b) => a - b);
  const tasks = turns.flatMap(({ page }) => page.longTasks);
  const share = (q) => gaps[Math.floor(q * (gaps.length - 1))].toFixed(1);
  const cells = [
    ...[name, rate("node"), rate("page"), ratio.toFixed(2), gaps.length],
    ...[share(0.5), share(0.99), share(1), tasks.length === 0 ? "none" : `${tasks.length}, ≤ ${Math.max(...tasks)} ms`],
  ];
  console.log(`| ${cells.join(" | ")} |`);
}

if (buildIsStale() && (await runScript("build.mjs")) !== 0) process.exit(1);
const { findChromium } = await loadSource("test/chromium.ts");
const executablePath = findChromium();
if (executablePath === undefined) throw new Error("bench:site: there is no Chromium; COARSEGRAD_CHROMIUM names one");
await buildPlayground(OUT);
const server = await preview({ configFile: false, root, logLevel: "silent", build: { outDir: OUT } });
const [address] = server.resolvedUrls.local;
console.log(
  "| run | Node, images/s | page, images/s | page / Node | frames | median gap, ms | 99 % | longest | long tasks |",
);
console.log("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
for (const [name, settings] of Object.entries(RUNS)) {
  const turns = [];
  for (let round = 0; round < rounds; round++) {
    const turn = {};
    // Who comes first changes.
    for (const where of round % 2 === 0 ? ["node", "page"] : ["page", "node"]) {
      turn[where] = where === "node" ? await inNode(settings) : await inChromium(executablePath, address, settings);
    }
    if (turn.node.weightsSha256 !== turn.page.weightsSha256) throw new Error(`${name}: the weights differ`);
    turns.push(turn);
  }
  row(name, turns);
}
await server.close();
