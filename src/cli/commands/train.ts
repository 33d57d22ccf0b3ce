/** @file `coarsegrad train`: a run from its options to its folder. */
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { fields } from "../../core/table.js";
import { openRun, type PlannedRun, planRun } from "../../node/run/plan.js";
import { trainRun } from "../../node/run/train.js";
import { followRun } from "../../node/world/follow.js";
import { mpiWorld } from "../../node/world/mpi.js";
import type { RunConfig } from "../../run/config.js";
import { normalizeText } from "../../run/normalization.js";
import { PRESETS_HELP, withPreset } from "../../run/presets.js";
import { ranksFor, withShards } from "../../run/shards.js";
import type { RunSummary } from "../../run/summary.js";
import type { FitProgress } from "../../train/fit.js";
import type { World } from "../../world/world.js";
import { command, onRun } from "../options/command.js";
import { startThreads, threadsOption } from "../options/threads.js";
import { chosenSettings, type TrainOptions, trainOptions } from "../options/train.js";
import { InterruptedError } from "../ui/failure.js";
import { interruptible, signalOf } from "../ui/interrupt.js";
import { bytes, count, duration, percent, shellWord, short } from "../ui/numbers.js";
import { type Progress, startProgress } from "../ui/progress.js";
import type { Terminal } from "../ui/terminal.js";

/** The command. */
export function trainCommand(): Command {
  const made = command({
    name: "train",
    summary: "train a network, in float or fully quantized, into a run folder",
    description:
      "Trains a network and writes a run folder: config.json, metrics.jsonl (one line per epoch), checkpoint.safetensors (all that a bit-exact resume needs), model.cgm (packed) and summary.json. Ctrl-C stops between two steps; --resume goes on from the last complete epoch and ends with the same bits as an uninterrupted run. Equal options and seeds give equal weights.",
    examples: [
      "coarsegrad train --model lenet5 --data mnist --out runs/float",
      "coarsegrad train --model lenet5 --data mnist --bits 1W4A --init runs/float --out runs/bcgd",
      "coarsegrad train --data mnist --bits 2W4A --method bc --init runs/float --alpha-rule pact",
      "coarsegrad train --data mnist --bits 4W4A --method ptq --init runs/float",
      "coarsegrad train --model resnet20 --data cifar10 --bits 1W4A --init resnet20.safetensors --preset paper",
      "coarsegrad train --resume --out runs/bcgd",
    ],
    notes: PRESETS_HELP,
  });
  return onRun<TrainOptions>(threadsOption(trainOptions(made)), async (options, _, terminal) => {
    const world = options.distributed === undefined ? undefined : await mpiWorld({ limitSeconds: options.rankLimit });
    if (world !== undefined && world.rank > 0) {
      const { dataDir, workers, maxPixels } = options;
      return interruptible(terminal, "stopping", (signal) => followRun(world, { dataDir, workers, maxPixels }, signal));
    }
    const warn = (text: string): void => terminal.warn(text);
    const { planned, outcome } = await leading(world, async () => {
      const chosen = withPreset(options.preset, chosenSettings(made));
      // A run that goes on keeps what it has.
      const settings = options.resume ? chosen : withShards(chosen);
      const plan = await planRun(settings, options, commandLine(), warn);
      const work = (signal: AbortSignal) => trainHere(plan, options, terminal, signal, world);
      return { planned: plan, outcome: await interruptible(terminal, "stopping after this step", work) };
    });
    const { folder, config } = planned;
    const { epochs, summary, untouched, signal } = outcome;
    if (summary === null) {
      throw new InterruptedError(
        {
          op: "train",
          what: `stopped after ${epochs} of ${config.epochs} epochs`,
          hint: untouched
            ? "the run that was to be replaced is untouched"
            : `go on with: coarsegrad train --resume --out ${shellWord(folder)}`,
        },
        signalOf(signal),
      );
    }
    terminal.result({ run: folder, ...summary }, () => summaryText(folder, summary));
  });
}

/** Work of rank 0: when it fails, nobody waits for it. */
async function leading<T>(world: World | undefined, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    world?.abort(error);
    throw error;
  }
}

/** The run in its folder, from the lock to the summary, with its progress. */
async function trainHere(
  planned: PlannedRun,
  options: TrainOptions,
  terminal: Terminal,
  signal: AbortSignal,
  world: World | undefined,
) {
  const { dataDir, workers, maxPixels, rankLimit: limitSeconds, checkpointEvery } = options;
  const warn = (text: string): void => terminal.warn(text);
  const opened = await openRun(planned, warn);
  const progress = new TrainProgress(terminal, opened.config);
  try {
    const { shards = 1, relaxed } = opened.config;
    const ranks = world === undefined ? ranksFor(options.ranks, shards, availableParallelism()) : 1;
    // Ranks have a thread each: what the kernels of one would split among threads, other ranks compute.
    const size = world?.size ?? ranks;
    await startThreads({ threads: size > 1 ? 1 : options.threads, relaxed });
    if (size > 1) terminal.note(`${size} ranks compute ${shards} shards of each batch`);
    const { normalize } = opened.config;
    if (normalize) terminal.note(`images are normalized by ${normalizeText(normalize)}`);
    const version = COARSEGRAD_VERSION;
    const outcome = await trainRun({
      ...opened,
      version,
      warn,
      signal,
      dataDir,
      workers,
      maxPixels,
      ranks,
      world,
      limitSeconds,
      checkpointEvery,
      onProgress: (at) => progress.train(at),
      onTest: (at) => progress.test(at),
    });
    return { ...outcome, untouched: opened.run.replacing, signal };
  } finally {
    progress.stop();
    await opened.run.close();
  }
}

/** A bar of the training, then one of the test. */
class TrainProgress {
  readonly #terminal: Terminal;
  readonly #label: string;
  #training: Progress | null = null;
  #testing: Progress | null = null;

  constructor(terminal: Terminal, { bits, quant }: RunConfig) {
    this.#terminal = terminal;
    this.#label = quant === null ? bits : `${bits} ${quant.method}`;
  }

  train({ epoch, epochs, step, steps, loss, accuracy, imagesPerSecond }: FitProgress): void {
    const done = (epoch - 1) * steps + step;
    this.#training ??= startProgress(this.#terminal, `train ${this.#label}`, epochs * steps, done - 1);
    const figures = `loss ${short(loss)}  accuracy ${percent(100 * accuracy, 1)}  ${Math.round(imagesPerSecond)} images/s`;
    this.#training.update(done, `epoch ${epoch}/${epochs}  ${figures}`);
  }

  test({ images, total }: { images: number; total: number }): void {
    this.#training?.stop();
    this.#testing ??= startProgress(this.#terminal, `test ${this.#label}`, total);
    this.#testing.update(images);
  }

  stop(): void {
    this.#training?.stop();
    this.#testing?.stop();
  }
}

/** The command line as a user would type it again; how it reports is left out. */
function commandLine(): string {
  const silent = new Set(["--json", "--quiet", "--debug"]);
  const words = process.argv
    .slice(2)
    .filter((word) => !silent.has(word))
    .map(shellWord);
  return ["npx coarsegrad", ...words].join(" ");
}

function summaryText(folder: string, summary: RunSummary): string {
  const { packed } = summary;
  const method = summary.method === "float" ? [] : [summary.method];
  return fields([
    ["run", folder],
    ["network", [`${summary.model} ${summary.bits}`, ...method, `seed ${summary.seed}`].join(", ")],
    [
      "accuracy",
      `${percent(summary.top1)} top-1, ${percent(summary.top5)} top-5 on ${count(summary.testImages)} images`,
    ],
    [
      "packed",
      `${bytes(packed.bytes)}, ${percent(packed.top1)} top-1, ${packed.millisecondsPerImage.toFixed(2)} ms per image (training graph: ${summary.millisecondsPerImage.toFixed(2)} ms)`,
    ],
    [
      "training",
      `${summary.epochs} epochs in ${duration(summary.wallSeconds)}${summary.imagesPerSecond === null ? "" : `, ${count(summary.imagesPerSecond)} images/s`}`,
    ],
    ["SHA-256 of weights", summary.weightsSha256],
  ]);
}
