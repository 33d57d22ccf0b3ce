/**
 * @file A ReLU that a network calls as a function: prepare() cannot put a staircase in its place, so the first pass
 * says where codes are missing.
 */
import type { Variable } from "../autograd/graph.js";
import { dropout } from "../ops/dropout.js";
import { concat, pad, permute, reshape, slice } from "../ops/movement.js";
import { batchNormRelu } from "../ops/norm-activation.js";
import type { AnyOp } from "../ops/op.js";
import { avgPool2d, maxPool2d } from "../ops/pool.js";
import { avgPool1d, maxPool1d } from "../ops/pool1d.js";
import { mean } from "../ops/reduce.js";
import { relu } from "../ops/unary.js";
import { upsample } from "../ops/upsample.js";

/** Ops between an activation and a layer that only move, choose or average what the activation gave. */
const BETWEEN: ReadonlySet<AnyOp> = /* @__PURE__ */ new Set<AnyOp>([
  maxPool2d,
  avgPool2d,
  maxPool1d,
  avgPool1d,
  upsample,
  reshape,
  permute,
  pad,
  slice,
  concat,
  dropout,
  mean,
]);
/** How far back an activation is looked for. */
const STEPS = 8;

/**
 * Looks once at what reaches a quantized layer, and warns if a called `relu` gave it.
 *
 * @param layer its name, for the warning
 * @returns true if `x` told where it comes from; false for a tensor without history (an image, or a pass under noGrad),
 * which says nothing
 */
export function toldOrigin(layer: string, x: Variable): boolean {
  if (x.data.coded) return true;
  let node = x.node;
  if (node === null) return false;
  for (let step = 0; node !== null && step < STEPS && BETWEEN.has(node.op); step++) node = node.inputs[0].node;
  if (node?.op === relu || node?.op === batchNormRelu) {
    console.warn(
      `CoarsegradQuantWarning: ${layer || "a quantized layer"} gets real numbers from a ReLU that forward calls as a function, ` +
        "which prepare() cannot see: its activations stay float. Make it a ReLU module.",
    );
  }
  return true;
}
