/** @file Networks as files: weights, buffers and steps under their names, and how each layer is quantized. */
import { check, checkBytes, checkOptions, describe, instanceOf, record, text } from "../core/checks.js";
import { FormatError, QuantError } from "../core/errors.js";
import { contentChecksum } from "../io/checksum.js";
import { isPyTorch, isZip, refuseForeign } from "../io/foreign-weights.js";
import { readJson } from "../io/json.js";
import { readSafetensors, type SafeEntry, writeSafetensors } from "../io/safetensors.js";
import { Module } from "../nn/module.js";
import { wrapperPrefix } from "../nn/prefix.js";
import { listed, valuesOf } from "../nn/state.js";
import { isQuantLayer } from "../quant/layers.js";
import { Staircase } from "../quant/staircase.js";
import { canonicalJson } from "./digest.js";
import { checkContent } from "./file-checksum.js";

/** What {@link save} calls its files. */
export const WEIGHTS_FORMAT = "coarsegrad-weights";
const VERSION = "1";
/** Metadata that this file gives by itself. */
const OWN = ["format", "version", "quantization", "checksum"];

/** Options of {@link save}. */
export interface SaveOptions {
  /** Texts of your own, which every reader of safetensors sees. Default none. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/** Options of {@link load}. */
export interface LoadWeightsOptions {
  /** The file's name in messages. Default `weights`. */
  readonly file?: string;
}

/**
 * How a network is quantized, by path: all that decides which codes its weights and activations have, besides the
 * state.
 */
function quantizationOf(net: Module): Record<string, string> {
  const layers = [...net.namedModules()].flatMap(([path, module]) => {
    if (isQuantLayer(module)) {
      const { projection, granularity } = module.weight;
      return [[path, canonicalJson({ granularity, projection: projection.describe() })]];
    }
    if (module instanceof Staircase) {
      const { bits, rounding } = module;
      return [[path, canonicalJson({ bits, rounding })]];
    }
    return [];
  });
  return Object.fromEntries(layers) as Record<string, string>;
}

/**
 * Writes a network: its state under its own names (`conv1.weight`, which other readers of safetensors and
 * {@link Module.loadStateDict} take), and how each layer is quantized. Quantized weights travel as the latent weights
 * that their codes follow from, so that training can go on.
 *
 * @returns bytes of a safetensors file with a checksum; equal networks give equal bytes
 * @throws ArgumentError for what is no network, or metadata under a name that the file uses itself; DisposedError
 * @example
 * const bytes = save(net);
 * load(bytes, prepare(new LeNet5(), { weights: 1, activations: 4 }));
 */
export function save(net: Module, options: SaveOptions = {}): Uint8Array {
  check("save", "net", net, instanceOf(Module as never, "a Module"));
  checkOptions<SaveOptions>("save", options, { metadata: record });
  const own = Object.entries(options.metadata ?? {});
  for (const [key, value] of own) {
    check("save", `metadata.${describe(key)}`, OWN.includes(key) ? null : value, text, `not one of ${OWN.join(", ")}`);
  }
  const entries: SafeEntry[] = [...net.stateDict()].map(([name, array]) => ({
    name,
    shape: array.shape,
    data: valuesOf(array) as Float32Array,
  }));
  const metadata = {
    ...Object.fromEntries(own),
    format: WEIGHTS_FORMAT,
    version: VERSION,
    quantization: canonicalJson(quantizationOf(net)),
  };
  return writeSafetensors(entries, { ...metadata, checksum: contentChecksum(entries, metadata) });
}

/**
 * Puts a saved state into a network of the same structure. Checkpoints of training are read too: their model's state is
 * taken.
 *
 * Everything is compared first: after an error the network is as it was.
 *
 * @param bytes what {@link save}, `saveCheckpoint` or the command line wrote, or any safetensors file of float tensors
 * under the network's names, or behind what a wrapper of PyTorch's put in front of all of them (`module.`,
 * `_orig_mod.`, `model.`)
 * @param net built and, if the file's was, quantized in the same way
 * @returns the network
 * @throws FormatError on damaged files; QuantError naming the layers that are quantized otherwise than in the file;
 * StateError naming keys and shapes
 */
export function load<Net extends Module>(bytes: Uint8Array, net: Net, options: LoadWeightsOptions = {}): Net {
  checkOptions<LoadWeightsOptions>("load", options, { file: text });
  const { file = "weights" } = options;
  check("load", "net", net, instanceOf(Module as never, "a Module"));
  bytes = checkBytes("load", "bytes", bytes);
  refuseForeign(bytes, file);
  if (isPyTorch(bytes)) {
    throw new FormatError({
      op: file,
      what: "not a file that load reads",
      expected: "safetensors",
      got: isZip(bytes) ? "an archive, as torch.save writes them" : "a checkpoint of PyTorch's before 1.6",
      hint: "loadPyTorch(net, readPyTorch(bytes).tensors, { inputShape: [H, W, C] })",
    });
  }
  const { tensors, metadata } = readSafetensors(bytes, file);
  checkContent(tensors, metadata, file);
  if (metadata.format === WEIGHTS_FORMAT) checkQuantization(metadata, net, file);
  const isCheckpoint = metadata.format === "coarsegrad-checkpoint";
  const prefix = isCheckpoint ? "model." : wrapperPrefix([...tensors.keys()], new Set(net.stateDict().keys()));
  const model = [...tensors].filter(([name]) => !isCheckpoint || name.startsWith(prefix));
  net.loadStateDict(new Map(model.map(([name, tensor]) => [name.slice(prefix.length), tensor])));
  return net;
}

function checkQuantization({ version, quantization }: Record<string, string>, net: Module, file: string): void {
  if (version !== VERSION) {
    const got = describe(version);
    throw new FormatError({ op: file, what: "unknown version", expected: `${WEIGHTS_FORMAT} version ${VERSION}`, got });
  }
  const layers = readJson(quantization ?? "", file, "quantization");
  if (record(layers) !== null || Object.values(layers as object).some((entry) => text(entry) !== null)) {
    throw new FormatError({ op: file, what: "bad quantization", expected: "what save writes", got: describe(layers) });
  }
  const [saved, own] = [new Map(Object.entries(layers as Record<string, string>)), quantizationOf(net)];
  const paths = [...new Set([...saved.keys(), ...Object.keys(own)])];
  const differing = paths.filter((path) => saved.get(path) !== (Object.hasOwn(own, path) ? own[path] : undefined));
  if (differing.length === 0) return;
  const told = (of: (path: string) => string | undefined): string =>
    listed(
      "layers",
      differing.map((path) => `${describe(path).slice(1, -1)} ${of(path) ?? "float"}`),
    );
  throw new QuantError({
    op: file,
    what: "the network is not quantized as the saved one was",
    expected: told((path) => saved.get(path)),
    got: told((path) => (Object.hasOwn(own, path) ? own[path] : undefined)),
    hint: "prepare the network with the same policy first; nothing was changed",
  });
}
