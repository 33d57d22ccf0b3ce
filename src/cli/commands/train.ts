/** @file `coarsegrad train`: a run from its options to its folder. */
import type { Command } from "commander";
import { command, onRun } from "../command.js";
import { InterruptedError } from "../failure.js";
import { bytes, count, duration, percent, shellWord } from "../format.js";
import { interruptible, signalOf } from "../interrupt.js";
import { normalizeText } from "../normalization.js";
import { openRun, planRun } from "../open-run.js";
import { PRESETS_HELP, withPreset } from "../presets.js";
import type { RunSummary } from "../summary-file.js";
import { fields } from "../table.js";
import { startThreads, threadsOption } from "../threads.js";
import { type TrainOptions, trainOptions } from "../train-options.js";
import { trainRun } from "../train-run.js";

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
    const typed = Object.entries(options).filter(([name]) => made.getOptionValueSource(name) === "cli");
    const chosen = withPreset(options, Object.fromEntries(typed));
    const warn = (text: string): void => terminal.warn(text);
    const planned = await planRun(chosen.options, chosen.typed, commandLine(), warn);
    const { config, folder } = planned;
    const { epochs, summary, untouched, signal } = await interruptible(
      terminal,
      "stopping after this step",
      async (signal) => {
        const opened = await openRun(planned, warn);
        try {
          await startThreads({ threads: options.threads, relaxed: config.relaxed });
          if (config.normalize) terminal.note(`images are normalized by ${normalizeText(config.normalize)}`);
          const { dataDir, workers, maxPixels } = options;
          const outcome = await trainRun({ ...opened, terminal, signal, dataDir, workers, maxPixels });
          return { ...outcome, untouched: opened.run.replacing, signal };
        } finally {
          await opened.run.close();
        }
      },
    );
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
