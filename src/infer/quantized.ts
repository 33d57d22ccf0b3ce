/** @file Quantized layers in integers: products of codes, then thresholds or one scale to f32. */
import type { NodeData } from "../format/model.js";
import type { PlanConv, PlanLinear, PlanWindow } from "../format/plan.js";
import type { ValueType } from "../format/values.js";
import type { Ptr } from "../kernels/abi.js";
import { kernelsFor } from "../kernels/engine.js";
import type { Constants } from "./constants.js";
import { linesOf, sumsOf } from "./lines.js";
import { productOf } from "./product.js";
import { geometryOf, type Step } from "./step.js";

/** Bytes of patches or accumulators in one tile: they stay in the second-level cache between being written and read. */
const TILE_BYTES = 128 << 10;

/** A pixel of a vector: what a linear layer is as a convolution. */
const POINT: PlanWindow = { kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] };

/** Writes rows of accumulators as what the layer gives: codes or f32. */
type Epilogue = (acc: Ptr, output: Ptr, firstRow: number, rows: number) => void;

function epilogueOf(node: PlanConv | PlanLinear, input: ValueType, data: NodeData, constants: Constants): Epilogue {
  const kernels = kernelsFor("f32");
  const { out } = node;
  if (data.thresholds !== undefined) {
    const { top } = data.thresholds;
    const lines = linesOf(data.thresholds, sumsOf(data.codes as Int8Array, out, input.top));
    if (lines !== null) {
      const [scale, shift] = [constants.f32(lines.scale), constants.f32(lines.shift)];
      return (acc, output, firstRow, rows) =>
        kernels.i32_line_codes(acc, output + firstRow * out, rows, out, scale(), shift(), top);
    }
    const values = constants.i32(data.thresholds.values);
    const flip = constants.u8(data.thresholds.flip);
    return (acc, output, firstRow, rows) =>
      kernels.i32_threshold(acc, output + firstRow * out, rows, out, values(), flip(), top);
  }
  const delta = data.delta as Float32Array;
  const step = input.step as number;
  // s = f32(delta·alpha), as in training; Float32Array.from rounds the product once.
  const scale = constants.f32(Float32Array.from({ length: out }, (_, c) => delta[delta.length === 1 ? 0 : c] * step));
  // A missing bias is added as 0, as in training: −0 becomes 0.
  const bias = constants.f32(data.bias ?? new Float32Array(out));
  return (acc, output, firstRow, rows) =>
    kernels.i32_scale_bias(acc, output + 4 * firstRow * out, rows, out, scale(), bias());
}

/**
 * A quantized convolution or linear layer: acc = Σ code_x·code_w exactly, then thresholds or scale and bias.
 *
 * A tile of rows goes through product and epilogue before the next one starts.
 */
export function quantizedStep(
  node: PlanConv | PlanLinear,
  input: ValueType,
  output: ValueType,
  data: NodeData,
  constants: Constants,
): Step {
  const conv = node.op === "conv";
  const window = conv ? node : POINT;
  const image = conv ? input.shape : [1, 1, input.shape[0]];
  const groups = conv ? node.groups : 1;
  const positions = conv ? output.shape[0] * output.shape[1] : 1;
  const codes = data.codes as Int8Array;
  const product = productOf({ window, image, groups, out: node.out, codes, top: input.top }, constants);
  const finish = epilogueOf(node, input, data, constants);
  const geometry = geometryOf(constants, window, image, image[2] / groups);
  return {
    scratch(batch) {
      const rows = product.tile(0, batch * positions, TILE_BYTES);
      return [4 * rows * node.out, ...product.scratch(rows)];
    },
    run(batch, [x], y, scratch) {
      const rows = batch * positions;
      const geom = geometry(batch);
      const acc = scratch[0];
      for (let first = 0; first < rows; ) {
        const count = product.tile(first, rows, TILE_BYTES);
        product.run(x, acc, first, count, geom, scratch);
        finish(acc, y, first, count);
        first += count;
      }
    },
  };
}
