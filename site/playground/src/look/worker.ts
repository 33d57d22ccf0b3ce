/** @file The worker that looks into files: packed models, ONNX files, checkpoints, weights. */
import { pack } from "coarsegrad/export";
import { createSession, type Session } from "coarsegrad/infer";
import { importOnnx } from "coarsegrad/onnx";
import { type CheckpointSource, type ModelSource, networkOf, readModel, type WeightsSource } from "coarsegrad/run";
import { serve } from "coarsegrad/worker";
import { bytes as bytesText, count } from "../shell/numbers.js";
import { layerView } from "../shell/views.js";
import { packedReport } from "./packed-report.js";
import type { Answer, ModelReport } from "./report.js";

let session: Session | null = null;

/** @throws FormatError and others of the library, which say what is wrong with the file */
function open(name: string, file: Uint8Array): ModelReport {
  session?.dispose();
  session = null;
  const source = readModel(file, name);
  if (source.kind === "weights") return weightsReport(source);
  const { bytes, notes } = madeOf(source, file, name);
  const report = packedReport(bytes, name);
  if (report.input !== null) session = createSession(bytes, { maxBatch: 1 });
  const kind = { packed: "A packed model", onnx: "An ONNX file", checkpoint: "A training checkpoint" }[source.kind];
  const figures =
    source.kind === "packed" ? report.figures : [["file", bytesText(file.length)] as const, ...report.figures.slice(1)];
  return { ...report, kind, figures, notes };
}

interface Made {
  readonly bytes: Uint8Array;
  readonly notes: string[];
}

function madeOf(source: Exclude<ModelSource, WeightsSource>, file: Uint8Array, name: string): Made {
  if (source.kind === "packed") return { bytes: file, notes: [] };
  return source.kind === "onnx" ? fromOnnx(file, name) : fromCheckpoint(source);
}

function fromOnnx(file: Uint8Array, name: string): Made {
  const net = importOnnx(file, { file: name, logits: true });
  try {
    return { bytes: pack(net, { inputShape: net.inputShape }), notes: [...net.notes] };
  } finally {
    net.dispose();
  }
}

function fromCheckpoint({ config, checkpoint }: CheckpointSource): Made {
  const net = networkOf(config);
  try {
    net.loadStateDict(checkpoint.model);
    const inputShape = config.images?.shape ?? (config.data === "cifar10" ? [32, 32, 3] : [28, 28, 1]);
    const notes = [
      `${config.model} at ${config.bits}, ${config.data}, after ${checkpoint.epoch} of ${config.epochs} epochs.`,
    ];
    return { bytes: pack(net.eval(), { inputShape, classes: config.images?.classNames }), notes };
  } finally {
    net.dispose();
  }
}

function weightsReport({ tensors, unread, bytes, metadata }: WeightsSource): ModelReport {
  const floats = [...tensors].filter(([, { data }]) => data instanceof Float32Array);
  const total = [...tensors.values()].reduce((sum, { data }) => sum + data.length, 0);
  return {
    kind: "Weights by name, without their network",
    figures: [
      ["file", bytesText(bytes.length)],
      ["tensors", count(tensors.size + unread.size)],
      ["numbers", count(total)],
      ...(metadata.format === undefined ? [] : [["written by", metadata.format] as const]),
    ],
    heads: ["tensor", "type", "shape", ">numbers", ">bytes"],
    rows: [
      ...[...tensors].map(([key, { dtype, shape, data }]) => [
        key,
        dtype,
        shape.join("×") || "one number",
        count(data.length),
        count(data.byteLength),
      ]),
      ...[...unread].map(([key, type]) => [key, `${type}, not read`, "", "", ""]),
    ],
    histograms: floats
      .filter(([, { shape }]) => shape.length > 1)
      .map(([key, { data }]) => layerView(key, 32, data as Float32Array, null)),
    thresholds: [],
    input: null,
    classes: null,
    notes: [],
  };
}

const RUNS = 10;

/** @param pixels RGBA, of the model's size */
function run(pixels: Uint8ClampedArray, width: number, height: number, classes: readonly string[] | null): Answer {
  if (session === null) throw new Error("There is no model that takes pictures.");
  const image = { data: pixels, width, height };
  const output = session.run(image);
  const start = performance.now();
  for (let i = 0; i < RUNS; i++) session.run(image, output);
  const milliseconds = (performance.now() - start) / RUNS;
  const most = output.reduce((a, b) => Math.max(a, b));
  const powers = Array.from(output, (x) => Math.exp(x - most));
  const sum = powers.reduce((a, b) => a + b);
  const best = powers
    .map((power, i) => ({ label: classes?.[i] ?? `class ${i}`, probability: power / sum }))
    .sort((a, b) => b.probability - a.probability)
    .slice(0, 5);
  return { best, milliseconds };
}

const handlers = { open, run };

export type LookHandlers = typeof handlers;

serve(handlers);
