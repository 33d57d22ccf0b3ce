/** @file `coarsegrad eval`: accuracy of a packed model, a training checkpoint or float weights on a data set. */
import type { Command } from "commander";
import { fields } from "../../core/table.js";
import type { ImageDataset } from "../../data/dataset.js";
import { createSession } from "../../infer/create-session.js";
import type { Session } from "../../infer/session.js";
import { MODEL_NAMES } from "../../models/index.js";
import type { Module } from "../../nn/module.js";
import type { NormalizeOptions } from "../../nn/normalize.js";
import { imagesInfo } from "../../node/images/info.js";
import { checkpointNetwork, openModel } from "../../node/models.js";
import { checkFits, type ImageConstants, infoOf } from "../../run/images.js";
import { choice } from "../../run/kinds.js";
import { floatNetwork } from "../../run/network.js";
import { NORMALIZE_FORMS, normalizeText, parseNormalize } from "../../run/normalization.js";
import { onnxNetworkFor } from "../../run/onnx.js";
import { type Accuracy, packedAccuracy } from "../../run/packed.js";
import type { ModelSource, WeightsSource } from "../../run/source.js";
import { assumedText, normalizeOf } from "../../run/stated-normalization.js";
import { UsageError } from "../../run/usage-error.js";
import { layoutDoubt } from "../../run/weights.js";
import { evaluate } from "../../train/evaluate.js";
import { command, onRun } from "../options/command.js";
import { checkKind } from "../options/model-kind.js";
import { option, outputOption } from "../options/option.js";
import { type TestImageOptions, testImageOptions, testImages } from "../options/test-images.js";
import { engineOptions, startThreads, type ThreadsOption } from "../options/threads.js";
import { interruptible } from "../ui/interrupt.js";
import { count, percent } from "../ui/numbers.js";
import { preparing } from "../ui/preparing.js";
import { startProgress } from "../ui/progress.js";
import type { CommonOptions, Terminal } from "../ui/terminal.js";

/** A normalization that was chosen: commander would make an empty string of null. */
type NormalizeChoice = NormalizeOptions | "none";

/** What plain weights need to become a network. */
interface NetworkOptions {
  readonly model?: string;
  readonly normalize?: NormalizeOptions | null;
  warn(text: string): void;
  /** Takes what of an ONNX file is not in the network. */
  note(text: string): void;
}

interface EvalOptions extends CommonOptions, TestImageOptions, ThreadsOption {
  output?: string;
  model?: string;
  normalize?: NormalizeChoice;
}

/** The command. */
export function evalCommand(): Command {
  const made = command({
    name: "eval",
    summary: "accuracy of a model on a data set",
    description:
      "Top-1 and top-5 accuracy in percent of a packed model (by the integer runtime), of a run or training checkpoint (by the training graph), of a float network in an ONNX file, or of plain float weights (with --model).",
    notes:
      'Plain float weights are evaluated with --normalize; without it, with what the file states ("normalize" in its safetensors metadata, written as --normalize takes it), or what is known of a public file by its SHA-256, or else as a fresh network would: colour images by the data set\'s customary constants, grey ones not at all. Runs, checkpoints and packed models know their own.',
    brief: {
      "--data": "data set, or imagefolder:DIR (default: the run's)",
      "--data-dir": "the data directory to look in, and in no other",
      "--limit": "use only the first n images",
      "--model": "network of plain float weights",
      "--normalize": "how plain float weights expect their images",
      "--threads": "threads to compute on, or auto (default: auto)",
      "--json": "print one JSON document on stdout, nothing else",
    },
    args: [["<model>", "packed model, run folder, training checkpoint, ONNX file, or float weights"]],
    examples: [
      "coarsegrad eval runs/first/model.cgm --data mnist --json",
      "coarsegrad eval runs/first",
      "coarsegrad eval weights.safetensors --model lenet5 --data fashion-mnist",
      "coarsegrad eval resnet20-cifar10.safetensors --model resnet20 --data cifar10 --normalize imagenet",
    ],
  });
  testImageOptions(made, "default: the one that the run was trained on");
  option(made, "--model <name>", `network of plain float weights: ${MODEL_NAMES.join(", ")}`, choice(MODEL_NAMES));
  made.option(
    "--normalize <how>",
    `how plain float weights expect their images: ${NORMALIZE_FORMS}`,
    (text) => parseNormalize(text) ?? "none",
  );
  outputOption(made);
  return onRun<EvalOptions>(engineOptions(made), async (options, [given], terminal) => {
    await startThreads(options);
    const warn = (text: string): void => terminal.warn(text);
    const source = await openModel(given, { output: options.output });
    const name = options.data ?? (source.kind === "checkpoint" ? source.config.data : undefined);
    if (name === undefined) {
      throw new UsageError({
        op: "eval",
        what: "no data set",
        expected: "--data NAME",
        got: "none",
        hint: "only a run or a training checkpoint knows its own",
      });
    }
    const kinds = { model: ["weights"], normalize: ["weights"] } as const;
    checkKind(made, source.kind, kinds, { normalize: "it knows its own normalization" });
    using session = source.kind === "packed" ? createSession(source.bytes, { file: source.path }) : undefined;
    const sound = source.kind === "checkpoint" ? infoOf(source.config).sound : session?.plan.sound;
    const data = await preparing(terminal, (prepare) =>
      testImages(name, { ...options, ...prepare, warn, sound }, sideOf(source, session)),
    );
    const normalize = evalNormalize(source, options, await imagesInfo(name), terminal);
    const notes: string[] = [];
    const note = (text: string): void => {
      notes.push(text);
      terminal.note(text);
    };
    const progress = startProgress(terminal, "eval", data.count);
    const found = await interruptible(terminal, "stopping", (signal) =>
      accuracyOf(
        source,
        session,
        data,
        { model: options.model, normalize, warn, note },
        (done) => progress.update(done),
        signal,
      ),
    ).finally(() => progress.stop());
    const { images, top1, top5, imagesPerSecond } = found;
    const answer = {
      model: given,
      kind: source.kind,
      data: data.name,
      images,
      top1,
      top5,
      imagesPerSecond,
      ...(normalize !== undefined && { normalize: normalizeText(normalize) }),
      ...(notes.length > 0 && { notes }),
    };
    terminal.result(answer, () => answerText(answer));
  });
}

/** The normalization of plain weights; undefined for models that have their own. */
function evalNormalize(
  source: ModelSource,
  { normalize }: EvalOptions,
  info: ImageConstants,
  terminal: Terminal,
): NormalizeOptions | null | undefined {
  if (source.kind !== "weights") return undefined;
  if (normalize !== undefined) return normalize === "none" ? null : normalize;
  const found = normalizeOf(source, info);
  if (found.assumed && found.normalize !== null) terminal.warn(assumedText(source.path, found.normalize));
  return found.normalize;
}

/** Side of the images that a model takes; undefined if it does not say. */
function sideOf(source: ModelSource, session: Session | undefined): number | undefined {
  if (session !== undefined) return session.inputShape[0];
  return source.kind === "checkpoint" ? infoOf(source.config).shape[0] : undefined;
}

async function accuracyOf(
  source: ModelSource,
  session: Session | undefined,
  data: ImageDataset,
  options: NetworkOptions,
  onProgress: (done: number) => void,
  signal: AbortSignal,
): Promise<Accuracy> {
  if (session !== undefined) return packedAccuracy(session, data, { onProgress, signal });
  if (source.kind === "weights" && options.model === undefined) {
    throw new UsageError({
      op: "eval",
      what: `${source.path} does not say which network its weights belong to`,
      expected: "--model NAME",
      got: "none",
    });
  }
  using net = await networkFor(source, data, options);
  if (source.kind === "checkpoint") {
    const { shape, classes } = infoOf(source.config);
    checkFits("eval", data, shape, classes);
  }
  const found = await evaluate(net, data, { onProgress: ({ images }) => onProgress(images), signal });
  return { ...found, top1: 100 * found.top1, top5: 100 * found.top5 };
}

/** The network of a source that is not packed. */
async function networkFor(
  source: ModelSource,
  data: ImageDataset,
  { model, normalize, warn, note }: NetworkOptions,
): Promise<Module> {
  if (source.kind === "checkpoint") return checkpointNetwork(source);
  if (source.kind === "onnx") {
    const net = onnxNetworkFor(source.bytes, source.path, data);
    for (const each of net.notes) note(each);
    return net;
  }
  const net = floatNetwork(model as string, data, source as WeightsSource, normalize ?? null);
  const doubt = layoutDoubt(net, source as WeightsSource, data.shape);
  if (doubt !== null) warn(doubt);
  return net;
}

function answerText(answer: Accuracy & { model: string; kind: ModelSource["kind"]; data: string }): string {
  const kinds = {
    packed: "packed model, integer runtime",
    checkpoint: "training graph",
    weights: "float weights",
    onnx: "imported network",
  };
  return fields([
    ["model", `${answer.model} (${kinds[answer.kind]})`],
    ["data", `${answer.data}, ${count(answer.images)} images`],
    ["top-1", percent(answer.top1)],
    ["top-5", percent(answer.top5)],
    ["speed", `${count(answer.imagesPerSecond)} images/s`],
  ]);
}
