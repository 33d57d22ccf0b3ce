/** @file `coarsegrad verify`: a packed model against the training graph that it was made from, code by code. */
import path from "node:path";
import type { Command } from "commander";
import { ArgumentError } from "../../core/errors.js";
import { table } from "../../core/table.js";
import { type LayerComparison, verify } from "../../export/index.js";
import { readPacked } from "../../infer/index.js";
import { openModel, openNetwork } from "../../node/models.js";
import { recordVerification } from "../../node/run/summary-file.js";
import { command, onRun } from "../options/command.js";
import { type TestImageOptions, testImageOptions, testImages } from "../options/test-images.js";
import { EXIT } from "../ui/failure.js";
import { interruptible } from "../ui/interrupt.js";
import { count, percent } from "../ui/numbers.js";
import { preparing } from "../ui/preparing.js";
import { startProgress } from "../ui/progress.js";
import type { CommonOptions } from "../ui/terminal.js";

interface VerifyCommandOptions extends CommonOptions, TestImageOptions {
  packed?: string;
}

/** The command. */
export function verifyCommand(): Command {
  const made = command({
    name: "verify",
    summary: "a packed model against the training graph, code by code",
    description:
      "Runs images through the training graph of a run and through the packed file and compares every layer's output. Exit code 1 if a single code differs.",
    args: [["<checkpoint>", "run folder or training checkpoint"]],
    examples: ["coarsegrad verify runs/first", "coarsegrad verify runs/first --packed seven.cgm --limit 1000 --json"],
  });
  testImageOptions(made, "default: the run's").option(
    "--packed <file>",
    "the packed model (default: model.cgm beside the checkpoint)",
  );
  return onRun<VerifyCommandOptions>(made, async (options, [given], terminal) => {
    const { source, net: opened, info } = await openNetwork(given);
    using net = opened;
    const { config } = source;
    const warn = (text: string): void => terminal.warn(text);
    const file = options.packed ?? path.join(path.dirname(source.path), "model.cgm");
    const packed = await openModel(file);
    if (packed.kind !== "packed") {
      throw new ArgumentError({ op: file, what: "not a packed model", expected: "a .cgm file", got: packed.kind });
    }
    const model = readPacked(packed.bytes, file);
    const data = await preparing(terminal, (prepare) =>
      testImages(options.data ?? config.data, { ...options, ...prepare, warn, sound: info.sound }, info.shape[0]),
    );
    const progress = startProgress(terminal, "verify", data.count);
    const found = await interruptible(terminal, "stopping", (signal) =>
      verify(net, model, data, {
        signal,
        onProgress: ({ images, identical }) => progress.update(images, identical ? "identical so far" : "differs"),
      }),
    ).finally(() => progress.stop());
    const codes = total(found.layers, "codes");
    const values = total(found.layers, "values");
    const answer = {
      model: source.path,
      packed: file,
      data: data.name,
      images: found.images,
      identical: found.identical,
      codes,
      values,
      top1Training: 100 * (found.accuracyTraining ?? 0),
      top1Packed: 100 * (found.accuracyPacked ?? 0),
      layers: found.layers,
    };
    await recordVerification(given, packed.bytes, codes, warn);
    terminal.result(answer, () =>
      [
        layerTable(found.layers),
        "",
        `codes identical: ${codes.equal === codes.total ? "yes" : "NO"} (${count(codes.equal)} of ${count(codes.total)})`,
        `other values identical, bit by bit: ${values.equal === values.total ? "yes" : "NO"} (${count(values.equal)} of ${count(values.total)})`,
        `accuracy on ${count(found.images)} images of ${data.name}: ${percent(answer.top1Training)} in training, ${percent(answer.top1Packed)} packed`,
      ].join("\n"),
    );
    if (!found.identical) process.exitCode = EXIT.failure;
  });
}

/** Sum over the layers of one kind. */
export function total(
  layers: readonly LayerComparison[],
  kind: LayerComparison["kind"],
): { equal: number; total: number } {
  const own = layers.filter((layer) => layer.kind === kind);
  return {
    equal: own.reduce((sum, layer) => sum + layer.equal, 0),
    total: own.reduce((sum, layer) => sum + layer.total, 0),
  };
}

function layerTable(layers: readonly LayerComparison[]): string {
  return table(
    [
      { head: "layer" },
      { head: "op" },
      { head: "compared" },
      { head: "equal", right: true },
      { head: "of", right: true },
      { head: "first difference" },
    ],
    layers.map(({ name, op, kind, equal, total: all, firstDifference: first }) => [
      name,
      op,
      kind,
      count(equal),
      count(all),
      first === null
        ? "none"
        : `image ${first.image}, position ${first.position}: ${first.expected} in training, ${first.got} packed`,
    ]),
  );
}
