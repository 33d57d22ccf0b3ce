/** @file Quantized layers in integers: patches of codes, u8·i8 products, then thresholds or one scale to f32. */
import type { NodeData } from "../format/model.js";
import type { PlanConv, PlanLinear, PlanWindow } from "../format/plan.js";
import { MAX_PATCH, type ValueType } from "../format/values.js";
import type { Ptr } from "../kernels/abi.js";
import { heap, kernelsFor } from "../kernels/engine.js";
import type { Constants } from "./constants.js";
import { GEOMETRY_BYTES, isPointwise, type Step, writeGeometry } from "./step.js";

/** Bytes of patches in one tile: they stay in the second-level cache between being written and multiplied. */
const TILE_BYTES = 128 << 10;
/** Rows of a tile come in multiples of this, so that the product's tiles are full. */
const TILE_ROWS = 16;

/** A pixel of a vector: what a linear layer is as a convolution. */
const POINT: PlanWindow = { kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] };

/** Writes rows of accumulators as what the layer gives: codes or f32. */
type Epilogue = (acc: Ptr, output: Ptr, firstRow: number, rows: number) => void;

function epilogueOf(node: PlanConv | PlanLinear, input: ValueType, data: NodeData, constants: Constants): Epilogue {
  const kernels = kernelsFor("f32");
  const { out } = node;
  if (data.thresholds !== undefined) {
    const { top } = data.thresholds;
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
 * Rows of weights are padded with zeros to a multiple of 16 bytes. A tile of rows goes through patches, product and epilogue before the next one starts.
 */
export function quantizedStep(
  node: PlanConv | PlanLinear,
  input: ValueType,
  output: ValueType,
  data: NodeData,
  constants: Constants,
): Step {
  const kernels = kernelsFor("f32");
  const window = node.op === "conv" ? node : POINT;
  const image = node.op === "conv" ? input.shape : [1, 1, input.shape[0]];
  const groups = node.op === "conv" ? node.groups : 1;
  const positions = node.op === "conv" ? output.shape[0] * output.shape[1] : 1;
  const channels = image[2] / groups;
  const filters = node.out / groups;
  const K = window.kernel[0] * window.kernel[1] * channels;
  const stride = Math.ceil(K / 16) * 16;
  const weights = constants.i8Rows(data.codes as Int8Array, K, stride);
  const finish = epilogueOf(node, input, data, constants);
  // Pixels of 16·n channels are patches as they lie.
  const direct = groups === 1 && stride === K && isPointwise(window) && K <= MAX_PATCH;
  const tileRows = (rows: number): number => {
    const fit = Math.floor(TILE_BYTES / Math.max(stride, 4 * node.out) / TILE_ROWS) * TILE_ROWS;
    return Math.min(rows, Math.max(TILE_ROWS, fit));
  };
  return {
    scratch(batch) {
      const rows = tileRows(batch * positions);
      const acc = 4 * rows * node.out;
      return [GEOMETRY_BYTES, acc, direct ? 0 : rows * stride, groups === 1 ? 0 : 4 * rows * filters, 4 * 4];
    },
    run(batch, [x], y, [geometry, acc, patches, part, extents]) {
      const rows = batch * positions;
      const tile = tileRows(rows);
      writeGeometry(geometry, window, batch, image, channels);
      for (let first = 0; first < rows; first += tile) {
        const count = Math.min(tile, rows - first);
        for (let group = 0; group < groups; group++) {
          let a = x + first * K;
          if (!direct) {
            a = patches;
            kernels.u8_im2col(x + group * channels, patches, geometry, first, count, stride);
          }
          const b = weights() + group * filters * stride;
          kernels.u8_i8_gemm(a, b, groups === 1 ? acc : part, count, filters, K, stride, stride);
          if (groups > 1) {
            heap().i32(extents, 4).set([count, filters, node.out, 1]);
            kernels.b32_strided_scatter(part, acc + 4 * group * filters, 2, extents);
          }
        }
        finish(acc, y, first, count);
      }
    },
  };
}
