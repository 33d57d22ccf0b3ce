/** @file `layerNorm`: training's operations, each rounded once; sums by its kernel. */
import type { PlanLayerNorm } from "../../../format/nodes/rare/layer-norm.js";
import type { StepMaker } from "../../step.js";

const { fround } = Math;

export const layerNorm: StepMaker<PlanLayerNorm> = ({ node, input, size, data, kernels, heap }) => {
  const { axes, eps } = node;
  const { scale, shift } = data;
  const width = input.shape.slice(-axes).reduce((product, extent) => product * extent, 1);
  const rows = size / width;
  return {
    scratch: (batch) => [4 * batch * size, 4 * batch * rows],
    run(batch, [x], y, [squares, sums]) {
      const count = batch * rows;
      const from = heap().f32(x, batch * size);
      const to = heap().f32(y, batch * size);
      const square = heap().f32(squares, batch * size);
      const sum = heap().f32(sums, count);
      kernels.f32_sum(x, sums, count, width, 1);
      for (let row = 0; row < count; row++) {
        const mean = fround(sum[row] / width);
        for (let i = row * width; i < (row + 1) * width; i++) {
          to[i] = from[i] - mean;
          square[i] = to[i] * to[i];
        }
      }
      kernels.f32_sum(squares, sums, count, width, 1);
      for (let row = 0; row < count; row++) {
        const invStd = fround(1 / fround(Math.sqrt(fround(fround(sum[row] / width) + eps))));
        for (let i = 0, at = row * width; i < width; i++, at++) {
          let value = fround(to[at] * invStd);
          if (scale !== undefined) value = fround(value * scale[i]);
          if (shift !== undefined) value = fround(value + shift[i]);
          to[at] = value;
        }
      }
    },
  };
};
