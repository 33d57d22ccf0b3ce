/** @file `staircase` as Div, Ceil (or Round, half to even), Clip, Cast. */
import { staircaseTop } from "../../codes/levels.js";
import type { NodeOf } from "../../format/index.js";
import type { NodeEmitter } from "../emitter.js";
import { codesOf } from "../quantized.js";

/** @see BCGD §3 (staircase) */
export const staircase: NodeEmitter<NodeOf<"staircase">> = ({ node, emitter, x }) => {
  const { id, activation } = node;
  const { bits, step, rounding } = activation;
  const quotient = emitter.builder.node("Div", [x.name, emitter.f32(step)], `${id}/quotient`);
  return [codesOf(quotient, rounding === "ceil" ? "Ceil" : "Round", staircaseTop(bits), id, emitter), x.order];
};
