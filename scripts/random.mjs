/**
 * @file `npm run test:random -- --rounds N --seed S --only TEXT`: the property tests again and again, each round with
 * other cases. Stops at the first round that fails, and says how to repeat it.
 */
import { randomInt } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { root, runTool } from "./run.mjs";

const HELP = `npm run test:random -- [options]

  --rounds N     how often (default 10)
  --seed S       of the first round; each further round takes the next number (default: drawn, and printed)
  --only TEXT    tests of files whose path holds TEXT alone
  --help         show this help

Repeats one round: COARSEGRAD_SEED=S npx vitest run FILE`;

/** Seeds end here: fast-check takes 32-bit integers. */
const SEEDS = 2 ** 31;

/** A command line that cannot be understood. */
export class OptionError extends Error {}

function whole(name, text, min, max) {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= min && value <= max) return value;
  throw new OptionError(`--${name}: bad number; expected a whole number from ${min} to ${max}, got ${text}`);
}

/**
 * Reads the options.
 *
 * @param {readonly string[]} args
 * @returns {{ help: boolean, rounds: number, seed: number, only: string }}
 * @throws OptionError for unknown options, arguments and bad numbers
 */
export function optionsOf(args) {
  let values;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        rounds: { type: "string", default: "10" },
        seed: { type: "string" },
        only: { type: "string", default: "" },
        help: { type: "boolean", default: false },
      },
    }));
  } catch (error) {
    throw new OptionError(error.message);
  }
  return {
    help: values.help,
    rounds: whole("rounds", values.rounds, 1, 1e6),
    seed: values.seed === undefined ? randomInt(SEEDS) : whole("seed", values.seed, 0, SEEDS - 1),
    only: values.only,
  };
}

/** The seed of a round, counted from 0. */
export const seedOf = (seed, round) => (seed + round) % SEEDS;

/** Test files with properties whose path holds a text, in order. */
export function propertyFiles(only) {
  return readdirSync(path.join(root, "test"), { recursive: true, encoding: "utf8" })
    .map((name) => path.posix.join("test", name.replaceAll("\\", "/")))
    .filter((name) => name.endsWith(".test.ts") && name.includes(only))
    .filter((name) => /from "fast-check"/.test(readFileSync(path.join(root, name), "utf8")))
    .sort();
}

/**
 * What failed in a report of vitest: the first test's file and name, or the first file that failed as a whole; null if
 * nothing did.
 */
export function firstFailure(report) {
  for (const { name, status, message, assertionResults } of report.testResults) {
    if (status !== "failed") continue;
    const file = path.relative(root, name).replaceAll("\\", "/");
    const test = assertionResults.find((result) => result.status === "failed");
    return { file, test: test?.fullName ?? "", message: test?.failureMessages?.[0] ?? message ?? "" };
  }
  return null;
}

/** How to repeat a failure. */
export const repeatLine = (seed, file) => `COARSEGRAD_SEED=${seed} npx vitest run ${file}`;

async function main(args) {
  const options = optionsOf(args);
  if (options.help) {
    console.log(HELP);
    return 0;
  }
  const files = propertyFiles(options.only);
  if (files.length === 0) throw new OptionError(`--only: no file with properties has such a path; got ${options.only}`);
  const results = path.join(root, "build", "random-results.json");
  mkdirSync(path.dirname(results), { recursive: true });
  console.log(`${files.length} files, ${options.rounds} rounds from seed ${options.seed} on`);
  for (let round = 0; round < options.rounds; round++) {
    const seed = seedOf(options.seed, round);
    const started = performance.now();
    rmSync(results, { force: true });
    const env = { ...process.env, COARSEGRAD_SEED: String(seed) };
    const reporters = ["--reporter=json", `--outputFile.json=${results}`];
    const code = await runTool("vitest", ["run", ...files, ...reporters], { env });
    let report = null;
    try {
      report = JSON.parse(readFileSync(results, "utf8"));
    } catch {
      // Ended before it could say what it did.
    }
    const seconds = ((performance.now() - started) / 1000).toFixed(0);
    const failure = report === null ? null : firstFailure(report);
    if (code === 0 && report !== null && failure === null) {
      console.log(`round ${round + 1}: seed ${seed}: ${report.numPassedTests} passed (${seconds} s)`);
      continue;
    }
    console.log(`round ${round + 1}: seed ${seed}: FAILED (${seconds} s)`);
    if (failure !== null) console.log(`${failure.file}: ${failure.test}\n${failure.message}`);
    console.log(`repeat it with: ${repeatLine(seed, failure?.file ?? files.join(" "))}`);
    return 1;
  }
  return 0;
}

if (process.argv[1] !== undefined && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    process.exitCode = await main(process.argv.slice(2));
  } catch (error) {
    if (!(error instanceof OptionError)) throw error;
    console.error(`random: ${error.message}\n\n${HELP}`);
    process.exitCode = 2;
  }
}
