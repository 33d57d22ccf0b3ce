/** @file Copies between places that lie apart: what padding, joining and cutting are made of. */
import { elementBytes, type ValueType } from "../format/value.js";
import type { Kernels, Ptr } from "../kernels/abi.js";
import { heap, kernelsFor } from "../kernels/engine.js";
import type { Constants } from "./constants.js";
import type { Step, StepSource } from "./step.js";

/**
 * Extents and strides of a strided kernel for `batch` images, `extents[0]` entries each; rewritten only when the batch
 * changes.
 */
export function layoutOf(
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

/** The kernel that writes dense elements to places apart. */
export function scatterOf(type: ValueType): Kernels["b8_strided_scatter"] {
  const kernels = kernelsFor("f32");
  return type.dtype === "u8" ? kernels.b8_strided_scatter : kernels.b32_strided_scatter;
}

/**
 * The input's elements among zeros.
 * @param first element of an output that is not zero
 * @param layout of an input in it
 */
export function amongZeros(
  { output, size }: StepSource<unknown>,
  first: number,
  rank: number,
  layout: (batch: number) => Ptr,
): Step["run"] {
  const scatter = scatterOf(output);
  const bytes = elementBytes(output);
  return (batch, [x], y) => {
    heap()
      .u8(y, batch * size * bytes)
      .fill(0);
    scatter(x, y + first * bytes, rank, layout(batch));
  };
}
