/** @file `coarsegrad data`: what data sets there are, where they lie, and fetching them. */
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { ArgumentError, DataError } from "../../core/errors.js";
import { fields, table } from "../../core/table.js";
import { labelHistogram } from "../../data/dataset.js";
import { DATASET_NAMES, type DatasetInfo, datasetInfo } from "../../data/registry.js";
import {
  dataFolder,
  dataRoots,
  findDataDir,
  type LoadOptions,
  loadDataset,
  lookAtPixels,
  openDatasetPixels,
} from "../../node/data-files.js";
import { downloadDataset } from "../../node/download.js";
import type { PixelsKnown } from "../../node/tiny-imagenet/open.js";
import { real, text } from "../../run/kinds.js";
import { unknownWord } from "../../run/usage-error.js";
import { command, onRun } from "../options/command.js";
import { dataDirOption, option } from "../options/option.js";
import { type ThreadsOption, threadsOption } from "../options/threads.js";
import { interruptible } from "../ui/interrupt.js";
import { bytes, count, shellWord } from "../ui/numbers.js";
import { preparing } from "../ui/preparing.js";
import { type Progress, progressBoard } from "../ui/progress.js";
import type { CommonOptions } from "../ui/terminal.js";

interface DataOptions extends CommonOptions {
  dataDir?: string;
  stall?: number;
  seed: number;
}

/** Where the files are, or why they are not: `generated`, a folder, or null. */
async function whereIs(info: DatasetInfo, dataDir: string | undefined): Promise<string | null> {
  if (info.format === "generated") return "generated";
  try {
    return await findDataDir(info.name, { dataDir });
  } catch (error) {
    if (error instanceof DataError) return null;
    throw error;
  }
}

/** How to come by a data set. */
function notHere(name: string, dataDir: string | undefined): string {
  const { origin } = datasetInfo(name);
  if (origin !== undefined) return `not here: clone ${origin}`;
  const place = dataDir === undefined ? "" : ` --data-dir ${shellWord(dataDir)}`;
  return `not here: coarsegrad data download ${name}${place}`;
}

function known(name: string): DatasetInfo {
  if (!(DATASET_NAMES as readonly string[]).includes(name)) {
    throw unknownWord("data", "unknown data set", name, DATASET_NAMES);
  }
  return datasetInfo(name);
}

function list(): Command {
  const made = command({
    name: "list",
    summary: "all known data sets, and which of them are here",
    description: "Lists all known data sets and where their files lie.",
    examples: ["coarsegrad data list", "coarsegrad data list --json"],
  });
  return onRun<DataOptions>(dataDirOption(made), async ({ dataDir }, _, terminal) => {
    const rows = await Promise.all(
      DATASET_NAMES.map(async (name) => {
        const info = datasetInfo(name);
        const { train, test, classes, shape } = info;
        return { name, train, test, classes, shape, where: await whereIs(info, dataDir) };
      }),
    );
    terminal.result({ sets: rows, lookedIn: dataRoots({ dataDir }) }, () =>
      table(
        [
          { head: "name" },
          { head: "train", right: true },
          { head: "test", right: true },
          { head: "image" },
          { head: "where" },
        ],
        rows.map(({ name, train, test, shape, where }) => [
          name,
          count(train),
          count(test),
          shape.join("×"),
          where ?? notHere(name, dataDir),
        ]),
      ),
    );
  });
}

function info(): Command {
  const made = command({
    name: "info",
    summary: "one data set: counts, classes, files, licence",
    description: "Tells what is known of a data set. With its files here, counts the images of each class too.",
    args: [["<name>", `data set: ${DATASET_NAMES.join(", ")}`]],
    examples: ["coarsegrad data info mnist", "coarsegrad data info digits --json"],
  });
  return onRun<DataOptions>(dataDirOption(made), async ({ dataDir, seed }, [name], terminal) => {
    const about = known(name);
    const where = await whereIs(about, dataDir);
    const pixels = where === null ? null : await lookAtPixels(name, { dataDir });
    const histogram = where === null ? null : await histogramOf(about, pixels, { dataDir, seed });
    const decoded = pixels && { file: pixels.file, sha256: pixels.sha256, expected: about.pixelsSha256 };
    const { title, shape, classes, classNames, train, test, mean, std, files, licence } = about;
    terminal.result(
      {
        name,
        title,
        shape,
        classes,
        classNames,
        train,
        test,
        mean,
        std,
        files,
        licence,
        where,
        pixels: decoded,
        histogram,
      },
      () => {
        const size = files.reduce((sum, file) => sum + file.bytes, 0);
        const head = fields([
          ["name", `${name} (${title})`],
          ["images", `${count(train)} to train on, ${count(test)} to test on, ${shape.join("×")}`],
          ["mean, std", `${mean.join(" ")}, ${std.join(" ")} (of pixels / 255)`],
          ["licence", licence],
          ...(files.length > 0 ? [["files", `${files.length}, ${bytes(size)}`] as const] : []),
          ["where", where ?? notHere(name, dataDir)],
          ...(decoded === null ? [] : [["decoded", decodedText(name, decoded)] as const]),
        ]);
        if (histogram === null) return head;
        const rows = classNames.map((label, i) => [`${i}`, label, count(histogram.train[i]), count(histogram.test[i])]);
        const columns = [
          { head: "label", right: true },
          { head: "class" },
          { head: "train", right: true },
          { head: "test", right: true },
        ];
        return `${head}\n\n${table(columns, rows)}`;
      },
    );
  });
}

/** Images of each class: those of files that are decoded are not read for it. */
async function histogramOf(
  { name, classes }: DatasetInfo,
  pixels: PixelsKnown | null,
  options: LoadOptions,
): Promise<{ train: number[]; test: number[] }> {
  if (pixels === null) {
    const { train, test } = await loadDataset(name, options);
    return { train: labelHistogram(train), test: labelHistogram(test) };
  }
  const counts = (labels: Uint8Array): number[] => {
    const found = new Array<number>(classes).fill(0);
    for (const label of labels) found[label]++;
    return found;
  };
  return { train: counts(pixels.train), test: counts(pixels.test) };
}

function decodedText(
  name: string,
  { file, sha256, expected }: { file: string; sha256: string | null; expected?: string },
): string {
  if (sha256 === null) return `not yet: the first run does it, or coarsegrad data prepare ${name}`;
  const whose = sha256 === expected ? "as of the archive" : "not those of the archive";
  return `${file}, pixels with SHA-256 ${sha256}, ${whose}`;
}

function prepare(): Command {
  const made = command({
    name: "prepare",
    summary: "decode the pictures of a data set, before runs need them",
    description:
      "Decodes the pictures of a data set once into a file beside them, or in the folder that the environment variable COARSEGRAD_CACHE names. The first run does the same; do it before many runs or ranks start at once.",
    args: [["<name>", "data set of pictures: tiny-imagenet"]],
    examples: ["coarsegrad data prepare tiny-imagenet", "coarsegrad data prepare tiny-imagenet --threads 4"],
  });
  return onRun<DataOptions & ThreadsOption>(
    threadsOption(dataDirOption(made)),
    async ({ dataDir, threads: wanted }, [name], terminal) => {
      known(name);
      const threads = wanted === "auto" ? availableParallelism() : wanted;
      const made = await preparing(terminal, (options) => openDatasetPixels(name, { dataDir, threads, ...options }));
      if (made === null) {
        throw new ArgumentError({ op: name, what: "nothing to prepare", hint: "its files are read as they are" });
      }
      const [file, images] = [made.train.file, made.train.labels.length + made.test.labels.length];
      terminal.result({ name, file, images, sha256: made.sha256 }, () => `${count(images)} pictures are in ${file}`);
    },
  );
}

function download(): Command {
  const made = command({
    name: "download",
    summary: "fetch a data set from its public mirror",
    description:
      "Fetches the files of a data set from its public mirror and checks their SHA-256. Files that are here and right are kept.",
    args: [["<name>", "data set, such as mnist or fashion-mnist"]],
    examples: ["coarsegrad data download mnist", "coarsegrad data download fashion-mnist --data-dir data"],
  });
  option(made, "--data-dir <dir>", `data directory to put it in (default: ${dataFolder()})`, text);
  const stall = "give a mirror up when nothing comes for so long, and ask the next (default: 30)";
  option(made, "--stall <seconds>", stall, real({ above: 0, below: 86_400 }));
  return onRun<DataOptions>(made, async ({ dataDir, stall }, [name], terminal) => {
    const { files } = known(name);
    const board = progressBoard(terminal);
    const bars = new Map<string, Progress>();
    try {
      const folder = await interruptible(terminal, "stopping", (signal) =>
        downloadDataset(
          name,
          dataDir,
          ({ file, received, total }) => {
            const bar = bars.get(file) ?? board.add(file, total);
            bars.set(file, bar);
            bar.update(received, `${bytes(received)} of ${bytes(total)}`);
          },
          { signal, stall: stall === undefined ? undefined : Math.ceil(1000 * stall) },
        ),
      );
      board.stop();
      terminal.result({ name, folder, files: files.map((file) => file.name) }, () => `${name} is in ${folder}`);
    } finally {
      board.stop();
    }
  });
}

/** The command with its subcommands. */
export function dataCommand(): Command {
  const made = command({
    name: "data",
    summary: "list, describe, download and decode data sets",
    description:
      "Data sets are looked for in --data-dir alone; without it in the folder that the environment variable COARSEGRAD_DATA names, and in the usual place for the data of programs: $XDG_DATA_HOME/coarsegrad or ~/.local/share/coarsegrad on Linux, ~/Library/Application Support/coarsegrad on macOS, %LOCALAPPDATA%\\coarsegrad on Windows. Downloads go to --data-dir, else to COARSEGRAD_DATA, else to that usual place.",
    examples: ["coarsegrad data list", "coarsegrad data info mnist", "coarsegrad data download mnist"],
  });
  return made.addCommand(list()).addCommand(info()).addCommand(download()).addCommand(prepare());
}
