/** @file `channel`: each channel combined with a constant, in f32. */
import { oneOf } from "../fields.js";
import { floats } from "../tensors.js";
import { type Kind, sameReal } from "./kind.js";

/** Each channel (last axis) combined with a constant, in f32: x ∘ value[c]. */
export interface PlanChannel {
  readonly op: "channel";
  readonly id: string;
  readonly input: string;
  readonly fn: "add" | "sub" | "mul" | "div";
}

export const channel: Kind<PlanChannel> = {
  fields: { fn: oneOf("add", "sub", "mul", "div") },
  value: sameReal,
  tensors: (_, { shape }) => [floats("value", shape.slice(-1))],
};
