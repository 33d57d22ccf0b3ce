/** @file `coarsegrad train`: a run from its options to its folder. */
import { availableParallelism } from "node:os";
import path from "node:path";
import type { Command } from "commander";
import { fields } from "../../core/table.js";
import { openRun, type PlannedRun, planRun, type RunPlace } from "../../node/run/plan.js";
import { trainRun } from "../../node/run/train.js";
import { followRun } from "../../node/world/follow.js";
import { mpiWorld } from "../../node/world/mpi.js";
import type { RunConfig, Settings } from "../../run/config.js";
import { FIELDS } from "../../run/fields.js";
import { normalizeText } from "../../run/normalization.js";
import { PRESETS_HELP, withPreset } from "../../run/presets.js";
import { ranksFor, withShards } from "../../run/shards.js";
import type { RunSummary } from "../../run/summary.js";
import { UsageError } from "../../run/usage-error.js";
import type { FitProgress } from "../../train/fit.js";
import type { EpochMetrics } from "../../train/metrics.js";
import type { World } from "../../world/world.js";
import { command, onRun } from "../options/command.js";
import { startThreads, threadsOption } from "../options/threads.js";
import { chosenSettings, type TrainOptions, trainOptions } from "../options/train.js";
import { InterruptedError } from "../ui/failure.js";
import { interruptible, signalOf } from "../ui/interrupt.js";
import { bytes, count, duration, percent, shellWord, short } from "../ui/numbers.js";
import { type Progress, startProgress } from "../ui/progress.js";
import type { Terminal } from "../ui/terminal.js";
import { checkStage, type TrainedRun, trainStages } from "./train-stages.js";

/** The command. */
export function trainCommand(): Command {
  const made = command({
    name: "train",
    summary: "train a network, in float or fully quantized, into a run folder",
    description:
      "Trains a network and writes a run folder: config.json, metrics.jsonl (one line per epoch), checkpoint.safetensors (all that a bit-exact resume needs), model.cgm (packed) and summary.json. Ctrl-C stops between two steps; --resume goes on from the last complete epoch and ends with the same bits as an uninterrupted run. Equal options and seeds give equal weights.",
    examples: [
      "coarsegrad train --model lenet5 --data mnist --out runs/float",
      "coarsegrad train --data mnist --bits 1W4A --init runs/float --out runs/bcgd",
      "coarsegrad train --data mnist --bits 2W4A --method bc --init runs/float --alpha-rule pact",
      "coarsegrad train --data mnist --bits 4W4A --method ptq --init runs/float",
      "coarsegrad train --model resnet20 --data cifar10 --bits 1W4A --init resnet20.safetensors --preset paper",
      "coarsegrad train --data mnist --init runs/float --stages 32W4A:2,4W4A:2,2W4A:2,1W4A:10 --out runs/stages",
      "coarsegrad train --resume runs/bcgd",
    ],
    notes: PRESETS_HELP,
    brief: {
      "--model": "network, such as lenet5 or resnet20 (default: lenet5)",
      "--data": "data set, such as mnist, or imagefolder:DIR (default: digits)",
      "--bits": "float, or nWmA such as 1W4A (default: float)",
      "--preset": "the settings of the paper, or of the authors' code",
      "--method": "bcgd, bc, relax, ptq or comq (default: bcgd)",
      "--init": "start from the weights of a run or of a file",
      "--epochs": "passes over the images (default: 10); with --resume more",
      "--batch": "images in a step (default: 64)",
      "--lr": "largest learning rate",
      "--validate": "hold n training images out, and watch them",
      "--seed": "seed of everything random (default: 1)",
      "--out": "run folder",
      "--resume": "go on with a run, from its last checkpoint",
      "--force": "replace the run that is in the folder",
      "--json": "print one JSON document on stdout, nothing else",
    },
  });
  return onRun<TrainOptions>(threadsOption(trainOptions(made)), async (options, _, terminal) => {
    const world = options.distributed === undefined ? undefined : await mpiWorld({ limitSeconds: options.rankLimit });
    if (world !== undefined && world.rank > 0) {
      const { dataDir, workers, maxPixels } = options;
      return interruptible(terminal, "stopping", (signal) => followRun(world, { dataDir, workers, maxPixels }, signal));
    }
    const one = (settings: Settings, place: RunPlace) =>
      leading(world, () => trainOne(settings, place, options, terminal, world));
    const { stages } = options;
    if (stages === undefined) {
      const { folder, summary } = await one(chosenSettings(made), placeOf(options));
      terminal.result({ run: folder, ...summary }, () => summaryText(folder, summary));
      return;
    }
    const runs = await trainStages(stages, chosenSettings(made), placeOf(options), one, options.distributed);
    const { folder, summary } = runs[runs.length - 1];
    const each = runs.map((run) => ({ run: run.folder, bits: run.summary.bits, top1: run.summary.top1 }));
    terminal.result({ run: folder, ...summary, stages: each }, () => summaryText(folder, summary));
  });
}

/** One run, to its end. @throws InterruptedError if it was stopped */
async function trainOne(
  given: Settings,
  place: RunPlace,
  options: TrainOptions,
  terminal: Terminal,
  world: World | undefined,
): Promise<TrainedRun> {
  const chosen = withPreset(options.preset, given);
  // A run that goes on keeps what it has.
  const settings = place.resume ? chosen : withShards(chosen);
  const planned = await planRun(settings, place, commandLine(), (text) => terminal.warn(text));
  const { folder, config } = planned;
  if (options.stages !== undefined) checkStage(planned);
  const work = (signal: AbortSignal) => trainHere(planned, options, terminal, signal, world);
  const { epochs, summary, untouched, signal } = await interruptible(terminal, "stopping after this step", work);
  if (summary !== null) return { folder, summary };
  const whole = planned.extendTo ?? config.epochs;
  const old = planned.extendTo === undefined ? "that was to be replaced" : "that was to be extended";
  const again =
    options.stages === undefined
      ? `go on with: coarsegrad train --resume ${shellWord(folder)}`
      : "go on with the same command and --resume";
  throw new InterruptedError(
    {
      op: "train",
      what: `stopped after ${epochs} of ${whole} epochs`,
      hint: untouched ? `the run ${old} is untouched` : again,
    },
    signalOf(signal),
  );
}

/** The folder of a run that goes on may be named by --resume itself. */
function placeOf({ out, resume, force, output }: TrainOptions): RunPlace {
  if (typeof resume !== "string") return { out, resume, force, output };
  if (out !== undefined && path.resolve(out) !== path.resolve(resume)) {
    throw new UsageError({
      op: "--resume",
      what: "two folders for one run",
      expected: "--resume RUN, or --resume --out RUN",
      got: `--resume ${resume} --out ${out}`,
      hint: "a run goes on where it is",
    });
  }
  return { out: resume, resume: true, force, output };
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
  const progress = new TrainProgress(terminal, opened.config, opened.run.metrics.at(-1));
  try {
    const { shards = 1, relaxed } = opened.config;
    const ranks = world === undefined ? ranksFor(options.ranks, shards, availableParallelism()) : 1;
    // Ranks have a thread each: what the kernels of one would split among threads, other ranks compute.
    const size = world?.size ?? ranks;
    await startThreads({ threads: size > 1 ? 1 : options.threads, relaxed });
    if (size > 1) terminal.note(`${size} ranks compute ${shards} shards of each batch`);
    const { normalize } = opened.config;
    const taught = taughtText(opened.config);
    if (taught !== null) terminal.note(taught);
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
      threads: options.threads === "auto" ? availableParallelism() : options.threads,
      onPrepare: (at) => progress.prepare(at),
      ranks,
      world,
      limitSeconds,
      checkpointEvery,
      onProgress: (at) => progress.train(at),
      onEpoch: (metrics) => progress.epoch(metrics),
      onTest: (at) => progress.test(at),
    });
    return { ...outcome, untouched: opened.run.replacing, signal };
  } finally {
    progress.stop();
    await opened.run.close();
  }
}

/** Who teaches a run, and how much it counts; null for one that learns from labels alone. */
function taughtText({ teacher, temperature, teacherWeight }: RunConfig): string | null {
  if (teacher === undefined) return null;
  const { file, model, normalize } = teacher;
  const what = model === undefined ? "" : ` (${model}, images normalized by ${normalizeText(normalize)})`;
  const [T, w] = [temperature ?? FIELDS.temperature.initial, teacherWeight ?? FIELDS.teacherWeight.initial];
  return `taught by ${file}${what}: temperature ${T}, weight ${w}`;
}

/** A bar of the training, then one of the test. */
class TrainProgress {
  readonly #terminal: Terminal;
  readonly #label: string;
  /** What the images of the figure after every epoch are: held out of the training images, or the test images. */
  readonly #checked: "validation" | "test";
  #preparing: Progress | null = null;
  #training: Progress | null = null;
  #testing: Progress | null = null;
  #last: FitProgress | null = null;
  /** Accuracy after the last complete epoch, in words. */
  #figure: readonly string[] = [];

  constructor(terminal: Terminal, { bits, quant, validate = 0 }: RunConfig, last: EpochMetrics | undefined) {
    this.#terminal = terminal;
    this.#label = quant === null ? bits : `${bits} ${quant.method}`;
    this.#checked = validate > 0 ? "validation" : "test";
    if (last !== undefined) this.#take(last);
  }

  prepare({ done, total }: { done: number; total: number }): void {
    this.#preparing ??= startProgress(this.#terminal, "decode pictures", total);
    this.#preparing.update(done);
    if (done === total) this.#preparing.stop();
  }

  train(progress: FitProgress): void {
    const { epoch, epochs, step, steps } = progress;
    const done = (epoch - 1) * steps + step;
    this.#training ??= startProgress(this.#terminal, `train ${this.#label}`, epochs * steps, done - 1);
    this.#last = progress;
    this.#show(progress);
  }

  epoch(metrics: EpochMetrics): void {
    this.#take(metrics);
    if (this.#last !== null) this.#show(this.#last);
  }

  #take({ valAccuracy }: EpochMetrics): void {
    if (valAccuracy != null) this.#figure = [`${this.#checked} ${percent(100 * valAccuracy)}`];
  }

  #show({ epoch, epochs, step, steps, loss, lossParts, accuracy, imagesPerSecond }: FitProgress): void {
    const terms =
      lossParts === undefined
        ? ""
        : ` (${Object.entries(lossParts)
            .map(([name, part]) => `${name} ${short(part)}`)
            .join(", ")})`;
    const parts = [`loss ${short(loss)}${terms}`, `accuracy ${percent(100 * accuracy)}`, ...this.#figure];
    const details = [`epoch ${epoch}/${epochs}`, ...parts, `${Math.round(imagesPerSecond)} images/s`];
    this.#training?.update((epoch - 1) * steps + step, details.join("  "));
  }

  test({ images, total }: { images: number; total: number }): void {
    this.#training?.stop();
    this.#testing ??= startProgress(this.#terminal, `test ${this.#label}`, total);
    this.#testing.update(images);
  }

  stop(): void {
    this.#preparing?.stop();
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

function extendedText({ extended = [] }: RunSummary): string {
  return extended.map(({ at, epochs }) => `, extended after ${at} of ${epochs},`).join("");
}

function summaryText(folder: string, summary: RunSummary): string {
  const { packed } = summary;
  const method = summary.method === "float" ? [] : [summary.method];
  return fields([
    ["run", folder],
    ["network", [`${summary.model} ${summary.bits}`, ...method, `seed ${summary.seed}`].join(", ")],
    [
      "accuracy",
      `${percent(summary.top1)} top-1, ${percent(summary.top5)} top-5 on ${count(summary.testImages)} ${summary.testIsTraining ? "of the images that it was trained on" : "images"}`,
    ],
    ...(summary.validation === undefined
      ? []
      : [
          [
            "validation",
            `${percent(summary.validation.top1)} top-1 on ${count(summary.validation.images)} training images that were held out`,
          ] as const,
        ]),
    [
      "packed",
      `${bytes(packed.bytes)}, ${percent(packed.top1)} top-1, ${packed.millisecondsPerImage.toFixed(2)} ms per image (training graph: ${summary.millisecondsPerImage.toFixed(2)} ms)`,
    ],
    [
      "training",
      `${summary.epochs} ${summary.epochs === 1 ? "epoch" : "epochs"}${extendedText(summary)} in ${duration(summary.wallSeconds)}${summary.imagesPerSecond === null ? "" : `, ${count(summary.imagesPerSecond)} images/s`}`,
    ],
    ["SHA-256 of weights", summary.weightsSha256],
  ]);
}
