/** @file The format room: the packed model's specification, reader and writer. See docs/format.md. */
export type { PlanActivation } from "./activation.js";
export { packCodes, unpackCodes } from "./bits.js";
export { macsOf, type PackedModel, patchSize, type TensorInfo } from "./model.js";
export { inputsOf, kindOf, NODES, type NodeKind, type NodeOf, type PlanNode } from "./nodes/index.js";
export type { PlanQuantized } from "./nodes/quantized.js";
export { FORMAT_NAME, FORMAT_VERSION, INPUT_ID, type Plan, type PlanInput } from "./plan.js";
export { openPacked, readPacked } from "./read.js";
export type { NodeData } from "./tensors.js";
export { decodeThresholds, encodeThresholds } from "./thresholds.js";
export type { ValueType } from "./value.js";
export { planValues } from "./values.js";
export type { PlanWindow } from "./window.js";
export { writePacked } from "./write.js";
