/** @file What a packed model holds and costs: parameters by width, bytes on disk, multiplications by (W, A). */
import { bitsOfTop } from "../codes/levels.js";
import { bitOperations, type MacSummary, macsByBits } from "../codes/macs.js";
import { refuse } from "../core/checks.js";
import { bytesIn } from "../core/typed-arrays.js";
import {
  inputsOf,
  kindOf,
  macsOf,
  type NodeData,
  type PackedModel,
  type PlanNode,
  readPacked,
  type TensorInfo,
  type ValueType,
} from "../format/index.js";
import { provideKinds } from "../infer/kinds.js";
import { Module } from "../nn/module.js";
import { type PackOptions, pack } from "./pack.js";

/** One node of a packed model. */
export interface LayerSummary {
  /** Name of the layer, as the network has it. */
  readonly name: string;
  /** Kind of node. */
  readonly op: PlanNode["op"];
  /** Shapes for one image. */
  readonly inputShape: readonly number[];
  /** Shape of one output, without the batch. */
  readonly outputShape: readonly number[];
  /** Width of the weights: 1…8, 32 for float layers, null without weights. */
  readonly weightBits: number | null;
  /** Width of the values that the node reads: 1…8 for codes, 32 for floats. */
  readonly inputBits: number;
  /** Width of the values that it gives. */
  readonly outputBits: number;
  /** Weights, one code or number each. */
  readonly weights: number;
  /** Other numbers that it learned and that are stored: steps, biases, scales, thresholds. */
  readonly others: number;
  /** Multiply-accumulates for one image. */
  readonly macs: number;
  /** Bytes of its tensors in the file. */
  readonly bytes: number;
}

export type { MacSummary };

/** A packed model in numbers. All counts are for one image. */
export interface ModelSummary {
  /** One entry for each node, in the order in which they run. */
  readonly layers: readonly LayerSummary[];
  /** Weights by width, narrowest first. */
  readonly weightsByBits: readonly { readonly bits: number; readonly weights: number; readonly bytes: number }[];
  /** Number of weights. */
  readonly weights: number;
  /** Multiply-accumulates for one image. */
  readonly macs: number;
  /** Multiply-accumulates by width of weights and activations, narrowest first. */
  readonly macsByBits: readonly MacSummary[];
  /** Bit operations: Σ macs·W·A. */
  readonly bitOperations: number;
  /** Tensors in the file, in order. */
  readonly tensors: readonly TensorInfo[];
  /** Bytes of all tensors: `fileBytes − headerBytes`. */
  readonly tensorBytes: number;
  /** Bytes before the first tensor: names, offsets and the plan. */
  readonly headerBytes: number;
  /** Bytes of the file: header and tensors. */
  readonly fileBytes: number;
  /** Bytes that the weights alone take as f32. */
  readonly floatBytes: number;
}

/** Bits of codes up to `top`, or 32 for floats. */
function bitsOf(type: ValueType): number {
  return type.dtype === "u8" ? bitsOfTop(type.top) : 32;
}

/** Width of a node's weights: of codes, 32 for floats, null without weights. */
function weightBits(node: PlanNode): number | null {
  if (kindOf(node).patch === undefined) return null;
  return ("bits" in node ? node.bits : undefined) ?? 32;
}

function countOthers({ delta, bias, scale, shift, value, thresholds }: NodeData): number {
  const vectors = [delta, bias, scale, shift, value, thresholds?.values];
  return vectors.reduce((sum, vector) => sum + (vector?.length ?? 0), 0);
}

function layerOf(node: PlanNode, model: PackedModel): LayerSummary {
  const typeOf = (id: string): ValueType => model.values.get(id) as ValueType;
  const input = typeOf(inputsOf(node)[0]);
  const output = typeOf(node.id);
  const data = model.data.get(node.id) ?? {};
  const weights = data.codes?.length ?? data.weight?.length ?? 0;
  return {
    name: node.id,
    op: node.op,
    inputShape: input.shape,
    outputShape: output.shape,
    weightBits: weightBits(node),
    inputBits: bitsOf(input),
    outputBits: bitsOf(output),
    weights,
    others: countOthers(data),
    macs: macsOf(node, model.values),
    bytes: model.tensors.filter(({ name }) => ownerOf(name) === node.id).reduce((sum, { bytes }) => sum + bytes, 0),
  };
}

/** The node that a tensor of the file belongs to. */
function ownerOf(tensor: string): string {
  return tensor.slice(0, tensor.lastIndexOf("."));
}

/**
 * Counts what a packed model holds and costs.
 *
 * @param model the file's bytes, or a network (with options) that is packed for it
 * @returns counts; `tensorBytes` is the file's size less the header
 * @throws FormatError for bytes that are no packed model, QuantError for a network that cannot be packed
 */
export function summarize(model: Uint8Array | ArrayBufferLike): ModelSummary;
export function summarize(model: Module, options: PackOptions): ModelSummary;
export function summarize(model: Uint8Array | ArrayBufferLike | Module, options?: PackOptions): ModelSummary {
  if (!(model instanceof Module) && bytesIn(model) === null) {
    refuse("summarize", "model", "the bytes of a packed model, or a network and options", model);
  }
  const bytes = model instanceof Module ? pack(model, options as PackOptions) : model;
  provideKinds();
  const packed = readPacked(bytes);
  const layers = packed.plan.nodes.map((node) => layerOf(node, packed));
  const total = (of: (layer: LayerSummary) => number): number => layers.reduce((sum, layer) => sum + of(layer), 0);
  const weighted = layers.filter((layer) => layer.weightBits !== null);
  const widths = [...new Set(weighted.map((layer) => layer.weightBits as number))].sort((a, b) => a - b);
  const pairs = macsByBits(
    weighted.map(({ weightBits, inputBits, macs }) => ({
      weightBits: weightBits as number,
      activationBits: inputBits,
      macs,
    })),
  );
  return {
    layers,
    weightsByBits: widths.map((bits) => {
      const own = weighted.filter((layer) => layer.weightBits === bits);
      const names = new Set(own.map((layer) => `${layer.name}.weight`));
      return {
        bits,
        weights: own.reduce((sum, layer) => sum + layer.weights, 0),
        bytes: packed.tensors.filter(({ name }) => names.has(name)).reduce((sum, tensor) => sum + tensor.bytes, 0),
      };
    }),
    weights: total((layer) => layer.weights),
    macs: total((layer) => layer.macs),
    macsByBits: pairs,
    bitOperations: bitOperations(pairs),
    tensors: packed.tensors,
    tensorBytes: packed.fileBytes - packed.headerBytes,
    headerBytes: packed.headerBytes,
    fileBytes: packed.fileBytes,
    floatBytes: 4 * total((layer) => layer.weights),
  };
}
