/** @file `slice`: elements start, start + step, … of each axis; codes stay codes. */
import { shapeText } from "../../core/shape.js";
import { count, extent, list } from "../fields.js";
import type { Kind } from "./kind.js";

/** Elements start, start + step, … of each axis, `count` of them; codes stay codes. */
export interface PlanSlice {
  readonly op: "slice";
  readonly id: string;
  readonly input: string;
  readonly start: readonly number[];
  readonly step: readonly number[];
  readonly count: readonly number[];
}

export const slice: Kind<PlanSlice> = {
  fields: { start: list(count, 1, 3), step: list(extent, 1, 3), count: list(extent, 1, 3) },
  value({ start, step, count }, { inputs: [x], refuse }) {
    if ([start, step, count].some((list) => list.length !== x.shape.length)) {
      const got = `${start.length}, ${step.length}, ${count.length}`;
      refuse("ranges", `one for each axis of ${shapeText(x.shape)}`, got);
    }
    x.shape.forEach((extent, i) => {
      const last = start[i] + (count[i] - 1) * step[i];
      if (last >= extent) refuse(`range of axis ${i}`, `indices below ${extent}`, `${last}`);
    });
    return { ...x, shape: count };
  },
};
