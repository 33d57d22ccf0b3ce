/** @file The network of a run as training begins: fresh or from other weights, quantized and calibrated. */
import { refuse } from "../core/checks.js";
import { StateError } from "../core/errors.js";
import { sha256Hex } from "../core/sha256.js";
import type { BatchLoader } from "../data/loader.js";
import { pack } from "../export/index.js";
import type { Module } from "../nn/module.js";
import type { HostArray } from "../nn/state.js";
import type { Checkpoint } from "../train/checkpoint.js";
import { type BitWidths, parseBits } from "./bits.js";
import type { InitConfig, RunConfig } from "./config.js";
import { freshNetwork } from "./fresh-network.js";
import { infoOf } from "./images.js";
import { packOptions } from "./network.js";
import { onnxNetwork } from "./onnx.js";
import { isOnnx } from "./onnx-names.js";
import { calibrated, quantized } from "./quantize.js";
import type { ModelSource, OnnxSource, WeightsSource } from "./source.js";
import { loadWeights } from "./weights.js";

/** Files that a run starts from, as far as its configuration names them; `readModel` opens them. */
export interface StartFiles {
  /** The network, where `model` is an ONNX file. */
  readonly network?: OnnxSource;
  /** The weights of `init`. */
  readonly init?: ModelSource;
  /** The network of `teacher`. */
  readonly teacher?: ModelSource;
  /** Where an earlier part of the run ended. */
  readonly checkpoint?: Checkpoint;
}

/** The network of a run; a checkpoint fills in the rest later. @returns owned by the caller */
export async function startingNetwork(config: RunConfig, files: StartFiles, data: BatchLoader): Promise<Module> {
  const name = files.network?.path ?? config.model;
  const net = freshNetwork(name, infoOf(config), config.seed, config.normalize, files.network?.bytes);
  try {
    if (files.checkpoint !== undefined) return quantized(net, config);
    await fill(net, config, files.init, data);
    // What has no packed form is refused now, not after training.
    if (isOnnx(name)) pack(net, packOptions(infoOf(config)));
    return net;
  } catch (error) {
    net.dispose();
    throw error;
  }
}

async function fill(net: Module, config: RunConfig, source: ModelSource | undefined, data: BatchLoader): Promise<void> {
  // An imported network has its weights already, and its configuration names the file that they came from.
  const imported = isOnnx(config.model) && config.init !== null && isOnnx(config.init.file);
  const init = config.init === null || imported ? null : weightsOf(source, config.init);
  if (init?.quantBits === undefined) {
    if (init?.plain !== undefined) loadWeights(net, init.plain, infoOf(config).shape);
    else if (init !== null) net.loadStateDict(init.state);
    quantized(net, config);
    return calibrated(net, config, data);
  }
  // Latent weights and everything in float; steps of activations only where the widths are the same.
  const keepSteps = init.quantBits.activations === parseBits(config.bits).activations;
  net.loadStateDict(new Map([...init.state].filter(([key]) => !/(^|\.)alpha$/.test(key))));
  quantized(net, config);
  if (keepSteps) net.loadStateDict(init.state);
  return calibrated(net, config, data, keepSteps);
}

/** The state that a run starts from, and the widths that it was trained at, if it was quantized. */
function weightsOf(
  source: ModelSource | undefined,
  { file, sha256 }: InitConfig,
): { state: ReadonlyMap<string, HostArray>; plain?: WeightsSource; quantBits?: BitWidths } {
  if (source === undefined) refuse("createRun", "init", `the weights of ${file}, as readModel opens them`, source);
  if (source.kind === "packed") {
    throw new StateError({ op: "--init", what: `${file} is a packed model`, expected: "weights as float32" });
  }
  const own = sha256Hex(source.bytes);
  if (own !== sha256) {
    const what = `${file} has changed since the run was made`;
    throw new StateError({ op: "--init", what, expected: `SHA-256 ${sha256}`, got: own });
  }
  if (source.kind === "weights") return { state: new Map(), plain: source };
  if (source.kind === "onnx") {
    using given = onnxNetwork(source.bytes, file);
    // Copies: the imported network goes with its memory.
    return { state: copied(given) };
  }
  const { config, checkpoint } = source;
  return { state: checkpoint.model, ...(config.quant !== null && { quantBits: parseBits(config.bits) }) };
}

/** Parameters and buffers of a network, copied out of the heap. */
export function copied(net: Module): Map<string, HostArray> {
  return new Map([...net.stateDict()].map(([key, a]) => [key, { shape: a.shape, data: a.toTypedArray() }]));
}
