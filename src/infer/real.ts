/** @file Steps in f32 for the layers that a model keeps in float: the kernels of training, in training's order. */

import { sizeOf } from "../core/shape.js";
import type { NodeData } from "../format/model.js";
import {
  activationTop,
  type PlanAvgPool,
  type PlanFloatConv,
  type PlanMaxPool,
  type PlanNode,
} from "../format/plan.js";
import type { ValueType } from "../format/values.js";
import { heap, kernelsFor } from "../kernels/engine.js";
import type { Constants } from "./constants.js";
import { GEOMETRY_BYTES, isPointwise, type Step, writeGeometry } from "./step.js";

/** Bytes of patches in one chunk of a float convolution. */
const CHUNK_BYTES = 1 << 20;
const CHUNK_ROWS = 48;

/** [O,I,Kh,Kw] → [O,Kh,Kw,I]. */
function channelsLast(weight: Float32Array, [O, I, taps]: readonly [number, number, number]): Float32Array {
  const out = new Float32Array(weight.length);
  for (let o = 0; o < O; o++) {
    for (let i = 0; i < I; i++) {
      for (let t = 0; t < taps; t++) out[(o * taps + t) * I + i] = weight[(o * I + i) * taps + t];
    }
  }
  return out;
}

/** Convolution in f32: patches times weights, then the bias. */
export function floatConvStep(
  node: PlanFloatConv,
  input: ValueType,
  output: ValueType,
  data: NodeData,
  constants: Constants,
): Step {
  const kernels = kernelsFor("f32");
  const channels = input.shape[2];
  const taps = node.kernel[0] * node.kernel[1];
  const K = taps * channels;
  const weight = constants.f32(channelsLast(data.weight as Float32Array, [node.out, channels, taps]));
  const bias = data.bias === undefined ? null : constants.f32(data.bias);
  const positions = output.shape[0] * output.shape[1];
  const direct = isPointwise(node);
  const chunkOf = (rows: number): number => {
    if (direct) return rows;
    const fit = Math.floor(CHUNK_BYTES / (4 * K) / CHUNK_ROWS) * CHUNK_ROWS;
    return Math.min(rows, Math.max(CHUNK_ROWS, fit));
  };
  return {
    scratch(batch) {
      const chunk = chunkOf(batch * positions);
      return [GEOMETRY_BYTES, direct ? 0 : 4 * chunk * K, kernels.f32_gemm_work(chunk, node.out, K)];
    },
    run(batch, [x], y, [geometry, patches, work]) {
      const rows = batch * positions;
      const chunk = chunkOf(rows);
      writeGeometry(geometry, node, batch, input.shape, channels);
      for (let first = 0; first < rows; first += chunk) {
        const count = Math.min(chunk, rows - first);
        if (!direct) kernels.f32_im2col(x, patches, geometry, first, count);
        const out = y + 4 * first * node.out;
        kernels.f32_gemm(direct ? x : patches, weight(), out, count, node.out, K, 0, 1, 0, work);
        if (bias !== null) kernels.f32_add(out, bias(), out, count * node.out, count * node.out, node.out);
      }
    },
  };
}

/** Max or average pooling of codes or f32. */
export function poolStep(node: PlanMaxPool | PlanAvgPool, input: ValueType, output: ValueType): Step {
  const kernels = kernelsFor("f32");
  const size = sizeOf(output.shape);
  const elements = sizeOf(input.shape);
  const channels = input.shape[2];
  const { step } = input;
  return {
    scratch(batch) {
      const real = node.op === "avgPool" && input.dtype === "u8" ? 4 * batch * elements : 0;
      return [GEOMETRY_BYTES, node.op === "maxPool" ? 4 * batch * size : real];
    },
    run(batch, [x], y, [geometry, extra]) {
      writeGeometry(geometry, node, batch, input.shape, channels);
      if (node.op === "maxPool") {
        if (input.dtype === "u8") kernels.u8_maxpool(x, y, extra, geometry);
        else kernels.f32_maxpool(x, y, extra, geometry);
      } else if (step === null) {
        kernels.f32_avgpool(x, y, geometry, node.includePad ? 1 : 0);
      } else {
        // Sums of codes are exact; the step comes last, as in training.
        kernels.u8_dequantize(x, extra, batch * elements, 1);
        kernels.f32_avgpool(extra, y, geometry, node.includePad ? 1 : 0);
        kernels.f32_scale_shift(y, y, batch * size, step, 0);
      }
    },
  };
}

/** All other steps; null for `flatten`, which moves nothing. */
export function simpleStep(node: PlanNode, input: ValueType, data: NodeData, constants: Constants): Step | null {
  const kernels = kernelsFor("f32");
  const size = sizeOf(input.shape);
  const simple = (run: Step["run"]): Step => ({ scratch: () => [], run });
  switch (node.op) {
    case "dequantize":
      return simple((batch, [x], y) => kernels.u8_dequantize(x, y, batch * size, input.step as number));
    case "relu":
      return simple((batch, [x], y) => kernels.f32_relu(x, y, batch * size));
    case "add":
      return simple((batch, [a, b], y) => kernels.f32_add(a, b, y, batch * size, batch * size, batch * size));
    case "staircase": {
      const { step, rounding } = node.activation;
      const top = activationTop(node.activation);
      const nearest = rounding === "nearest" ? 1 : 0;
      return simple((batch, [x], y) => kernels.f32_staircase(x, y, batch * size, step, top, nearest));
    }
    case "affine": {
      const channels = input.shape[input.shape.length - 1];
      const scale = constants.f32(data.scale as Float32Array);
      const shift = constants.f32(data.shift as Float32Array);
      return simple((batch, [x], y) =>
        kernels.f32_channel_affine(x, y, (batch * size) / channels, channels, scale(), shift()),
      );
    }
    case "padChannels": {
      const [before, after] = node.channels;
      const [h, w, channels] = input.shape;
      const wide = before + channels + after;
      const bytes = input.dtype === "u8" ? 1 : 4;
      const scatter = bytes === 1 ? kernels.b8_strided_scatter : kernels.b32_strided_scatter;
      return {
        scratch: () => [4 * 4],
        run(batch, [x], y, [extents]) {
          const rows = batch * h * w;
          heap()
            .u8(y, rows * wide * bytes)
            .fill(0);
          heap().i32(extents, 4).set([rows, channels, wide, 1]);
          scatter(x, y + before * bytes, 2, extents);
        },
      };
    }
    case "channel": {
      const combine = kernels[`f32_${node.fn}`];
      const channels = input.shape[input.shape.length - 1];
      const value = constants.f32(data.value as Float32Array);
      return simple((batch, [x], y) => combine(x, value(), y, batch * size, batch * size, channels));
    }
    case "floatLinear": {
      const weight = constants.f32(data.weight as Float32Array);
      const bias = data.bias === undefined ? null : constants.f32(data.bias);
      const { out } = node;
      return {
        scratch: (batch) => [kernels.f32_gemm_work(batch, out, size)],
        run(batch, [x], y, [work]) {
          kernels.f32_gemm(x, weight(), y, batch, out, size, 0, 1, 0, work);
          if (bias !== null) kernels.f32_add(y, bias(), y, batch * out, batch * out, out);
        },
      };
    }
    default:
      return null;
  }
}
