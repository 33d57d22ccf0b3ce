/** @file `pad`: zeros around an image; codes stay codes. */
import { count, list } from "../fields.js";
import type { PlanWindow } from "../window.js";
import { expectInput, type Kind } from "./kind.js";

/** Zeros around an image; codes stay codes. */
export interface PlanPad {
  readonly op: "pad";
  readonly id: string;
  readonly input: string;
  readonly padding: PlanWindow["padding"];
}

export const pad: Kind<PlanPad> = {
  fields: { padding: list(count, 4) },
  value({ padding: [top, bottom, left, right] }, typing) {
    const x = expectInput(typing, null, 3);
    const [h, w, channels] = x.shape;
    return { ...x, shape: [top + h + bottom, left + w + right, channels] };
  },
};
