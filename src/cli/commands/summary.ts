/** @file `coarsegrad summary`: layers, weights by width, bytes on disk, multiply-accumulates and bit operations. */
import type { Command } from "commander";
import { fields, table } from "../../core/table.js";
import { DATASET_NAMES } from "../../data/registry.js";
import { type LayerSummary, type ModelSummary, summarize } from "../../export/index.js";
import { readPacked } from "../../infer/index.js";
import { MODEL_NAMES } from "../../models/index.js";
import type { Module } from "../../nn/module.js";
import { exists } from "../../node/files.js";
import { imagesInfo } from "../../node/images/info.js";
import { checkpointNetwork, openModel } from "../../node/models.js";
import { bitWidths } from "../../run/bits.js";
import { type ImageInfo, imagesName, infoOf } from "../../run/images.js";
import { choice } from "../../run/kinds.js";
import { floatNetwork, networkOf, packOptions } from "../../run/network.js";
import { onnxNetwork } from "../../run/onnx.js";
import { runConfig } from "../../run/settings.js";
import { normalizeOf } from "../../run/stated-normalization.js";
import { UsageError, unknownWord } from "../../run/usage-error.js";
import { command, onRun } from "../options/command.js";
import { checkKind } from "../options/model-kind.js";
import { option, outputOption } from "../options/option.js";
import { bytes, count } from "../ui/numbers.js";
import type { CommonOptions } from "../ui/terminal.js";

interface SummaryOptions extends CommonOptions {
  bits: string;
  data: string;
  model?: string;
  output?: string;
}

/** The command. */
export function summaryCommand(): Command {
  const made = command({
    name: "summary",
    summary: "layers, weights by width, bytes on disk, MACs and bit operations",
    description:
      "Counts what a model holds and costs, packed: of a run, a checkpoint, a packed file, an ONNX file, plain float weights (with --model), or a network by its name (with --bits). Counts are for one image; the bytes are those of the file, less the stated header. Trained networks of one kind differ a little in the bytes of their thresholds.",
    args: [["<model>", `run folder, checkpoint, packed model, ONNX file, or a name: ${MODEL_NAMES.join(", ")}`]],
    examples: [
      "coarsegrad summary runs/first",
      "coarsegrad summary runs/first/model.cgm --json",
      "coarsegrad summary lenet5 --bits 1W4A",
      "coarsegrad summary resnet20 --bits 2W4A --data cifar10",
    ],
  });
  option(made, "--bits <widths>", "of a network given by name: float or nWmA", bitWidths, "float");
  const images = `images of a network given by name or of plain weights: ${DATASET_NAMES.join(", ")}`;
  option(made, "--data <name>", images, imagesName, "digits");
  option(made, "--model <name>", "network of plain float weights, by such a name", choice(MODEL_NAMES));
  outputOption(made);
  return onRun<SummaryOptions>(made, async (options, [given], terminal) => {
    const { title, summary, notes = [] } = await summaryOf(given, options, made);
    for (const note of notes) terminal.note(note);
    const answer = { model: title, ...summary, ...(notes.length > 0 && { notes }) };
    terminal.result(answer, () => summaryText(title, summary));
  });
}

/** Models that options go with. */
const KINDS = { bits: ["name"], data: ["name", "weights"], model: ["weights"], output: ["onnx"] } as const;

interface Summarized {
  readonly title: string;
  readonly summary: ModelSummary;
  /** What of an ONNX file is not in the network. */
  readonly notes?: readonly string[];
}

async function summaryOf(given: string, options: SummaryOptions, made: Command): Promise<Summarized> {
  if (!(await exists(given))) {
    if (MODEL_NAMES.includes(given)) {
      checkKind(made, "name", KINDS);
      const { bits, data } = options;
      const images = await imagesInfo(data);
      const net = networkOf(runConfig({ model: given, data, bits }, { images }));
      return { title: `${given} ${bits} for ${data}, untrained`, summary: summaryOfNet(net, images) };
    }
    throw unknownWord("summary", "neither a file nor a network has the name", given, MODEL_NAMES);
  }
  const source = await openModel(given, { output: options.output });
  checkKind(made, source.kind, KINDS);
  if (source.kind === "packed") {
    // Refused by its name if it is damaged.
    readPacked(source.bytes, source.path);
    return { title: given, summary: summarize(source.bytes) };
  }
  if (source.kind === "checkpoint") {
    const { model, bits } = source.config;
    const net = await checkpointNetwork(source);
    return { title: `${given} (${model} ${bits})`, summary: summaryOfNet(net, infoOf(source.config)) };
  }
  if (source.kind === "onnx") {
    using net = onnxNetwork(source.bytes, given);
    return { title: `${given} (imported)`, summary: summarize(net, net.input), notes: net.notes };
  }
  if (options.model === undefined) {
    throw new UsageError({
      op: "summary",
      what: `${given} does not say which network its weights belong to`,
      expected: "--model NAME",
      got: "none",
    });
  }
  const info = await imagesInfo(options.data);
  const net = floatNetwork(options.model, info, source, normalizeOf(source, info).normalize);
  return { title: `${given} (${options.model})`, summary: summaryOfNet(net, info) };
}

function summaryOfNet(net: Module, info: ImageInfo): ModelSummary {
  const summary = summarize(net, packOptions(info));
  net.dispose();
  return summary;
}

/** The summary as text: layers, totals, and where the file's bytes go. */
export function summaryText(title: string, summary: ModelSummary): string {
  const { layers, weightsByBits, macsByBits, fileBytes, headerBytes, tensorBytes, floatBytes } = summary;
  const width = (bits: number): string => (bits === 32 ? "float" : `${bits} bit`);
  const shape = (layer: LayerSummary): string => layer.outputShape.join("×");
  const rows = layers.map((layer) => [
    layer.name,
    layer.op,
    shape(layer),
    layer.weightBits === null ? "" : width(layer.weightBits),
    width(layer.inputBits),
    layer.weights === 0 ? "" : count(layer.weights),
    layer.others === 0 ? "" : count(layer.others),
    count(layer.bytes),
    layer.macs === 0 ? "" : count(layer.macs),
  ]);
  const sum = (of: (layer: LayerSummary) => number): string => count(layers.reduce((all, layer) => all + of(layer), 0));
  const totals = [
    "total",
    "",
    "",
    "",
    "",
    sum((l) => l.weights),
    sum((l) => l.others),
    sum((l) => l.bytes),
    sum((l) => l.macs),
  ];
  return [
    title,
    "",
    table(
      [
        { head: "layer" },
        { head: "op" },
        { head: "output" },
        { head: "weights" },
        { head: "input" },
        { head: "weights", right: true },
        { head: "others", right: true },
        { head: "bytes", right: true },
        { head: "MACs", right: true },
      ],
      rows,
      [totals],
    ),
    "",
    fields([
      ...weightsByBits.map(
        ({ bits, weights, bytes: size }) =>
          [`weights, ${width(bits)}`, `${count(weights)} in ${count(size)} bytes`] as const,
      ),
      ...macsByBits.map(
        ({ weightBits, activationBits, macs }) =>
          [`MACs, ${width(weightBits)} × ${width(activationBits)}`, count(macs)] as const,
      ),
      ["bit operations", count(summary.bitOperations)],
      ["file", `${count(fileBytes)} bytes = ${count(tensorBytes)} of tensors + ${count(headerBytes)} of header`],
      ["against float32", `${bytes(floatBytes)} of weights: ${(floatBytes / fileBytes).toFixed(1)} times the file`],
    ]),
  ].join("\n");
}
