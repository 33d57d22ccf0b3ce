/** @file Quantized layers in integers: products of codes, then thresholds or one scale to f32. */
import { staircaseTop } from "../codes/levels.js";
import { linesOf } from "../codes/lines.js";
import { scalesOf } from "../codes/scales.js";
import { roundingId } from "../codes/staircase.js";
import { sumsOf } from "../codes/sums.js";
import type { PlanConv } from "../format/nodes/conv.js";
import type { PlanQuantized } from "../format/nodes/quantized.js";
import type { NodeData } from "../format/tensors.js";
import type { ValueType } from "../format/value.js";
import type { PlanWindow } from "../format/window.js";
import type { Ptr } from "../kernels/abi.js";
import type { Residual } from "./fuse.js";
import { productOf } from "./product.js";
import { geometryOf, type Step, type StepSource } from "./step.js";

/** Bytes of patches or accumulators in one tile: they stay in the second-level cache between being written and read. */
const TILE_BYTES = 128 << 10;

/** A quantized layer as a convolution of an image. */
export interface AsConvolution {
  readonly window: PlanWindow;
  /** [h, w, channels] */
  readonly image: readonly number[];
  readonly groups: number;
  /** Pixels of the output. */
  readonly positions: number;
}

/** A convolution is one. */
export function asConvolution({ node, input, output }: StepSource<PlanConv>): AsConvolution {
  const [h, w] = output.shape;
  return { window: node, image: input.shape, groups: node.groups, positions: h * w };
}

/** Writes rows of accumulators as what the layer gives: codes or f32. `shortcut` is what a residual block adds. */
type Epilogue = (acc: Ptr, output: Ptr, firstRow: number, rows: number, shortcut: Ptr) => void;

function epilogueOf({ node, input, data, kernels, constants }: StepSource<PlanQuantized>): Epilogue {
  const { out } = node;
  if (data.thresholds !== undefined) {
    const { values, flip, top } = data.thresholds;
    const lines = linesOf(data.thresholds, sumsOf(data.codes as Int8Array, out, input.top));
    const codes = lines === null ? kernels.i32_threshold : kernels.i32_line_codes;
    const first = lines === null ? constants.i32(values) : constants.f32(lines.scale);
    const second = lines === null ? constants.u8(flip) : constants.f32(lines.shift);
    return (acc, output, firstRow, rows) => codes(acc, output + firstRow * out, rows, out, first(), second(), top);
  }
  const scale = constants.f32(scalesOf(data.delta as Float32Array, input.step as number, out));
  // A missing bias is added as 0, as in training: −0 becomes 0.
  const bias = constants.f32(data.bias ?? new Float32Array(out));
  return (acc, output, firstRow, rows) =>
    kernels.i32_scale_bias(acc, output + 4 * firstRow * out, rows, out, scale(), bias());
}

/** Codes at the end of a residual block: scale, bias, batch norm, shortcut, staircase. */
function residualEpilogue(
  { node, input, data, kernels, constants }: StepSource<PlanConv>,
  { staircase, coded }: Residual,
  shortcut: ValueType,
  norm?: NodeData,
): Epilogue {
  const { out } = node;
  const block = new Float32Array(4 * out);
  block.set(scalesOf(data.delta as Float32Array, input.step as number, out));
  if (data.bias !== undefined) block.set(data.bias, out);
  block.fill(1, 2 * out, 3 * out);
  if (norm?.scale !== undefined) block.set(norm.scale, 2 * out);
  if (norm?.shift !== undefined) block.set(norm.shift, 3 * out);
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

/**
 * The end of a residual block; reads what its convolution reads, and the shortcut.
 *
 * @param source its convolution's
 * @param shortcut type of what is added
 * @param norm tensors of the batch norm
 */
export function residualStep(
  source: StepSource<PlanConv>,
  residual: Residual,
  shortcut: ValueType,
  norm?: NodeData,
): Step {
  return productStep(source, asConvolution(source), residualEpilogue(source, residual, shortcut, norm));
}

/** A quantized layer: acc = Σ code_x·code_w exactly, then thresholds or scale and bias. */
export function quantizedStep(source: StepSource<PlanQuantized>, layer: AsConvolution): Step {
  return productStep(source, layer, epilogueOf(source));
}

/** A tile of rows goes through product and epilogue before the next one starts. */
function productStep(
  { node, input, data, constants }: StepSource<PlanQuantized>,
  { window, image, groups, positions }: AsConvolution,
  finish: Epilogue,
): Step {
  const codes = data.codes as Int8Array;
  const product = productOf({ window, image, groups, out: node.out, codes, top: input.top }, constants);
  const [, , channels] = image;
  // Where each channel has one filter, all are walked at once.
  const walked = channels === groups && node.out === groups;
  const geometry = geometryOf(constants, window, image, walked ? channels : channels / groups);
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
