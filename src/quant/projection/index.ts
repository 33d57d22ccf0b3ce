/** @file Projections of weights onto scaled level sets. */
import { checkBits } from "../../codes/levels.js";
import { binary } from "./binary.js";
import type { Projection } from "./projection.js";
import { ternary } from "./ternary.js";
import { uniform } from "./uniform.js";

export { type BinaryScale, binary } from "./binary.js";
export { minMax, onGrid } from "./on-grid.js";
export { type Projection, type ProjectionInfo, topOfBits, type WeightRow } from "./projection.js";
export { type TernaryThresholdOptions, ternary, ternaryThreshold } from "./ternary.js";
export { oneShot, type UniformOptions, uniform } from "./uniform.js";

/**
 * The default rule for a width: 1 → {@link binary} with the mean, 2 → exact {@link ternary}, 3…8 → {@link uniform}.
 *
 * @throws ArgumentError unless `bits` is an integer from 1 to 8
 * @see BCGD §2
 */
export function projectionFor(bits: number): Projection {
  checkBits("projectionFor", bits);
  return bits === 1 ? binary() : bits === 2 ? ternary() : uniform({ bits });
}
