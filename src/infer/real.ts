/** @file Steps in f32 for the layers that a model keeps in float: the kernels of training, in training's order. */
import { staircaseTop } from "../codes/levels.js";
import { roundingId } from "../codes/staircase.js";
import { sizeOf } from "../core/shape.js";
import { floatWeights, type NodeData } from "../format/model.js";
import type { PlanAvgPool, PlanMaxPool, PlanNode } from "../format/plan.js";
import type { ValueType } from "../format/values.js";
import { kernelsFor } from "../kernels/engine.js";
import type { Constants } from "./constants.js";
import { geometryOf, type Step, simpleStep } from "./step.js";

/** Max or average pooling of codes or f32. */
export function poolStep(
  node: PlanMaxPool | PlanAvgPool,
  input: ValueType,
  output: ValueType,
  constants: Constants,
): Step {
  const kernels = kernelsFor("f32");
  const size = sizeOf(output.shape);
  const elements = sizeOf(input.shape);
  const channels = input.shape[2];
  const { step } = input;
  const geometry = geometryOf(constants, node, input.shape, channels);
  return {
    scratch(batch) {
      const real = node.op === "avgPool" && input.dtype === "u8" ? 4 * batch * elements : 0;
      return [node.op === "maxPool" && input.dtype === "f32" ? 4 * batch * size : real];
    },
    run(batch, [x], y, [extra]) {
      const geom = geometry(batch);
      if (node.op === "maxPool") {
        if (input.dtype === "u8") kernels.u8_maxpool_codes(x, y, geom);
        else kernels.f32_maxpool(x, y, extra, geom);
      } else if (step === null) {
        kernels.f32_avgpool(x, y, geom, node.includePad ? 1 : 0);
      } else {
        // Sums of codes are exact; the step comes last, as in training.
        kernels.u8_dequantize(x, extra, batch * elements, 1);
        kernels.f32_avgpool(extra, y, geom, node.includePad ? 1 : 0);
        kernels.f32_scale_shift(y, y, batch * size, step, 0);
      }
    },
  };
}

/** All other steps; null for `flatten`, which moves nothing. */
export function realStep(node: PlanNode, input: ValueType, data: NodeData, constants: Constants): Step | null {
  const kernels = kernelsFor("f32");
  const size = sizeOf(input.shape);
  switch (node.op) {
    case "dequantize":
      return simpleStep((batch, [x], y) => kernels.u8_dequantize(x, y, batch * size, input.step as number));
    case "relu":
      return simpleStep((batch, [x], y) => kernels.f32_relu(x, y, batch * size));
    case "add":
      return simpleStep((batch, [a, b], y) => kernels.f32_add(a, b, y, batch * size, batch * size, batch * size));
    case "staircase": {
      const { bits, step, rounding } = node.activation;
      const [top, nearest] = [staircaseTop(bits), roundingId(rounding)];
      return simpleStep((batch, [x], y) => kernels.f32_staircase(x, y, batch * size, step, top, nearest));
    }
    case "affine": {
      const channels = input.shape[input.shape.length - 1];
      const scale = constants.f32(data.scale as Float32Array);
      const shift = constants.f32(data.shift as Float32Array);
      return simpleStep((batch, [x], y) =>
        kernels.f32_channel_affine(x, y, (batch * size) / channels, channels, scale(), shift()),
      );
    }
    case "channel": {
      const combine = kernels[`f32_${node.fn}`];
      const channels = input.shape[input.shape.length - 1];
      const value = constants.f32(data.value as Float32Array);
      return simpleStep((batch, [x], y) => combine(x, value(), y, batch * size, batch * size, channels));
    }
    case "floatLinear": {
      const weight = constants.f32(floatWeights(node, data));
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
