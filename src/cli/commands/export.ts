/** @file `coarsegrad export`: a run, a checkpoint, a packed model or float weights as an ONNX file, or as C. */
import path from "node:path";
import type { Command } from "commander";
import { ArgumentError } from "../../core/errors.js";
import { DATASET_NAMES } from "../../data/registry.js";
import { pack } from "../../export/index.js";
import { readPacked } from "../../infer/index.js";
import { MODEL_NAMES } from "../../models/index.js";
import { imagesInfo } from "../../node/images/info.js";
import { checkpointNetwork, openModel } from "../../node/models.js";
import { exportOnnx, exportPackedOnnx, type OnnxOptions } from "../../onnx/index.js";
import { imagesName, infoOf } from "../../run/images.js";
import { choice, text } from "../../run/kinds.js";
import { floatNetwork, packOptions } from "../../run/network.js";
import type { ModelSource } from "../../run/source.js";
import { normalizeOf } from "../../run/stated-normalization.js";
import { UsageError } from "../../run/usage-error.js";
import { type COptionValues, cFiles, checkC, cOptions } from "../options/c-files.js";
import { command, onRun } from "../options/command.js";
import { checkKind } from "../options/model-kind.js";
import { option } from "../options/option.js";
import { checkOutputs, saveOutput, saveOutputs } from "../options/output.js";
import { bytes as bytesText } from "../ui/numbers.js";
import type { CommonOptions } from "../ui/terminal.js";

interface ExportOptions extends CommonOptions, COptionValues {
  out?: string;
  pack?: boolean;
  float?: boolean;
  model?: string;
  data: string;
}

/** The command. */
export function exportCommand(): Command {
  const made = command({
    name: "export",
    summary: "a model as an ONNX file of standard operators, or as C",
    description:
      "Writes an ONNX file (opset 21, standard operators) that gives the codes and logits of training: of a run or checkpoint with scale, batch norm and staircase in training's order, of a packed model with its thresholds, of float weights (with --model) in float. The input is the images, channels last, as bytes. With --c it writes C99 instead, of a run, checkpoint or packed model: no allocation, no library, weights as bits, every layer's codes those of the runtime.",
    args: [["<model>", "run folder, checkpoint, packed model, or float weights"]],
    examples: [
      "coarsegrad export runs/first --out first.onnx",
      "coarsegrad export runs/first --pack --out small.onnx",
      "coarsegrad export runs/first/model.cgm --json",
      "coarsegrad export runs/first/model.cgm --c firmware --c-name digits",
      "coarsegrad export weights.safetensors --model lenet5 --data mnist --out float.onnx",
    ],
  })
    .option("--pack", "keep weights of up to 4 bits as bits in the file; operators unpack them when it is loaded")
    .option("--float", "multiply codes by Conv and MatMul: no integer operators");
  option(made, "--out <file>", "the file to write (default: model.onnx beside the model)", text);
  option(
    made,
    "--model <name>",
    "network of plain float weights, by a name that train --model has",
    choice(MODEL_NAMES),
  );
  option(made, "--data <name>", `images of plain float weights: ${DATASET_NAMES.join(", ")}`, imagesName, "digits");
  cOptions(made, "write");
  return onRun<ExportOptions>(made, async (options, [given], terminal) => {
    checkC(options);
    if (options.c !== undefined) refuseBeside(made);
    checkOutputs([{ option: "--out", file: options.out, endings: [".onnx"] }]);
    const source = await openModel(given);
    checkKind(made, source.kind, { model: ["weights"], data: ["weights"] });
    if (options.c !== undefined) {
      const { outputs, answer, line } = cFiles(await packedOf(source), source.path, options);
      await saveOutputs(outputs);
      terminal.result({ ...answer, kind: source.kind }, () => line);
      return;
    }
    const arithmetic = options.float === true ? ("float" as const) : ("integer" as const);
    const written = await onnxOf(source, options, { pack: options.pack, arithmetic });
    const file = options.out ?? path.join(path.dirname(source.path), "model.onnx");
    await saveOutput(file, written);
    const answer = {
      file: path.resolve(file),
      bytes: written.length,
      kind: source.kind,
      pack: options.pack === true,
      arithmetic,
    };
    terminal.result(answer, () => `${file}: ${bytesText(written.length)}, opset 21, ${arithmetic} arithmetic`);
  });
}

/** Options of ONNX files, beside --c. @throws UsageError if one was given */
function refuseBeside(made: Command): void {
  const given = ["out", "pack", "float", "model", "data"].find((name) => made.getOptionValueSource(name) === "cli");
  if (given === undefined) return;
  const [op, expected] = [`--${given}`, "an ONNX file, or --c"];
  throw new UsageError({ op, what: "does not go with --c", expected, got: "both" });
}

/** A model packed. @throws ArgumentError for what has no codes to be packed */
async function packedOf(source: ModelSource): Promise<Uint8Array> {
  if (source.kind === "packed") return source.bytes;
  if (source.kind === "checkpoint") {
    using net = await checkpointNetwork(source);
    return pack(net, packOptions(infoOf(source.config)));
  }
  throw new ArgumentError({
    op: source.path,
    what: "cannot be written as C",
    expected: "a run, a checkpoint or a packed model",
    got: source.kind === "onnx" ? "an ONNX file" : "float weights",
    hint: "train prepares and packs them",
  });
}

async function onnxOf(source: ModelSource, { model, data }: ExportOptions, options: OnnxOptions): Promise<Uint8Array> {
  switch (source.kind) {
    case "packed":
      return exportPackedOnnx(readPacked(source.bytes, source.path), options);
    case "onnx":
      throw new ArgumentError({
        op: source.path,
        what: "an ONNX file already",
        expected: "a run, a checkpoint, a packed model or float weights",
        got: "ONNX",
      });
    case "checkpoint": {
      using net = await checkpointNetwork(source);
      return exportOnnx(net, { ...packOptions(infoOf(source.config)), ...options });
    }
    case "weights": {
      if (model === undefined) {
        throw new UsageError({
          op: "export",
          what: `${source.path} does not say which network its weights belong to`,
          expected: "--model NAME",
          got: "none",
        });
      }
      const info = await imagesInfo(data);
      using net = floatNetwork(model, info, source, normalizeOf(source, info).normalize);
      return exportOnnx(net, { ...packOptions(info), ...options });
    }
  }
}
