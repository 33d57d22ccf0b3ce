/** @file What of a network is quantized and what is not, as data and as a table. */
import { packedBytes } from "../codes/bits.js";
import { BYTE_TOP } from "../codes/levels.js";
import { EXACT_LIMIT, rowMass } from "../codes/sums.js";
import { check, checkOptions, instanceOf, listOf, numeric, type OptionRules, type Rule } from "../core/checks.js";
import { ReLU, Sigmoid, Softmax, Tanh } from "../nn/activation.js";
import { Conv2d } from "../nn/conv.js";
import { Conv1d } from "../nn/conv1d.js";
import { Linear } from "../nn/linear.js";
import { Module } from "../nn/module.js";
import { PointwiseActivation } from "../nn/pointwise.js";
import { isQuantLayer, QuantLinear } from "./layers.js";
import type { Granularity } from "./quant-parameter.js";
import { Staircase } from "./staircase.js";

/** One layer of a {@link QuantReport}. */
export interface LayerReport {
  /** Dotted path. */
  readonly name: string;
  /** Kind of layer. */
  readonly kind: "conv" | "linear" | "activation";
  /** Whether it is quantized. */
  readonly quantized: boolean;
  /** 1…8, 32 for float weights, null for activations. */
  readonly weightBits: number | null;
  /** 1…8, 32 for float activations, null for layers with weights. */
  readonly activationBits: number | null;
  /** Null unless weights are quantized. */
  readonly granularity: Granularity | null;
  /** Name of the projection, or of the coarse derivative; null for float. */
  readonly rule: string | null;
  /** Number of weights. */
  readonly weights: number;
  /** Bytes of weights, steps and bias when packed (1, 2, 4 or 8 bits a code), or as f32. */
  readonly bytes: number;
  /**
   * Largest input code for which every sum of the layer is an exact f32 integer: 15 or more is enough for 4-bit
   * activations, 255 for 8-bit images. Null unless weights are quantized.
   */
  readonly exactInputs: number | null;
}

/** What {@link quantReport} finds. */
export interface QuantReport {
  /** One entry for each layer. */
  readonly layers: readonly LayerReport[];
  /** Weights of convolutions and linear layers that are quantized, and that are not. */
  readonly quantizedWeights: number;
  /** How many are not quantized. */
  readonly floatWeights: number;
  /** Activation layers that are quantized, and that are not. */
  readonly quantizedActivations: number;
  /** How many are not quantized. */
  readonly floatActivations: number;
  /** Sum of the layers' bytes, and of the same layers in f32. */
  readonly bytes: number;
  /** The same layers in f32. */
  readonly floatBytes: number;
}

/** The report of one layer; null for modules of other kinds. @throws QuantError if a weight is NaN or infinite */
export function layerReport(name: string, module: Module): LayerReport | null {
  const float: LayerReport = {
    name,
    kind: "activation",
    quantized: false,
    weightBits: null,
    activationBits: null,
    granularity: null,
    rule: null,
    weights: 0,
    bytes: 0,
    exactInputs: null,
  };
  if (isQuantLayer(module)) {
    const { weight, bias } = module;
    const { bits, delta, codes } = weight.quantized();
    const mass = rowMass(codes.view(), codes.shape[0]);
    return {
      ...float,
      kind: module instanceof QuantLinear ? "linear" : "conv",
      quantized: true,
      weightBits: bits,
      granularity: weight.granularity,
      rule: weight.projection.name,
      weights: weight.size,
      bytes: packedBytes(weight.size, bits) + 4 * (delta.length + (bias?.size ?? 0)),
      exactInputs: mass === 0 ? BYTE_TOP : Math.min(BYTE_TOP, Math.floor(EXACT_LIMIT / mass)),
    };
  }
  if (module instanceof Conv2d || module instanceof Conv1d || module instanceof Linear) {
    const weights = module.weight.size;
    const bytes = 4 * (weights + (module.bias?.size ?? 0));
    return { ...float, kind: module instanceof Linear ? "linear" : "conv", weightBits: 32, weights, bytes };
  }
  if (module instanceof Staircase) {
    return { ...float, quantized: true, activationBits: module.bits, rule: module.proxy.name, bytes: 4 };
  }
  const activation = [ReLU, Tanh, Sigmoid, Softmax, PointwiseActivation].some((type) => module instanceof type);
  return activation ? { ...float, activationBits: 32 } : null;
}

/**
 * Lists the layers with weights and the activations of a network, in order, each with its widths; a layer that several
 * places share appears once.
 *
 * @param net quantized, partly quantized or float
 * @throws QuantError if a weight is NaN or infinite
 */
export function quantReport(net: Module): QuantReport {
  check("quantReport", "network", net, instanceOf(Module, "a module"));
  const layers = [...net.namedModules()].flatMap(([name, module]) => layerReport(name, module) ?? []);
  const total = (of: (layer: LayerReport) => number): number => layers.reduce((sum, layer) => sum + of(layer), 0);
  const isActivation = ({ kind }: LayerReport): boolean => kind === "activation";
  return {
    layers,
    quantizedWeights: total((layer) => (layer.quantized ? layer.weights : 0)),
    floatWeights: total((layer) => (layer.quantized ? 0 : layer.weights)),
    quantizedActivations: layers.filter((layer) => isActivation(layer) && layer.quantized).length,
    floatActivations: layers.filter((layer) => isActivation(layer) && !layer.quantized).length,
    bytes: total(({ bytes }) => bytes),
    floatBytes: 4 * total(({ weights }) => weights),
  };
}

const isLayer: Rule = (value) => {
  const { name, kind, weights, bytes } = (value ?? {}) as Partial<LayerReport>;
  const good = [name, kind].every((field) => typeof field === "string") && numeric(weights) === null;
  return good && numeric(bytes) === null ? null : "a layer's report";
};
const REPORT_RULES: OptionRules<QuantReport> = {
  layers: listOf(isLayer),
  quantizedWeights: numeric,
  floatWeights: numeric,
  quantizedActivations: numeric,
  floatActivations: numeric,
  bytes: numeric,
  floatBytes: numeric,
};

const bitsText = (bits: number | null): string => (bits === null ? "" : bits === 32 ? "float" : `${bits}`);

/** A report as a table of text, one layer a line, with totals below. */
export function formatQuantReport(report: QuantReport): string {
  checkOptions<QuantReport>("formatQuantReport", report, REPORT_RULES, ["layers"]);
  const header = ["layer", "kind", "W", "A", "scale per", "rule", "weights", "bytes"];
  const rows = report.layers.map((layer) => [
    layer.name,
    layer.kind,
    bitsText(layer.weightBits),
    bitsText(layer.activationBits),
    layer.granularity ?? "",
    layer.rule ?? "",
    layer.weights === 0 ? "" : `${layer.weights}`,
    layer.bytes === 0 ? "" : `${layer.bytes}`,
  ]);
  const widths = header.map((title, i) => Math.max(title.length, ...rows.map((row) => row[i].length)));
  const numeric = new Set([2, 3, 6, 7]);
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (numeric.has(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
      .join("  ")
      .trimEnd();
  const { quantizedWeights, floatWeights, quantizedActivations, floatActivations, bytes, floatBytes } = report;
  return [
    line(header),
    line(widths.map((width) => "-".repeat(width))),
    ...rows.map(line),
    `${quantizedWeights} of ${quantizedWeights + floatWeights} weights quantized, ` +
      `${quantizedActivations} of ${quantizedActivations + floatActivations} activations; ` +
      `${bytes} bytes for ${floatBytes} as f32`,
  ].join("\n");
}
