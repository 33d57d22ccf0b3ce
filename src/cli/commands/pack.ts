/** @file `coarsegrad pack`: a training checkpoint becomes a packed model. */
import path from "node:path";
import type { Command } from "commander";
import { pack, summarize, toModule } from "../../export/index.js";
import { openNetwork } from "../../node/models.js";
import { recordPacked } from "../../node/run/summary-file.js";
import { packOptions } from "../../run/network.js";
import { type COptionValues, cFiles, checkC, cOptions } from "../options/c-files.js";
import { command, onRun } from "../options/command.js";
import { checkOutputs, type Output, saveOutputs } from "../options/output.js";
import { bytes, count } from "../ui/numbers.js";
import type { CommonOptions } from "../ui/terminal.js";

interface PackCommandOptions extends CommonOptions, COptionValues {
  out?: string;
  module?: string;
}

/** The command. */
export function packCommand(): Command {
  const made = command({
    name: "pack",
    summary: "a checkpoint as a packed model for the integer runtime",
    description:
      "Packs the network of a run or a checkpoint: 1, 2, 4 or 8 bits per weight, batch norm and scales folded into integer thresholds. The same checkpoint gives the same bytes.",
    args: [["<checkpoint>", "run folder or training checkpoint"]],
    examples: [
      "coarsegrad pack runs/first",
      "coarsegrad pack runs/first/checkpoint.safetensors --out seven.cgm",
      "coarsegrad pack runs/first --module digits.js",
      "coarsegrad pack runs/first --c firmware --c-name digits",
    ],
  })
    .option("--out <file>", "the file to write (default: model.cgm beside the checkpoint)")
    .option("--module <file>", "also write one JavaScript file with model and runtime: predict(imageData)");
  cOptions(made, "also write");
  return onRun<PackCommandOptions>(made, async ({ out, module, ...c }, [given], terminal) => {
    checkC(c);
    checkOutputs([
      { option: "--out", file: out, endings: [".cgm"] },
      { option: "--module", file: module, endings: [".js", ".mjs"] },
    ]);
    const { source, info, net: opened } = await openNetwork(given);
    using net = opened;
    const file = out ?? path.join(path.dirname(source.path), "model.cgm");
    const packed = pack(net, packOptions(info));
    const outputs: Output[] = [[file, packed]];
    const script = module === undefined ? null : toModule(packed, file);
    if (module !== undefined && script !== null) outputs.push([module, script]);
    const files = c.c === undefined ? null : cFiles(packed, file, c);
    if (files !== null) outputs.push(...files.outputs);
    await saveOutputs(outputs);
    await recordPacked(file, packed, (text) => terminal.warn(text));
    const { fileBytes, headerBytes, tensorBytes, floatBytes, weights, macs } = summarize(packed);
    terminal.result(
      {
        file: path.resolve(file),
        ...(module && script && { module: path.resolve(module), moduleBytes: Buffer.byteLength(script) }),
        ...files?.answer,
        bytes: fileBytes,
        headerBytes,
        tensorBytes,
        floatBytes,
        weights,
        macs,
      },
      () =>
        [
          `${file}: ${bytes(fileBytes)} (${count(headerBytes)} bytes of header), ${(floatBytes / fileBytes).toFixed(1)} times smaller than its ${count(weights)} weights as float32`,
          ...(script === null
            ? []
            : [`${module}: ${bytes(Buffer.byteLength(script))}, model and runtime in one file: import { predict }`]),
          ...(files === null ? [] : [files.line]),
        ].join("\n"),
    );
  });
}
