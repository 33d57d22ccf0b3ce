/**
 * @file `coarsegrad quickstart` (`npm start`): float, post-training, ρ = 0 and BCGD side by side, then packed and
 * verified.
 */
import { availableParallelism } from "node:os";
import path from "node:path";
import type { Command } from "commander";
import { table } from "../../core/table.js";
import type { Verification } from "../../export/index.js";
import { choice, text, whole } from "../../run/kinds.js";
import type { RunSummary } from "../../run/summary.js";
import { command, onRun } from "../options/command.js";
import { dataDirOption, option } from "../options/option.js";
import { runChild } from "../ui/child.js";
import { interruptible } from "../ui/interrupt.js";
import { bytes, count, duration, percent } from "../ui/numbers.js";
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

interface QuickstartOptions extends CommonOptions {
  data: PlanName;
  dataDir?: string;
  limit?: number;
  epochs?: number;
  out: string;
  seed: number;
}

type TrainResult = RunSummary & { run: string };
type VerifyResult = Omit<Verification, "layers"> & { codes: { equal: number; total: number } };

interface Outcome {
  readonly float: TrainResult;
  readonly ptq: TrainResult;
  readonly bc: TrainResult;
  readonly bcgd: TrainResult;
  readonly verified: VerifyResult;
}

/** The command. */
export function quickstartCommand(): Command {
  const names = Object.keys(PLANS) as PlanName[];
  const made = command({
    name: "quickstart",
    summary: "train, quantize, pack and verify a small network: about a minute, no download",
    description:
      "Trains LeNet-5 in float on generated digits, quantizes it to 1-bit weights and 4-bit activations without training, with BinaryConnect (ρ = 0) and with blended coarse gradient descent, packs the results, runs them through the integer runtime, verifies every code, and writes a report. The same seed gives the same SHA-256 on every machine.",
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
    const folders = ["float", "ptq", "bc", "bcgd"].map((name) => path.join(options.out, name));
    await writeReport(folders, report, (text) => terminal.warn(text), `LeNet-5 with 1-bit weights on ${plan.title}`);
    const seconds = (performance.now() - started) / 1000;
    terminal.result(answerOf(outcome, report, seconds), () => answerText(outcome, report, seconds));
  });
}

/** The four runs; the two that train on the float weights share the machine's cores. */
async function runAll(options: QuickstartOptions, board: ProgressBoard, signal: AbortSignal): Promise<Outcome> {
  const { limit = PLANS[options.data].limit, epochs = PLANS[options.data].epochs } = options;
  const places = options.dataDir === undefined ? [] : ["--data-dir", options.dataDir];
  const folder = (name: string): string => path.join(options.out, name);
  const train = (name: string, ...args: string[]): Promise<TrainResult> => {
    const common = ["--model", "lenet5", "--data", options.data, ...places, "--limit", `${limit}`];
    const rest = ["--seed", `${options.seed}`, "--out", folder(name), "--force"];
    return runChild<TrainResult>(["train", ...common, ...args, ...rest], board, signal);
  };
  const half = `${Math.max(1, availableParallelism() >> 1)}`;
  const quantized = (method: string, ...args: string[]): Promise<TrainResult> =>
    train(method, "--bits", "1W4A", "--method", method, "--init", folder("float"), "--threads", half, ...args);

  const float = await train("float", "--epochs", `${epochs}`);
  const [first, second] = await Promise.all([
    quantized("bcgd", "--epochs", `${epochs}`).then(async (bcgd) => {
      const verified = await runChild<VerifyResult>(["verify", folder("bcgd"), ...places], board, signal);
      return { bcgd, verified };
    }),
    quantized("ptq").then(async (ptq) => ({ ptq, bc: await quantized("bc", "--epochs", `${epochs}`) })),
  ]);
  return { float, ...first, ...second };
}

function answerOf({ float, ptq, bc, bcgd, verified }: Outcome, report: string, seconds: number): unknown {
  const row = ({ run, bits, method, top1, packed, millisecondsPerImage, weightsSha256 }: TrainResult) => ({
    run,
    bits,
    method,
    top1: method === "float" ? top1 : packed.top1,
    bytes: method === "float" ? packed.floatBytes : packed.bytes,
    millisecondsPerImage: method === "float" ? millisecondsPerImage : packed.millisecondsPerImage,
    weightsSha256,
  });
  return {
    runs: [float, ptq, bc, bcgd].map(row),
    codesIdentical: verified.codes.equal === verified.codes.total,
    codes: verified.codes,
    testImages: bcgd.testImages,
    weightsSha256: bcgd.weightsSha256,
    report: path.resolve(report),
    seconds,
  };
}

function answerText({ float, ptq, bc, bcgd, verified }: Outcome, report: string, seconds: number): string {
  const packedRow = (name: string, { packed }: TrainResult): string[] => [
    name,
    percent(packed.top1),
    count(packed.bytes),
    packed.millisecondsPerImage.toFixed(2),
  ];
  const { equal, total } = verified.codes;
  const { packed } = bcgd;
  return [
    "",
    table(
      [
        { head: `LeNet-5, ${count(bcgd.testImages)} test images` },
        { head: "accuracy", right: true },
        { head: "bytes", right: true },
        { head: "ms per image", right: true },
      ],
      [
        ["float", percent(float.top1), count(packed.floatBytes), float.millisecondsPerImage.toFixed(2)],
        packedRow("1W4A, post-training", ptq),
        packedRow("1W4A, ρ = 0 (BinaryConnect)", bc),
        packedRow("1W4A, BCGD, ρ = 1e-5", bcgd),
      ],
    ),
    "",
    `packed file       ${bytes(packed.bytes)}, ${(packed.floatBytes / packed.bytes).toFixed(1)} times smaller than float; run by the integer runtime`,
    `codes identical   ${equal === total ? "yes" : "NO"} (${count(equal)} of ${count(total)} agree with the training graph)`,
    `SHA-256           ${bcgd.weightsSha256} (BCGD weights; the same on every machine)`,
    `report            ${report}`,
    `time              ${duration(seconds)}`,
  ].join("\n");
}
