/** @file `layerNorm`: training's operations, each rounded once; sums in the order of its kernel. */
import type { PlanLayerNorm } from "../../../format/nodes/rare/layer-norm.js";
import type { StepMaker } from "../../step.js";

const { fround } = Math;

/** Sum in f64 as kernel f32_sum has it: eight partial sums side by side, what is left over in the first. */
function rowSum(x: Float32Array, start: number, count: number): number {
  const s = new Float64Array(8);
  const whole = count - (count % 8);
  for (let i = 0; i < count; i++) s[i < whole ? i % 8 : 0] += x[start + i];
  return s[0] + s[2] + (s[4] + s[6]) + (s[1] + s[3] + (s[5] + s[7]));
}

export const layerNorm: StepMaker<PlanLayerNorm> = ({ node, input, size, data, heap }) => {
  const { axes, eps } = node;
  const { scale, shift } = data;
  const width = input.shape.slice(-axes).reduce((product, extent) => product * extent, 1);
  const rows = size / width;
  return {
    scratch: () => [4 * width],
    run(batch, [x], y, [squares]) {
      const count = batch * rows;
      const from = heap().f32(x, batch * size);
      const to = heap().f32(y, batch * size);
      const square = heap().f32(squares, width);
      for (let row = 0; row < count; row++) {
        const mean = fround(fround(rowSum(from, row * width, width)) / width);
        for (let i = 0, at = row * width; i < width; i++, at++) {
          to[at] = from[at] - mean;
          square[i] = to[at] * to[at];
        }
        const variance = fround(fround(rowSum(square, 0, width)) / width);
        const invStd = fround(1 / fround(Math.sqrt(fround(variance + eps))));
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
