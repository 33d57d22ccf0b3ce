/** @file The functional API: every function of tensors, by family in `functions/`. */
export * from "./functions/activation.js";
export * from "./functions/arithmetic.js";
export * from "./functions/comparison.js";
export * from "./functions/convolution.js";
export * from "./functions/creation.js";
export * from "./functions/distillation.js";
export * from "./functions/indexing.js";
export * from "./functions/linear.js";
export * from "./functions/loss.js";
export * from "./functions/movement.js";
export * from "./functions/normalization.js";
export * from "./functions/reduction.js";
export * from "./functions/sequence.js";
export * from "./functions/soft-loss.js";
