/** @file `floatConv`: convolutions in f32, bit for bit those of training: the same kernels, the same order of sums. */
import type { PlanFloatConv } from "../../format/nodes/float-conv.js";
import { floatWeights } from "../../format/nodes/float-layer.js";
import type { NodeData } from "../../format/tensors.js";
import type { ValueType } from "../../format/value.js";
import { tapsOf } from "../../format/window.js";
import type { Ptr } from "../../kernels/abi.js";
import { chooseDirect } from "../../kernels/choose.js";
import { heap, kernelsFor } from "../../kernels/engine.js";
import type { Constants } from "../constants.js";
import { convolutionOf, geometryOf, type Step, type StepMaker, workOf } from "../step.js";

/** Bytes of patches in one chunk: they stay in the second-level cache. */
const CHUNK_BYTES = 192 << 10;
const CHUNK_ROWS = 60;

/**
 * Convolution in f32: patches times weights, then the bias. One input channel a group goes its own way, as in training.
 */
export const floatConv: StepMaker<PlanFloatConv> = ({ node, input, output, data, constants }) => {
  const groups = node.groups ?? 1;
  const algorithm = chooseDirect(convolutionOf(node, input.shape, groups));
  const product =
    algorithm === "depthwise"
      ? depthwise(node, input, output, data, constants)
      : grouped(node, input, output, data, constants, algorithm === "pixels");
  if (data.bias === undefined) return product;
  const kernels = kernelsFor("f32");
  const bias = constants.f32(data.bias);
  const size = output.shape[0] * output.shape[1] * node.out;
  return {
    scratch: product.scratch,
    run(batch, inputs, y, scratch) {
      product.run(batch, inputs, y, scratch);
      kernels.f32_add(y, bias(), y, batch * size, batch * size, node.out);
    },
  };
};

/** @param direct patches are pixels */
function grouped(
  node: PlanFloatConv,
  input: ValueType,
  output: ValueType,
  data: NodeData,
  constants: Constants,
  direct: boolean,
): Step {
  const kernels = kernelsFor("f32");
  const { groups = 1, out } = node;
  const channels = input.shape[2] / groups;
  const filters = out / groups;
  const taps = tapsOf(node);
  const K = taps * channels;
  const weight = constants.f32(floatWeights(data, node.out, taps));
  const positions = output.shape[0] * output.shape[1];
  const geometry = geometryOf(constants, node, input.shape, channels);
  const layout = constants.add(4 * 4, () => undefined);
  const chunkOf = (rows: number): number => {
    if (direct) return rows;
    const fit = Math.floor(CHUNK_BYTES / (4 * K) / CHUNK_ROWS) * CHUNK_ROWS;
    return Math.min(rows, Math.max(CHUNK_ROWS, fit));
  };
  return {
    scratch(batch) {
      const chunk = chunkOf(batch * positions);
      const part = groups === 1 ? 0 : 4 * chunk * filters;
      return [direct ? 0 : 4 * chunk * K, kernels.f32_gemm_work(chunk, filters, K), part];
    },
    run(batch, [x], y, [patches, work, part]) {
      const rows = batch * positions;
      const chunk = chunkOf(rows);
      for (let first = 0; first < rows; first += chunk) {
        const count = Math.min(chunk, rows - first);
        const to = y + 4 * first * out;
        for (let group = 0; group < groups; group++) {
          if (!direct) kernels.f32_im2col(x + 4 * group * channels, patches, geometry(batch), first, count);
          const w = weight() + 4 * group * filters * K;
          kernels.f32_gemm(
            direct ? x : patches,
            w,
            groups === 1 ? to : part,
            count,
            filters,
            K,
            0,
            1,
            0,
            0,
            count,
            0,
            filters,
            work,
          );
          if (groups > 1) scatterColumns(part, to + 4 * group * filters, [count, filters, out, 1], layout());
        }
      }
    },
  };
}

/** Writes dense rows to rows that lie farther apart. */
function scatterColumns(from: Ptr, to: Ptr, layout: readonly number[], at: Ptr): void {
  heap().i32(at, 4).set(layout);
  kernelsFor("f32").b32_strided_scatter(from, to, 2, at);
}

/** y[r, c·m + j] = Σ_t x of tap t, channel c · w[c·m + j, t], the sum in f64, as training has it. */
function depthwise(
  node: PlanFloatConv,
  input: ValueType,
  output: ValueType,
  data: NodeData,
  constants: Constants,
): Step {
  const kernels = kernelsFor("f32");
  const channels = input.shape[2];
  const multiplier = node.out / channels;
  const taps = tapsOf(node);
  const given = floatWeights(data, node.out, taps);
  const weights = Array.from({ length: multiplier }, (_, j) =>
    constants.f32(
      Float32Array.from({ length: taps * channels }, (_, i) => {
        const [t, c] = [Math.floor(i / channels), i % channels];
        return given[(c * multiplier + j) * taps + t];
      }),
    ),
  );
  const geometry = geometryOf(constants, node, input.shape, channels);
  const layout = constants.add(4 * 4, () => undefined);
  const [h, w] = output.shape;
  const bytes = workOf("u8_depthwise_work", node, input.shape);
  return {
    scratch: (batch) => [bytes, multiplier === 1 ? 0 : 4 * batch * h * w * channels],
    run(batch, [x], y, [work, part]) {
      weights.forEach((weight, j) => {
        const to = multiplier === 1 ? y : part;
        kernels.f32_depthwise(x, weight(), to, geometry(batch), 0, batch * h, work);
        if (to !== y) scatterColumns(to, y + 4 * j, [batch * h * w, channels, node.out, multiplier], layout());
      });
    },
  };
}
