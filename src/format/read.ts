/** @file Reading a packed model, strictly: whatever is not exactly as docs/format.md says is a FormatError. */
import { check, checkBytes, refuse, text } from "../core/checks.js";
import { FormatError } from "../core/errors.js";
import { firstOf } from "../core/first-of.js";
import { cut } from "../core/printable.js";
import { sameShape, shapeText } from "../core/shape.js";
import { bytesIn } from "../core/typed-arrays.js";
import { contentChecksum } from "../io/checksum.js";
import { readPackedTensors, type SafeTensor } from "../io/safetensors.js";
import { type PackedModel, type TensorInfo, tensorName, tensorsOf } from "./model.js";
import type { PlanNode } from "./nodes/index.js";
import { type Place, type RefuseTensor, refusal } from "./place.js";
import { FIRST_VERSION, FORMAT_NAME, FORMAT_VERSIONS, LINES_VERSION } from "./plan.js";
import { parsePlan } from "./schema.js";
import type { NodeData, TensorSpec } from "./tensors.js";
import { planValues } from "./values.js";

/**
 * Reads a packed model.
 *
 * @param bytes the whole file, as bytes of any realm; not kept
 * @param file its name for messages
 * @returns plan, types of all values, decoded tensors and sizes, to be looked at: the plan is frozen, and what sessions
 *   run is read from the bytes again
 * @throws FormatError that names the file, what was expected and what came: another format or version, a plan that is
 *   not one, shapes that do not chain, tensors that are missing, extra or of the wrong size, codes outside their level
 *   set, thresholds out of order, numbers that are not finite, a checksum that is not that of the contents; DTypeError
 *   for what is no bytes
 */
export function readPacked(bytes: Uint8Array | ArrayBufferLike, file?: string): PackedModel {
  const contents = checkBytes(file ?? "readPacked", "bytes", bytes);
  const model = decoded(contents, file);
  sources.set(model, contents.slice());
  return model;
}

/**
 * The bytes of each model that `readPacked` gave: what a session runs is read from them again, whatever became of the
 * object.
 */
const sources = new WeakMap<object, Uint8Array>();

/**
 * A packed model that nobody else holds.
 *
 * @param op who asks, for messages
 * @param model bytes, or an object that `readPacked` gave: edits of it count for nothing
 * @throws FormatError if the bytes are no packed model; ArgumentError for anything else
 */
export function openPacked(op: string, model: unknown, file?: string): PackedModel {
  const bytes = bytesIn(model) ?? sources.get(model as object);
  if (bytes !== undefined) return decoded(bytes, file);
  return refuse(op, "model", "the bytes of a packed model, or the object that readPacked made of them", model);
}

/** Freezes plans and types: who edits one is told at once. */
function frozen<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.values(Object.freeze(value)).forEach(frozen);
  }
  return value;
}

function decoded(contents: Uint8Array, file = "packed model"): PackedModel {
  check("readPacked", "file", file, text);
  const { tensors, metadata } = readPackedTensors(contents, file);
  const fail = (what: string, expected: string, got: string, hint?: string): never => {
    throw new FormatError({ op: file, what, expected, got, hint });
  };
  const own = (key: string): string => (Object.hasOwn(metadata, key) ? cut(metadata[key], 60) : "nothing");
  if (own("format") !== FORMAT_NAME) {
    fail("not a packed model", `format "${FORMAT_NAME}"`, own("format"), "a checkpoint has to be packed first");
  }
  const version = own("version");
  if (!(FORMAT_VERSIONS as readonly string[]).includes(version)) {
    fail("unknown version", FORMAT_VERSIONS.join(", "), version);
  }
  if (!Object.hasOwn(metadata, "plan")) fail("no plan", "metadata with a plan", listed("", Object.keys(metadata)));
  const { checksum = "nothing", ...summed } = metadata;
  if (version !== FIRST_VERSION || checksum !== "nothing") {
    const named = [...tensors].map(([name, { shape, data }]) => ({ name, shape, data }));
    const sum = contentChecksum(named, summed);
    if (sum !== checksum) fail("the file is damaged: checksum", sum, checksum, "fetch or pack it again");
  }
  const extra = Object.keys(summed).find((key) => !["format", "version", "plan"].includes(key));
  if (extra !== undefined) fail("unknown metadata", "format, version, plan and checksum", cut(extra, 60));
  const plan = parsePlan(metadata.plan, file);
  const values = planValues(frozen(plan), file);
  values.forEach(frozen);

  const specs = new Map<PlanNode, readonly TensorSpec[]>();
  for (const node of plan.nodes) specs.set(node, tensorsOf(node, values));
  const wanted = new Set([...specs].flatMap(([node, list]) => list.map((spec) => tensorName(node, spec))));
  const missing = [...wanted].filter((name) => !tensors.has(name));
  const unknown = [...tensors.keys()].filter((name) => !wanted.has(name));
  if (missing.length + unknown.length > 0) {
    const lists = [listed("missing", missing), listed("extra", unknown)].filter(Boolean).join("; ");
    fail("tensors do not match the plan", `its ${wanted.size} tensors`, lists);
  }

  const data = new Map<string, NodeData>();
  for (const [node, list] of specs) {
    if (list.length === 0) continue;
    const fields = Object.fromEntries(
      list.map((spec) => {
        const tensor = tensorName(node, spec);
        return [
          spec.field,
          tensorOf(spec, tensors.get(tensor) as SafeTensor, { file, tensor }, version === LINES_VERSION),
        ];
      }),
    );
    data.set(node.id, fields);
  }
  const infos = [...tensors].map(
    ([name, { dtype, shape, data }]): TensorInfo => ({
      name,
      dtype: dtype as TensorInfo["dtype"],
      shape,
      bytes: data.byteLength,
    }),
  );
  const headerBytes = contents.length - infos.reduce((sum, info) => sum + info.bytes, 0);
  return { plan, values, data, tensors: infos, headerBytes, fileBytes: contents.length };
}

function listed(label: string, names: readonly string[]): string {
  if (names.length === 0) return "";
  const short = names.map((name) => cut(name, 100));
  return `${label} ${firstOf(short, 10)}`.trim();
}

/** A tensor, decoded and checked. @throws FormatError */
function tensorOf(
  spec: TensorSpec,
  { dtype, shape, data }: SafeTensor,
  place: Place,
  lines: boolean,
): NodeData[keyof NodeData] {
  const refuse: RefuseTensor = refusal(place);
  if (dtype !== spec.dtype) refuse("element type", spec.dtype, dtype);
  if (spec.shape === null ? shape.length !== 1 : !sameShape(spec.shape, shape)) {
    refuse("shape", spec.shape === null ? "[bytes]" : shapeText(spec.shape), shapeText(shape));
  }
  const value = spec.read(data, place, lines);
  spec.check?.(value as never, refuse);
  return value;
}
