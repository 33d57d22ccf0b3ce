/**
 * @file `coarsegrad quickstart` (`npm start`): float, post-training and BCGD side by side, packed and verified; then
 * narrower activations over several seeds, where what training is worth is decided.
 */
import { availableParallelism } from "node:os";
import path from "node:path";
import type { Command } from "commander";
import { choice, text, whole } from "../../run/kinds.js";
import { command, onRun } from "../options/command.js";
import { dataDirOption, option } from "../options/option.js";
import {
  answerOf,
  answerText,
  NARROW,
  type Outcome,
  type Pair,
  type TrainResult,
  type VerifyResult,
} from "../quickstart/answer.js";
import { runChild } from "../ui/child.js";
import { interruptible } from "../ui/interrupt.js";
import { type ProgressBoard, progressBoard } from "../ui/progress.js";
import type { CommonOptions } from "../ui/terminal.js";
import { writeReport } from "./report.js";

/** Sizes that fit the time that a first visit takes; found by experiment. */
const PLANS = {
  digits: { title: "generated digits", limit: 4000, epochs: 3 },
  mnist: { title: "MNIST", limit: 20000, epochs: 3 },
  "fashion-mnist": { title: "Fashion-MNIST", limit: 20000, epochs: 4 },
} as const;

type PlanName = keyof typeof PLANS;

/** Runs of each method at {@link NARROW}, which differ in their seeds. */
const SEEDS = 3;

interface QuickstartOptions extends CommonOptions {
  data: PlanName;
  dataDir?: string;
  limit?: number;
  epochs?: number;
  out: string;
  seed: number;
}

/** The command. */
export function quickstartCommand(): Command {
  const names = Object.keys(PLANS) as PlanName[];
  const made = command({
    name: "quickstart",
    summary: "train, quantize, pack and verify a small network: about a minute, no download",
    description:
      "Trains LeNet-5 in float on generated digits, quantizes it to 1-bit weights and 4-bit activations without training and with blended coarse gradient descent (BCGD), packs the results, runs them through the integer runtime, verifies every code, and writes a report. Then both methods again with 2-bit activations, on half the images, with three seeds each: what training is worth there is far beyond chance. The same seed gives the same SHA-256 on every machine.",
    examples: ["coarsegrad quickstart", "coarsegrad quickstart --data mnist", "npm start -- --data mnist"],
  });
  option(made, "--data <name>", `data set: ${names.join(", ")}`, choice(names), "digits");
  dataDirOption(made);
  option(made, "--limit <n>", "train on the first n images only", whole({ min: 2 }));
  option(made, "--epochs <n>", "passes over the training images, of each run", whole({ min: 1 }));
  option(made, "--out <dir>", "folder of the runs and the report", text, path.join("runs", "quickstart"));
  return onRun<QuickstartOptions>(made, async (options, _, terminal) => {
    const started = performance.now();
    const plan = PLANS[options.data];
    terminal.note(`LeNet-5 on ${plan.title}: float first, then 1-bit weights and 4-bit activations\n`);
    const board = progressBoard(terminal);
    const outcome = await interruptible(terminal, "stopping", (signal) => runAll(options, board, signal)).finally(() =>
      board.stop(),
    );
    const report = path.join(options.out, "report.html");
    const { float, ptq, bcgd, narrow } = outcome;
    const pairs = narrow.flatMap((pair) => [pair.bcgd, pair.ptq]);
    const folders = [bcgd, float, ptq, ...pairs].map(({ run }) => run);
    await writeReport(folders, report, {
      warn: (text) => terminal.warn(text),
      dataDir: options.dataDir,
      title: `LeNet-5 with 1-bit weights on ${plan.title}`,
    });
    const seconds = (performance.now() - started) / 1000;
    terminal.result(answerOf(outcome, report, seconds), () => answerText(outcome, report, seconds));
  });
}

/** All runs; those that start from the float weights share the machine's cores, two at a time. */
async function runAll(options: QuickstartOptions, board: ProgressBoard, signal: AbortSignal): Promise<Outcome> {
  const { limit = PLANS[options.data].limit, epochs = PLANS[options.data].epochs } = options;
  const places = options.dataDir === undefined ? [] : ["--data-dir", options.dataDir];
  const folder = (name: string): string => path.join(options.out, name);
  const train = (name: string, images: number, seed: number, ...args: string[]): Promise<TrainResult> => {
    // One shard: nothing to divide, and the sums that the published SHA-256 is of.
    const common = ["--model", "lenet5", "--data", options.data, ...places, "--limit", `${images}`, "--shards", "1"];
    const rest = ["--seed", `${seed}`, "--out", folder(name), "--force"];
    return runChild<TrainResult>(["train", ...common, ...args, ...rest], board, signal);
  };
  const half = `${Math.max(1, availableParallelism() >> 1)}`;
  const shared = ["--init", folder("float"), "--threads", half];
  const quantized = (method: "ptq" | "bcgd", bits: string, passes: number): string[] => [
    ...["--bits", bits, "--method", method, ...shared],
    ...(method === "bcgd" ? ["--epochs", `${passes}`] : []),
  ];

  const float = await train("float", limit, options.seed, "--epochs", `${epochs}`);
  const main = async (): Promise<Pick<Outcome, "bcgd" | "verified">> => {
    const bcgd = await train("bcgd", limit, options.seed, ...quantized("bcgd", "1W4A", epochs));
    const verified = await runChild<VerifyResult>(["verify", folder("bcgd"), ...places], board, signal);
    return { bcgd, verified };
  };
  const narrow = (method: "ptq" | "bcgd", seed: number): Promise<TrainResult> => {
    const args = quantized(method, NARROW, Math.max(1, epochs - 1));
    return train(`${NARROW.toLowerCase()}-${method}-${seed}`, Math.ceil(limit / 2), seed, ...args);
  };
  const pair = async (seed: number): Promise<Pair> => ({
    bcgd: await narrow("bcgd", seed),
    ptq: await narrow("ptq", seed),
  });
  const [first, second] = await Promise.all([
    main().then(async (own) => ({ ...own, last: await pair(options.seed + SEEDS - 1) })),
    train("ptq", limit, options.seed, ...quantized("ptq", "1W4A", epochs)).then(async (ptq) => {
      const pairs: Pair[] = [];
      for (let i = 0; i < SEEDS - 1; i++) pairs.push(await pair(options.seed + i));
      return { ptq, pairs };
    }),
  ]);
  const { bcgd, verified, last } = first;
  return { float, ptq: second.ptq, bcgd, verified, narrow: [...second.pairs, last] };
}
