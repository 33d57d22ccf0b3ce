/** @file Verification: every value of the training graph against the packed runtime, image by image, bit by bit. */
import { rankOf } from "../codes/ranking.js";
import { callable, check, checkOptions, integer, type Rule, record, describe as told } from "../core/checks.js";
import { ArgumentError, StateError } from "../core/errors.js";
import { shapeText, sizeOf } from "../core/shape.js";
import { kindOf } from "../core/typed-arrays.js";
import { openPacked, type PackedModel, type PlanNode, planValues, type ValueType } from "../format/index.js";
import { createSession, type Session } from "../infer/index.js";
import { provideKinds } from "../infer/kinds.js";
import { scope } from "../memory/scope.js";
import { NDArray } from "../ndarray/ndarray.js";
import type { Module } from "../nn/module.js";
import { checkNetwork, lowered } from "./pack.js";
import { traceModule } from "./trace.js";

/** Labelled inputs; data sets of `coarsegrad/data` are such. */
export interface VerifyData {
  /** Inputs one after the other: bytes for models with u8 input, else f32. */
  readonly images: Uint8Array | Float32Array;
  /** One label per input; without labels no accuracy is given. */
  readonly labels?: ArrayLike<number>;
}

/** Choices of {@link verify}. */
export interface VerifyOptions {
  /** Images at once. Default 128. */
  batch?: number;
  /** Called after every batch. */
  onProgress?: (progress: { images: number; total: number; identical: boolean }) => void;
  /** Stops between batches by throwing its reason. */
  signal?: AbortSignal;
}

/** Where two values first differ. */
export interface Difference {
  /** Index of the image in the data. */
  readonly image: number;
  /** Index within the layer's output for that image, row-major, channel fastest. */
  readonly position: number;
  /** In the training graph. */
  readonly expected: number;
  /** In the packed runtime. */
  readonly got: number;
}

/** Comparison of one layer's outputs over all images. */
export interface LayerComparison {
  /** Name of the layer, as the network has it. */
  readonly name: string;
  /** Kind of node. */
  readonly op: PlanNode["op"];
  /** `codes` are small integers; `values` are f32, compared bit by bit. */
  readonly kind: "codes" | "values";
  /** Numbers that are equal. */
  readonly equal: number;
  /** Numbers that were compared. */
  readonly total: number;
  /** The first number that differs, or null. */
  readonly firstDifference: Difference | null;
}

/** What {@link verify} finds. */
export interface Verification {
  /** True if every compared number is equal, bit by bit. */
  readonly identical: boolean;
  /** One entry for each layer, in the order in which they run. */
  readonly layers: readonly LayerComparison[];
  /** Number of images that were compared. */
  readonly images: number;
  /** Share of right labels, in [0, 1]; null without labels. */
  readonly accuracyTraining: number | null;
  /** As accuracyTraining, of the packed file. */
  readonly accuracyPacked: number | null;
}

/** An AbortSignal of any realm. */
const abortable: Rule = (value) =>
  typeof (Object(value) as Partial<AbortSignal>).throwIfAborted === "function" ? null : "an AbortSignal";

type Counting = { -readonly [Field in keyof LayerComparison]: LayerComparison[Field] };

/**
 * Runs a data set through the training graph (in evaluation mode) and through the packed runtime and compares every
 * layer's output: codes of staircases and pools, and the real numbers of what stays in float, logits included. NaN
 * equals NaN; 0 and −0 differ.
 *
 * @param net the network that was packed
 * @param packed bytes of the packed file, or what `readPacked` made of them
 * @returns equal and total per layer, the first difference of each, and both accuracies
 * @throws StateError if the file's plan is not that of the network; ArgumentError if the data do not fit; FormatError
 * for bytes that are no packed model; the signal's reason if it is aborted
 */
export async function verify(
  net: Module,
  packed: Uint8Array | ArrayBufferLike | PackedModel,
  data: VerifyData,
  options: VerifyOptions = {},
): Promise<Verification> {
  checkNetwork("verify", net);
  checkOptions("verify", options, { batch: integer(1), onProgress: callable, signal: abortable });
  check("verify", "data", data, record);
  const { batch = 128, onProgress, signal } = options;
  provideKinds();
  const model = openPacked("verify", packed);
  const sources = sourcesOf(net, model);
  const size = sizeOf(model.plan.input.shape);
  const total = checkData(model, data, size);
  const layers = new Map<string, Counting>();
  for (const { id, op } of model.plan.nodes) {
    const kind = model.values.get(id)?.dtype === "u8" ? "codes" : "values";
    if (sources.has(id)) layers.set(id, { name: id, op, kind, equal: 0, total: 0, firstDifference: null });
  }
  const hits = { training: 0, packed: 0 };
  using session = createSession(packed, { maxBatch: batch });
  for (let first = 0; first < total; first += batch) {
    signal?.throwIfAborted();
    const count = Math.min(batch, total - first);
    const images = data.images.subarray(first * size, (first + count) * size);
    const labels = Array.prototype.slice.call(data.labels ?? [], first, first + count) as number[];
    const logits = compareBatch({ net, model, session, sources, layers }, images, first);
    hits.training += countRight(logits.training, labels);
    hits.packed += countRight(logits.packed, labels);
    const identical = [...layers.values()].every((layer) => layer.equal === layer.total);
    onProgress?.({ images: first + count, total, identical });
    // Gives the event loop a turn: a page stays alive, an interrupt is heard.
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
  const share = (right: number): number | null => (data.labels === undefined ? null : right / total);
  return {
    identical: [...layers.values()].every((layer) => layer.equal === layer.total),
    // What runs inside a later node's pass has no values to compare; that node's are compared.
    layers: [...layers.values()].filter(({ total }) => total > 0),
    images: total,
    accuracyTraining: share(hits.training),
    accuracyPacked: share(hits.packed),
  };
}

/** For each node of the file, the place of its result in a trace of the network. @throws StateError */
function sourcesOf(net: Module, { plan, values }: PackedModel): ReadonlyMap<string, number> {
  const { shape, dtype, step } = plan.input;
  const own = lowered(net, { inputShape: shape, inputType: dtype, inputStep: step, relaxed: "float" });
  const describe = (nodes: readonly PlanNode[], types: ReadonlyMap<string, ValueType>): string =>
    nodes
      .map(({ id, op }) => `${id} (${op} ${types.get(id)?.dtype} ${shapeText(types.get(id)?.shape ?? [])})`)
      .join(", ");
  const expected = describe(own.plan.nodes, planValues(own.plan, "verify"));
  const got = describe(plan.nodes, values);
  if (expected !== got) {
    throw new StateError({ op: "verify", what: "the packed file is of another network", expected, got });
  }
  return own.sources;
}

function checkData(model: PackedModel, { images, labels }: VerifyData, size: number): number {
  const refuse = (what: string, expected: string, got: string): never => {
    throw new ArgumentError({ op: "verify", what, expected, got });
  };
  const kind = kindOf(images);
  const bytes = kind === "Uint8Array" || kind === "Uint8ClampedArray";
  if (!bytes && kind !== "Float32Array") refuse("images", "a Uint8Array or a Float32Array", told(images));
  const count = images.length / size;
  if (!Number.isInteger(count) || count === 0) {
    refuse("images", `a positive multiple of ${size} values`, `${images.length}`);
  }
  if ((model.plan.input.dtype === "u8") !== bytes) {
    refuse("type of the images", model.plan.input.dtype, bytes ? "u8" : "f32");
  }
  if (labels !== undefined && Object(labels).length !== count) {
    refuse("number of labels", `${count}`, kindOf(labels) || Array.isArray(labels) ? `${labels.length}` : told(labels));
  }
  const odd = labels === undefined ? -1 : Array.prototype.findIndex.call(labels, (label) => typeof label !== "number");
  if (labels !== undefined && odd >= 0) refuse("labels", "numbers", `${told(labels[odd])} at ${odd}`);
  return count;
}

/** What one batch is compared with. */
interface Comparison {
  readonly net: Module;
  readonly model: PackedModel;
  readonly session: Session;
  readonly sources: ReadonlyMap<string, number>;
  readonly layers: ReadonlyMap<string, Counting>;
}

/** Compares all layers on one batch. @returns the outputs of both */
function compareBatch(
  { net, model, session, sources, layers }: Comparison,
  images: Uint8Array | Float32Array,
  first: number,
): { training: Float32Array; packed: Float32Array } {
  return scope(() => {
    const { shape, dtype, step } = model.plan.input;
    const count = images.length / sizeOf(shape);
    const trace = traceModule(net, NDArray.from(images, [count, ...shape], dtype, step ?? null));
    const packed = session.runTraced(images, (value) => {
      const layer = layers.get(value.id);
      if (layer === undefined) return;
      const result = trace.order[sources.get(value.id) as number];
      const size = sizeOf(value.type.shape);
      const own = result.data.view().subarray(value.first * size, (value.first + value.count) * size);
      compare(layer, own, value.data, first + value.first, size);
    });
    return { training: Float32Array.from(trace.output.value.view()), packed };
  });
}

/** Counts equal elements; floats are equal if their bits are, or if both are NaN. */
function compare(
  layer: Counting,
  expected: ArrayLike<number>,
  got: ArrayLike<number>,
  firstImage: number,
  size: number,
): void {
  layer.total += got.length;
  for (let i = 0; i < got.length; i++) {
    if (Object.is(expected[i], got[i])) layer.equal++;
    else {
      layer.firstDifference ??= {
        image: firstImage + Math.floor(i / size),
        position: i % size,
        expected: expected[i],
        got: got[i],
      };
    }
  }
}

/** Number of rows of outputs whose label has the largest value; the first of equals counts, and NaN outranks all. */
function countRight(outputs: Float32Array, labels: readonly number[]): number {
  if (labels.length === 0) return 0;
  const classes = outputs.length / labels.length;
  return labels.filter((label, row) => rankOf(outputs, label, row * classes, classes) < 1).length;
}
