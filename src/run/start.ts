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
import { loadNamedWeights, loadRunState, type NamedNetwork } from "./named-weights.js";
import { packOptions } from "./network.js";
import { onnxNetwork } from "./onnx.js";
import { isOnnx } from "./onnx-names.js";
import { calibrated, quantized } from "./quantize.js";
import type { ModelSource, OnnxSource } from "./source.js";

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
  const init = config.init === null || imported ? null : weightsOf(source, config.init, config);
  const to = { net, name: config.model };
  if (init?.quantBits === undefined) {
    init?.load(to);
    quantized(net, config);
    return calibrated(net, config, data);
  }
  // Latent weights and everything in float; steps of activations only where the widths are the same.
  const keepSteps = init.quantBits.activations === parseBits(config.bits).activations;
  init.load(to, (key) => !/(^|\.)alpha$/.test(key));
  quantized(net, config);
  if (keepSteps) init.load(to);
  return calibrated(net, config, data, keepSteps);
}

/** What a run starts from. */
interface StartWeights {
  /** Loads it into the network of the run, or of a quantized run those keys alone. */
  readonly load: (to: NamedNetwork, wanted?: (key: string) => boolean) => void;
  /** The widths that it was trained at, if it was quantized. */
  readonly quantBits?: BitWidths;
}

function weightsOf(source: ModelSource | undefined, { file, sha256 }: InitConfig, config: RunConfig): StartWeights {
  if (source === undefined) refuse("createRun", "init", `the weights of ${file}, as readModel opens them`, source);
  if (source.kind === "packed") {
    throw new StateError({ op: "--init", what: `${file} is a packed model`, expected: "weights as float32" });
  }
  const own = sha256Hex(source.bytes);
  if (own !== sha256) {
    const what = `${file} has changed since the run was made`;
    throw new StateError({ op: "--init", what, expected: `SHA-256 ${sha256}`, got: own });
  }
  if (source.kind === "weights") return { load: (to) => loadNamedWeights(to, source, infoOf(config)) };
  if (source.kind === "onnx") {
    using given = onnxNetwork(source.bytes, file);
    // Copies: the imported network goes with its memory.
    const state = copied(given);
    return { load: ({ net }) => net.loadStateDict(state) };
  }
  const { config: earlier, checkpoint } = source;
  return {
    load: (to, wanted = () => true) => {
      const state = new Map([...checkpoint.model].filter(([key]) => wanted(key)));
      loadRunState(to, state, file, earlier.model);
    },
    ...(earlier.quant !== null && { quantBits: parseBits(earlier.bits) }),
  };
}

/** Parameters and buffers of a network, copied out of the heap. */
export function copied(net: Module): Map<string, HostArray> {
  return new Map([...net.stateDict()].map(([key, a]) => [key, { shape: a.shape, data: a.toTypedArray() }]));
}
