/** @file The ops of quantized layers; tests and exporters walk them. */
export { staircaseCode } from "../../codes/staircase.js";
export { type QuantConv2dAttrs, quantConv2dOp } from "./conv.js";
export { type QuantConv1dAttrs, quantConv1dOp } from "./conv1d.js";
export { type QuantLinearAttrs, quantLinearOp } from "./linear.js";
export { type BatchNormStaircaseAttrs, batchNormStaircaseOp } from "./norm-staircase.js";
export { type RelaxAttrs, relaxOp } from "./relax.js";
export { type StaircaseAttrs, staircaseOp } from "./staircase.js";
