/** @file The format room: the packed model's specification, reader and writer. See docs/format.md. */
export { packCodes, unpackCodes } from "./bits.js";
export { floatWeights, macsOf, type NodeData, type PackedModel, patchSize, type TensorInfo } from "./model.js";
export {
  FORMAT_NAME,
  FORMAT_VERSION,
  INPUT_ID,
  inputsOf,
  type Plan,
  type PlanActivation,
  type PlanAvgPool,
  type PlanConcat,
  type PlanConv,
  type PlanFloatConv,
  type PlanFloatLinear,
  type PlanInput,
  type PlanLinear,
  type PlanNode,
  type PlanPad,
  type PlanQuantized,
  type PlanSlice,
  type PlanWindow,
} from "./plan.js";
export { openPacked, readPacked } from "./read.js";
export { decodeThresholds, encodeThresholds } from "./thresholds.js";
export { planValues, type ValueType } from "./values.js";
export { writePacked } from "./write.js";
