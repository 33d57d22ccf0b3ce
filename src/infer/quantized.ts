/** @file Quantized layers in integers: products of codes, then thresholds or one scale to f32. */
import { staircaseTop } from "../codes/levels.js";
import { linesOf } from "../codes/lines.js";
import { scalesOf } from "../codes/scales.js";
import { roundingId } from "../codes/staircase.js";
import { sumsOf } from "../codes/sums.js";
import type { NodeData } from "../format/model.js";
import type { PlanConv, PlanLinear, PlanWindow } from "../format/plan.js";
import type { ValueType } from "../format/values.js";
import type { Ptr } from "../kernels/abi.js";
import { kernelsFor } from "../kernels/engine.js";
import type { Constants } from "./constants.js";
import type { Residual } from "./fuse.js";
import { productOf } from "./product.js";
import { geometryOf, type Step } from "./step.js";

/** Bytes of patches or accumulators in one tile: they stay in the second-level cache between being written and read. */
const TILE_BYTES = 128 << 10;

/** A pixel of a vector: what a linear layer is as a convolution. */
const POINT: PlanWindow = { kernel: [1, 1], stride: [1, 1], padding: [0, 0, 0, 0], dilation: [1, 1] };

/** Writes rows of accumulators as what the layer gives: codes or f32. `shortcut` is what a residual block adds. */
type Epilogue = (acc: Ptr, output: Ptr, firstRow: number, rows: number, shortcut: Ptr) => void;

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
  const scale = constants.f32(scalesOf(data.delta as Float32Array, input.step as number, out));
  // A missing bias is added as 0, as in training: −0 becomes 0.
  const bias = constants.f32(data.bias ?? new Float32Array(out));
  return (acc, output, firstRow, rows) =>
    kernels.i32_scale_bias(acc, output + 4 * firstRow * out, rows, out, scale(), bias());
}

/** Codes at the end of a residual block: scale, bias, batch norm, shortcut, staircase. */
function residualEpilogue(
  { conv, staircase, coded }: Residual,
  { input, shortcut, data, affine }: ResidualData,
  constants: Constants,
): Epilogue {
  const kernels = kernelsFor("f32");
  const { out } = conv;
  const block = new Float32Array(4 * out);
  block.set(scalesOf(data.delta as Float32Array, input.step as number, out));
  if (data.bias !== undefined) block.set(data.bias, out);
  block.fill(1, 2 * out, 3 * out);
  if (affine?.scale !== undefined) block.set(affine.scale, 2 * out);
  if (affine?.shift !== undefined) block.set(affine.shift, 3 * out);
  const folded = constants.f32(block);
  const { bits, step, rounding } = staircase.activation;
  const residualStep = coded ? (shortcut.step as number) : 0;
  const size = coded ? 1 : 4;
  return (acc, output, first, rows, added) =>
    kernels.i32_residual_codes(
      acc,
      added + size * first * out,
      output + first * out,
      rows,
      out,
      folded(),
      residualStep,
      step,
      staircaseTop(bits),
      roundingId(rounding),
    );
}

/** Types and tensors that a {@link Residual} works with. */
export interface ResidualData {
  /** What the convolution reads. */
  readonly input: ValueType;
  readonly shortcut: ValueType;
  /** The convolution's tensors. */
  readonly data: NodeData;
  /** The batch norm's. */
  readonly affine?: NodeData;
}

/** The end of a residual block; reads what its convolution reads, and the shortcut. */
export function residualStep(residual: Residual, given: ResidualData, output: ValueType, constants: Constants): Step {
  const finish = residualEpilogue(residual, given, constants);
  return productStep(residual.conv, given.input, output, { data: given.data, finish }, constants);
}

/** A quantized convolution or linear layer: acc = Σ code_x·code_w exactly, then thresholds or scale and bias. */
export function quantizedStep(
  node: PlanConv | PlanLinear,
  input: ValueType,
  output: ValueType,
  data: NodeData,
  constants: Constants,
): Step {
  const finish = epilogueOf(node, input, data, constants);
  return productStep(node, input, output, { data, finish }, constants);
}

/** A tile of rows goes through product and epilogue before the next one starts. */
function productStep(
  node: PlanConv | PlanLinear,
  input: ValueType,
  output: ValueType,
  { data, finish }: { data: NodeData; finish: Epilogue },
  constants: Constants,
): Step {
  const conv = node.op === "conv";
  const window = conv ? node : POINT;
  const image = conv ? input.shape : [1, 1, input.shape[0]];
  const groups = conv ? node.groups : 1;
  const positions = conv ? output.shape[0] * output.shape[1] : 1;
  const codes = data.codes as Int8Array;
  const product = productOf({ window, image, groups, out: node.out, codes, top: input.top }, constants);
  const geometry = geometryOf(constants, window, image, image[2] / groups);
  return {
    scratch(batch) {
      const rows = product.tile(0, batch * positions, TILE_BYTES);
      return [4 * rows * node.out, ...product.scratch(rows)];
    },
    run(batch, [x, shortcut = 0], y, scratch) {
      const rows = batch * positions;
      const geom = geometry(batch);
      const acc = scratch[0];
      for (let first = 0; first < rows; ) {
        const count = product.tile(first, rows, TILE_BYTES);
        product.run(x, acc, first, count, geom, scratch);
        finish(acc, y, first, count, shortcut);
        first += count;
      }
    },
  };
}
