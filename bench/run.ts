/** @file `npm run bench -- [family …] [--json] [--time MS]`: rows as a table, or one JSON object a line. */
import { parseArgs } from "node:util";
import { benchConv } from "./conv.js";
import { benchElementwise } from "./elementwise.js";
import { benchGemm } from "./gemm.js";
import type { BenchOptions, Row } from "./harness.js";
import { benchInfer } from "./infer.js";
import { benchTrain } from "./train.js";

const FAMILIES: Readonly<Record<string, (options: BenchOptions) => void>> = {
  gemm: benchGemm,
  conv: benchConv,
  elementwise: benchElementwise,
  train: benchTrain,
  infer: benchInfer,
};

const USAGE = `Usage: npm run bench -- [${Object.keys(FAMILIES).join(" ")}] [--json] [--time MS]

Medians on one thread. "calibration" is the speed of a fixed 128x128x128 product around the row: rows from different
moments compare by their ratio to it.

  --json      one JSON object a line
  --time MS   sampling time of each row (default: 1000)
  --help      show this help`;

const cell = (value: number | undefined, width: number): string =>
  (value === undefined ? "" : `${value}`).padStart(width);

function print({ work, ms, gflops, gbytesPerSecond, imagesPerSecond, calibration }: Row): void {
  const cells = [
    cell(ms, 10),
    cell(gflops, 10),
    cell(gbytesPerSecond, 8),
    cell(imagesPerSecond, 11),
    cell(calibration, 12),
  ];
  console.log(work.padEnd(36) + cells.join(""));
}

function main(): number {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      time: { type: "string", default: "1000" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const time = Number(values.time);
  const unknown = positionals.filter((name) => !(name in FAMILIES));
  if (unknown.length > 0 || !(time > 0)) {
    const what =
      unknown.length > 0
        ? `unknown family ${unknown.join(", ")}; expected ${Object.keys(FAMILIES).join(", ")}`
        : `--time: expected milliseconds > 0, got ${values.time}`;
    console.error(`bench: ${what}`);
    return 2;
  }
  if (!values.json) {
    console.log(`${"work".padEnd(36)}        ms   GFLOP/s    GB/s   images/s calibration`);
  }
  const onRow = values.json ? (row: Row): void => console.log(JSON.stringify(row)) : print;
  for (const name of positionals.length > 0 ? positionals : Object.keys(FAMILIES)) FAMILIES[name]({ time, onRow });
  return 0;
}

try {
  process.exitCode = main();
} catch (error) {
  console.error(`bench: ${(error as Error).message}`);
  process.exitCode = 1;
}
