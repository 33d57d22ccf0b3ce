/** @file `resize`: columns, then rows, by the code that training runs. */
import { type Elements, resampleAxis, tapsOf } from "../../../core/resample.js";
import type { PlanResize } from "../../../format/nodes/rare/resize.js";
import type { StepMaker } from "../../step.js";

export const resize: StepMaker<PlanResize> = ({ node, input, heap }) => {
  const { mode, coordinates, size, scaleH = null, scaleW = null } = node;
  const [h, w, channels] = input.shape;
  const rows = tapsOf(mode, coordinates, h, size[0], scaleH);
  const columns = tapsOf(mode, coordinates, w, size[1], scaleW);
  const line = size[1] * channels;
  const codes = input.dtype === "u8";
  const view = (at: number, count: number): Elements => (codes ? heap().u8(at, count) : heap().f32(at, count));
  return {
    scratch: (batch) => [batch * h * line * (codes ? 1 : 4)],
    run(batch, [x], y, [middle]) {
      const wide = view(middle, batch * h * line);
      resampleAxis(view(x, batch * h * w * channels), wide, { outer: batch * h, extent: w, inner: channels }, columns);
      resampleAxis(wide, view(y, batch * size[0] * line), { outer: batch, extent: h, inner: line }, rows);
    },
  };
};
