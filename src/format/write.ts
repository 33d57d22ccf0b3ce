/** @file Writing a packed model: plan and decoded tensors → one safetensors file, the same bytes for the same model. */
import { type Thresholds, unorderedChannel } from "../codes/thresholds.js";
import { FormatError } from "../core/errors.js";
import { kindOf } from "../core/typed-arrays.js";
import { contentChecksum } from "../io/checksum.js";
import { type SafeData, type SafeEntry, writeSafetensors } from "../io/safetensors.js";
import { packCodes } from "./bits.js";
import { tensorName, tensorsOf } from "./model.js";
import type { PlanNode } from "./nodes/index.js";
import { type RefuseTensor, refusal } from "./place.js";
import { FORMAT_NAME, FORMAT_VERSION, LINES_VERSION, type Plan } from "./plan.js";
import { checkPlan } from "./schema.js";
import type { NodeData, TensorSpec } from "./tensors.js";
import { encodeThresholds } from "./thresholds.js";
import { planValues } from "./values.js";

/** Choices of {@link writePacked}. */
export interface WriteOptions {
  /**
   * Thresholds as lines where that is shorter, which version 3 of the format has. Default: where some layer gives codes
   * of more than 4 bits.
   */
  readonly lines?: boolean;
}

/**
 * Writes a packed model.
 *
 * @param plan what to run; checked as a reader would
 * @param data tensors of each node that has any, by id
 * @returns the file's bytes, owned by the caller
 * @throws FormatError if the plan does not hold together or a tensor is missing, extra or out of range; QuantError on a
 * weight code outside its level set
 */
export function writePacked(plan: Plan, data: ReadonlyMap<string, NodeData>, { lines }: WriteOptions = {}): Uint8Array {
  const op = "writePacked";
  checkPlan(plan, op);
  const values = planValues(plan, op);
  for (const id of data.keys()) {
    if (!plan.nodes.some((node) => node.id === id)) {
      throw new FormatError({ op, what: "tensors of an unknown node", expected: "ids of the plan", got: id });
    }
  }
  const written = (lines: boolean): SafeEntry[] =>
    plan.nodes.flatMap((node) => {
      const tensors = data.get(node.id) ?? {};
      return tensorsOf(node, values).map((spec): SafeEntry => {
        const data = tensorOf(tensors, spec, lines);
        return { name: tensorName(node, spec), shape: spec.shape ?? [data.length], data };
      });
    });
  for (const node of plan.nodes) checkTensors(node, data.get(node.id) ?? {}, tensorsOf(node, values), op);
  const listed = written(false);
  const lined = (lines ?? manyCodes(plan)) ? written(true) : listed;
  const pays = bytesOf(lined) < bytesOf(listed);
  const entries = pays ? lined : listed;
  // Floats first: they stay aligned in the file, so that other tools can map it.
  const floats = entries.filter(({ data: values }) => kindOf(values) === "Float32Array");
  const bytes = entries.filter(({ data: values }) => kindOf(values) !== "Float32Array");
  const tensors = [...floats, ...bytes];
  const metadata = {
    format: FORMAT_NAME,
    version: pays ? LINES_VERSION : FORMAT_VERSION,
    plan: JSON.stringify(plan),
  };
  return writeSafetensors(tensors, { ...metadata, checksum: contentChecksum(tensors, metadata) });
}

/** Whether some layer's codes have more than 4 bits: its thresholds would take more bytes than its weights. */
function manyCodes({ nodes }: Plan): boolean {
  return nodes.some((node) => (node.op === "conv" || node.op === "linear") && (node.activation?.bits ?? 0) > 4);
}

function bytesOf(entries: readonly SafeEntry[]): number {
  return entries.reduce((sum, { data }) => sum + data.byteLength, 0);
}

/** Checks tensors against their node: those that it has, lengths, numbers, order. @throws FormatError */
function checkTensors(node: PlanNode, data: NodeData, specs: readonly TensorSpec[], file: string): void {
  for (const field of Object.keys(data) as (keyof NodeData)[]) {
    if (data[field] === undefined || specs.some((spec) => spec.field === field)) continue;
    const tensor = `${node.id}.${field}`;
    refusal({ file, tensor })(`a ${node.op} node has no such tensor`, "none", "one");
  }
  for (const spec of specs) {
    const refuse: RefuseTensor = refusal({ file, tensor: tensorName(node, spec) });
    const value = data[spec.field] ?? refuse("missing tensor", spec.dtype, "none");
    if ("flip" in value) checkThresholds(value, spec, refuse);
    else if (value.length !== spec.size[0]) {
      refuse(`number of ${spec.field === "codes" ? "codes" : "elements"}`, `${spec.size[0]}`, `${value.length}`);
    }
    spec.check?.(value as never, refuse);
  }
}

function checkThresholds(thresholds: Thresholds, { size: [channels, top] }: TensorSpec, refuse: RefuseTensor): void {
  const { values, flip } = thresholds;
  if (thresholds.top !== top || flip.length !== channels || values.length !== channels * top) {
    refuse("size", `${channels} channels of ${top}`, `${flip.length} of ${thresholds.top}`);
  }
  const channel = unorderedChannel(thresholds);
  if (channel !== null) refuse(`channel ${channel}`, "monotone thresholds", "a step back");
}

/** A tensor as it lies in the file. @throws QuantError on a code outside its level set */
function tensorOf(
  { codes, thresholds, ...floats }: NodeData,
  { field, dtype, bits }: TensorSpec,
  lines: boolean,
): SafeData {
  if (field === "thresholds") return encodeThresholds(thresholds as Thresholds, lines);
  if (field !== "codes") return floats[field] as Float32Array;
  const packed = packCodes(codes as Int8Array, bits as number);
  return dtype === "I8" ? new Int8Array(packed.buffer) : packed;
}
