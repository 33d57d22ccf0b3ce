/**
 * @file Options of `train`: the settings of a run, all from their table, and what is no part of a run's configuration.
 */
import { type Command, Option } from "commander";
import type { Settings } from "../../run/config.js";
import type { Field } from "../../run/field.js";
import { fields } from "../../run/fields.js";
import { choice, type Kind, real, text, whole } from "../../run/kinds.js";
import { PRESET_NAMES, type PresetName } from "../../run/presets.js";
import { type Stage, stagesKind } from "../../run/stages.js";
import type { CommonOptions } from "../ui/terminal.js";
import { dataDirOption, option, outputOption, readerOf } from "./option.js";
import { maxPixelsOption } from "./test-images.js";
import { type ThreadsOption, threadNumber } from "./threads.js";

/** Options of `train` besides the settings. */
export interface TrainOptions extends CommonOptions, ThreadsOption {
  readonly preset?: PresetName;
  readonly dataDir?: string;
  /** Runs one after the other, each from the weights of the one before. */
  readonly stages?: readonly Stage[];
  /** Threads that prepare batches. */
  readonly workers?: number;
  /** Pixels of a picture in a folder. */
  readonly maxPixels?: number;
  /** Threads that compute shards, each with an engine of its own. */
  readonly ranks: number | "auto";
  /** Seconds that a rank may be late. */
  readonly rankLimit?: number;
  /** What carries ranks that are processes. */
  readonly distributed?: "mpi";
  /** Steps between checkpoints within an epoch. */
  readonly checkpointEvery?: number;
  readonly out?: string;
  /** The output to take from an ONNX file. */
  readonly output?: string;
  /** Its run's folder, where that is named; else `out` names it. */
  readonly resume?: boolean | string;
  readonly force?: boolean;
}

/** A value that was read: commander would make an empty string of null. */
interface Chosen {
  readonly value: unknown;
}

function settingOption({ flags, help, kind, initial, initialText }: Field): Option {
  const words =
    initialText ?? (initial === undefined || initial === null || initial === false ? "" : kind.write(initial));
  const own = new Option(flags, words === "" ? help : `${help} (default: ${words})`);
  const read = readerOf<unknown>(flags, kind as Kind<unknown>);
  return own.argParser((word, before: Chosen | undefined): Chosen => ({ value: read(word, before?.value) }));
}

/** The settings that were chosen on the command line. */
export function chosenSettings(made: Command): Settings {
  const typed = made.opts<Readonly<Record<string, Chosen | true | undefined>>>();
  const chosen = fields().flatMap(([key, { flags }]) => {
    const found = typed[new Option(flags).attributeName()];
    return found === undefined ? [] : [[key, found === true ? true : found.value]];
  });
  return Object.fromEntries(chosen);
}

/** What `--ranks` is unless it is given. */
function ranksByDefault(): number | "auto" {
  const told = process.env["COARSEGRAD_RANKS"];
  return told === undefined || told === "" ? "auto" : threadNumber.read(told, "COARSEGRAD_RANKS");
}

/** Declares them. */
export function trainOptions(made: Command): Command {
  for (const [key, field] of fields()) {
    made.addOption(settingOption(field));
    if (key === "imageSize") dataDirOption(made);
    if (key === "bits") {
      const help = `settings to start from, which other options override: ${PRESET_NAMES.join(", ")} (listed below)`;
      option(made, "--preset <name>", help, choice(PRESET_NAMES));
    }
  }
  const stages =
    "train with fewer and fewer bits, each stage from the weights and steps of the one before: widths and epochs, such as 32W4A:2,4W4A:2,2W4A:2,1W4A:10; a run folder each, in --out";
  option(made, "--stages <list>", stages, stagesKind);
  outputOption(made);
  const workers = "threads that prepare batches; results do not depend on it (default: 1 for an image folder, else 0)";
  option(made, "--workers <n>", workers, whole({ min: 0, max: 16 }));
  maxPixelsOption(made);
  const ranks =
    "threads that share the shards of each batch, or auto: as many as divide the work; no result depends on it";
  option(
    made,
    "--ranks <n>",
    `${ranks}; the environment's COARSEGRAD_RANKS is the default`,
    threadNumber,
    ranksByDefault(),
  );
  const carrier = "mpi: every process that mpirun or srun starts is a rank, with threads for none; rank 0 writes";
  option(made, "--distributed <carrier>", carrier, choice(["mpi"]));
  const limit = "seconds that a rank may be late before the run ends with an error (default: 60)";
  option(made, "--rank-limit <seconds>", limit, real({ min: 0.1 }));
  const every = "steps between checkpoints within an epoch (default: one at its end)";
  option(made, "--checkpoint-every <steps>", every, whole({ min: 1 }));
  option(made, "--out <dir>", "run folder (default: runs/MODEL-DATA-BITS-METHOD)", text);
  return made
    .option("--resume [run]", "go on with the run in that folder, or that of --out, from its last checkpoint")
    .option("--force", "replace the run that is in the folder");
}
