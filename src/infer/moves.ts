/** @file Steps that move values without computing: padding, concatenation, slices. */
import { sizeOf } from "../core/shape.js";
import type { PlanConcat, PlanPad, PlanPadChannels, PlanSlice } from "../format/plan.js";
import type { ValueType } from "../format/values.js";
import type { Ptr } from "../kernels/abi.js";
import { heap, kernelsFor } from "../kernels/engine.js";
import type { Constants } from "./constants.js";
import { type Step, simpleStep } from "./step.js";

/** Extents and strides of a strided kernel for `batch` images, `extents[0]` entries each; rewritten only when the batch changes. */
function layoutOf(
  constants: Constants,
  extents: readonly number[],
  strides: readonly number[],
): (batch: number) => Ptr {
  const ints = constants.i32(Int32Array.of(...extents, ...strides));
  let written = 1;
  return (batch) => {
    const ptr = ints();
    if (batch !== written) {
      heap().i32(ptr, 1)[0] = batch * extents[0];
      written = batch;
    }
    return ptr;
  };
}

const bytesOf = ({ dtype }: ValueType): number => (dtype === "u8" ? 1 : 4);

/** Zeros around images or their channels. */
export function padStep(
  node: PlanPad | PlanPadChannels,
  input: ValueType,
  output: ValueType,
  constants: Constants,
): Step {
  const kernels = kernelsFor("f32");
  const [h, w, channels] = input.shape;
  const [tall, wide, deep] = output.shape;
  const bytes = bytesOf(input);
  const scatter = bytes === 1 ? kernels.b8_strided_scatter : kernels.b32_strided_scatter;
  const size = sizeOf(output.shape) * bytes;
  const zero = (batch: number, y: Ptr): void =>
    void heap()
      .u8(y, batch * size)
      .fill(0);
  if (node.op === "padChannels") {
    const layout = layoutOf(constants, [h * w, channels], [deep, 1]);
    const offset = node.channels[0] * bytes;
    return simpleStep((batch, [x], y) => {
      zero(batch, y);
      scatter(x, y + offset, 2, layout(batch));
    });
  }
  const [top, , left] = node.padding;
  const layout = layoutOf(constants, [1, h, w * channels], [tall * wide * channels, wide * channels, 1]);
  const offset = (top * wide + left) * channels * bytes;
  return simpleStep((batch, [x], y) => {
    zero(batch, y);
    scatter(x, y + offset, 3, layout(batch));
  });
}

/** Values joined along the last axis. */
export function concatStep(
  _node: PlanConcat,
  inputs: readonly ValueType[],
  output: ValueType,
  constants: Constants,
): Step {
  const kernels = kernelsFor("f32");
  const bytes = bytesOf(output);
  const scatter = bytes === 1 ? kernels.b8_strided_scatter : kernels.b32_strided_scatter;
  const wide = output.shape[output.shape.length - 1];
  const rows = sizeOf(output.shape) / wide;
  let offset = 0;
  const parts = inputs.map(({ shape }) => {
    const own = shape[shape.length - 1];
    const part = { offset: offset * bytes, layout: layoutOf(constants, [rows, own], [wide, 1]) };
    offset += own;
    return part;
  });
  return simpleStep((batch, sources, y) => {
    for (let i = 0; i < parts.length; i++) scatter(sources[i], y + parts[i].offset, 2, parts[i].layout(batch));
  });
}

/** A part of each image or vector. */
export function sliceStep(node: PlanSlice, input: ValueType, constants: Constants): Step {
  const kernels = kernelsFor("f32");
  const bytes = bytesOf(input);
  const copy = bytes === 1 ? kernels.b8_strided_copy : kernels.b32_strided_copy;
  const own = input.shape.map((_, i) => sizeOf(input.shape.slice(i + 1)));
  const offset = node.start.reduce((sum, start, i) => sum + start * own[i], 0) * bytes;
  const strides = node.step.map((step, i) => step * own[i]);
  const layout = layoutOf(constants, [1, ...node.count], [sizeOf(input.shape), ...strides]);
  const rank = node.count.length + 1;
  return simpleStep((batch, [x], y) => copy(x + offset, y, rank, layout(batch)));
}
