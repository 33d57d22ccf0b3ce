/** @file A packed model's layers, weights and thresholds. Runs in workers. */
import { summarize } from "coarsegrad/export";
import { type PackedModel, readPacked } from "coarsegrad/infer";
import type { LayerView } from "../shell/histogram.js";
import { bytes, count } from "../shell/numbers.js";
import { layerView } from "../shell/views.js";
import type { ModelReport, ThresholdView } from "./report.js";

const CHANNELS = 16;
const width = (bits: number | null): string => (bits === null ? "" : bits === 32 ? "float" : `${bits}`);
const some = (value: number): string => (value === 0 ? "" : count(value));

/** Everything about a packed model but what file it came in. */
export function packedReport(file: Uint8Array, name: string): Omit<ModelReport, "kind" | "notes"> {
  const model = readPacked(file, name);
  const summary = summarize(file);
  const { shape } = model.plan.input;
  return {
    figures: [
      ["file", bytes(summary.fileBytes)],
      ["weights", count(summary.weights)],
      ["as float32", bytes(summary.floatBytes)],
      ["multiplications a picture", count(summary.macs)],
      ["bit operations", `${(summary.bitOperations / 1e6).toFixed(1)} M`],
    ],
    heads: ["layer", "kind", "gives", ">W bits", ">input bits", ">weights", ">bytes", ">multiplications"],
    rows: summary.layers.map((layer) => [
      layer.name,
      layer.op,
      layer.outputShape.join("×"),
      width(layer.weightBits),
      layer.weightBits === null ? "" : width(layer.inputBits),
      some(layer.weights),
      some(layer.bytes),
      some(layer.macs),
    ]),
    histograms: histogramsOf(model),
    thresholds: thresholdsOf(model),
    input: shape.length === 3 && [1, 3, 4].includes(shape[2]) ? shape : null,
    classes: model.plan.classes ?? null,
  };
}

function histogramsOf({ plan, data }: PackedModel): LayerView[] {
  return plan.nodes.flatMap((node): LayerView[] => {
    const { codes, delta, weight } = data.get(node.id) ?? {};
    if (codes !== undefined && delta !== undefined && "bits" in node) {
      const row = codes.length / delta.length;
      const values = Float32Array.from(codes, (code, i) => code * delta[Math.floor(i / row)]);
      return [layerView(node.id, node.bits as number, values, { codes, delta })];
    }
    return weight === undefined ? [] : [layerView(node.id, 32, weight, null)];
  });
}

function thresholdsOf({ plan, data }: PackedModel): ThresholdView[] {
  return plan.nodes.flatMap(({ id }): ThresholdView[] => {
    const thresholds = data.get(id)?.thresholds;
    if (thresholds === undefined) return [];
    const { values, flip, top } = thresholds;
    const rows = Array.from({ length: Math.min(CHANNELS, flip.length) }, (_, c) =>
      Array.from(values.subarray(c * top, (c + 1) * top)),
    );
    // Thresholds that no sum can reach are kept as very large numbers: they would hide the others.
    const all = [...values].map(Number).sort((a, b) => a - b);
    const at = (share: number): number => all[Math.floor(share * (all.length - 1))];
    const [low, high] = [at(0.02), at(0.98)];
    return [{ name: id, channels: flip.length, low, high: high > low ? high : low + 1, rows }];
  });
}
