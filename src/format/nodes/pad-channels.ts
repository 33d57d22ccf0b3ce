/** @file `padChannels`: channels of zeros before and after those of an image; codes stay codes. */
import { count, list } from "../fields.js";
import { expectInput, type Kind } from "./kind.js";

/** Channels of zeros before and after those of an image; codes stay codes. */
export interface PlanPadChannels {
  readonly op: "padChannels";
  readonly id: string;
  readonly input: string;
  readonly channels: readonly [before: number, after: number];
}

export const padChannels: Kind<PlanPadChannels> = {
  fields: { channels: list(count, 2) },
  value({ channels: [before, after] }, typing) {
    const x = expectInput(typing, null, 3);
    const [h, w, channels] = x.shape;
    return { ...x, shape: [h, w, before + channels + after] };
  },
};
