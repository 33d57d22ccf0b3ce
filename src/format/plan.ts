/** @file The plan of a packed model: its nodes in the order in which they run, as they stand in the file's JSON. */
import type { FrontEnd } from "../sound/front-end.js";
import type { PlanNode } from "./nodes/index.js";

/** The file's `format`. */
export const FORMAT_NAME = "coarsegrad-packed";
/**
 * The versions that are read, by what they add: the second a checksum, the third thresholds as lines. The second is
 * written where no layer has such.
 */
export const FORMAT_VERSIONS = ["1", "2", "3"] as const;
export const [FIRST_VERSION, FORMAT_VERSION, LINES_VERSION] = FORMAT_VERSIONS;
/** How other nodes name the plan's input. */
export const INPUT_ID = "input";

/** What the model is fed. */
export interface PlanInput {
  /** Without the batch: [H,W,C] for images, [F] for vectors. */
  readonly shape: readonly number[];
  /** `u8`: codes that stand for step·code; `f32`: real values. */
  readonly dtype: "u8" | "f32";
  /** The value of code 1, an f32 number; for u8 alone. */
  readonly step?: number;
}

/** What a packed model computes. Every node reads the input or nodes before it. */
export interface Plan {
  readonly input: PlanInput;
  readonly nodes: readonly PlanNode[];
  /** Id of the node whose values are the model's output. */
  readonly output: string;
  /** Names of the classes, as many as the output has elements. */
  readonly classes?: readonly string[];
  /** Of a model that hears: how its input, [frames, bands, 1], is made of sound. `coarsegrad/sound` checks and uses it. */
  readonly sound?: FrontEnd;
}
