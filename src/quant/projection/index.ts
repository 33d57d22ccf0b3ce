/** @file Projections of weights onto scaled level sets. */
export { type BinaryScale, binary } from "./binary.js";
export { type ProjectionFamily, projectionFor, projectionNamed, projections } from "./families.js";
export { minMax, onGrid } from "./on-grid.js";
export { type Projection, type ProjectionInfo, topOfBits, type WeightRow } from "./projection.js";
export { type TernaryThresholdOptions, ternary, ternaryThreshold } from "./ternary.js";
export { oneShot, type UniformOptions, uniform } from "./uniform.js";
