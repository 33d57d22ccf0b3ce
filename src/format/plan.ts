/** @file The plan of a packed model: its nodes in the order in which they run, as they stand in the file's JSON. */
import type { Rounding } from "../codes/staircase.js";

/** The file's `format`, the version that this library writes, and the one before it, which has no checksum and is read too. */
export const FORMAT_NAME = "coarsegrad-packed";
export const FORMAT_VERSION = "2";
export const FIRST_VERSION = "1";
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

/** A staircase: codes 0…2^bits − 1 that stand for step·code (BCGD §3). */
export interface PlanActivation {
  readonly bits: number;
  /** α, an f32 number. */
  readonly step: number;
  /** `ceil` is the paper's staircase; `nearest` rounds half to even. */
  readonly rounding: Rounding;
}

/** Geometry of a sliding window. */
export interface PlanWindow {
  readonly kernel: readonly [h: number, w: number];
  readonly stride: readonly [h: number, w: number];
  readonly padding: readonly [top: number, bottom: number, left: number, right: number];
  readonly dilation: readonly [h: number, w: number];
}

/** What quantized layers have in common. With `activation` they give codes by thresholds; without, f32 values acc·s (+ bias), s = f32(delta·step of the input). */
export interface PlanQuantized {
  readonly id: string;
  readonly input: string;
  /** Output channels or features. */
  readonly out: number;
  /** Width of the weights, 1…8. */
  readonly bits: number;
  /** `channel`: one delta per output; `layer`: one. */
  readonly granularity: "layer" | "channel";
  readonly activation?: PlanActivation;
  /** True if the layer without activation adds a bias. Thresholds have theirs inside. */
  readonly bias?: boolean;
}

/** Convolution of codes with weight codes. */
export interface PlanConv extends PlanQuantized, PlanWindow {
  readonly op: "conv";
  readonly groups: number;
}
/** Product of codes with weight codes. */
export interface PlanLinear extends PlanQuantized {
  readonly op: "linear";
}
/** Largest of each window; codes stay codes. */
export interface PlanMaxPool extends PlanWindow {
  readonly op: "maxPool";
  readonly id: string;
  readonly input: string;
}
/** Mean of each window, in f32; of codes, f32(step·f32(Σ codes/count)). */
export interface PlanAvgPool extends PlanWindow {
  readonly op: "avgPool";
  readonly id: string;
  readonly input: string;
  /** Divide by the window's size even where it reaches past the edge. */
  readonly includePad: boolean;
}
/** Convolution in f32. */
export interface PlanFloatConv extends PlanWindow {
  readonly op: "floatConv";
  readonly id: string;
  readonly input: string;
  readonly out: number;
  readonly bias: boolean;
  /** Default 1: all channels with all. */
  readonly groups?: number;
  /** Present: the weights are stored as codes of this width, and computed with as the whole numbers that they are. */
  readonly bits?: number;
}
/** Linear layer in f32. */
export interface PlanFloatLinear {
  readonly op: "floatLinear";
  readonly id: string;
  readonly input: string;
  readonly out: number;
  readonly bias: boolean;
  /** As {@link PlanFloatConv}'s. */
  readonly bits?: number;
}
/** A real staircase on f32 values, where nothing folds into thresholds. */
export interface PlanStaircase {
  readonly op: "staircase";
  readonly id: string;
  readonly input: string;
  readonly activation: PlanActivation;
}
/** Sum of two f32 values of one shape. */
export interface PlanAdd {
  readonly op: "add";
  readonly id: string;
  readonly inputs: readonly [string, string];
}
/** Each channel (last axis) combined with a constant, in f32: x ∘ value[c]. */
export interface PlanChannel {
  readonly op: "channel";
  readonly id: string;
  readonly input: string;
  readonly fn: "add" | "sub" | "mul" | "div";
}
/** Channels of zeros before and after those of an image; codes stay codes. */
export interface PlanPadChannels {
  readonly op: "padChannels";
  readonly id: string;
  readonly input: string;
  readonly channels: readonly [before: number, after: number];
}
/** Zeros around an image; codes stay codes. */
export interface PlanPad {
  readonly op: "pad";
  readonly id: string;
  readonly input: string;
  readonly padding: PlanWindow["padding"];
}
/** Values joined along the last axis: f32 values, or codes of one step, which stay codes. */
export interface PlanConcat {
  readonly op: "concat";
  readonly id: string;
  readonly inputs: readonly string[];
}
/** Elements start, start + step, … of each axis, `count` of them; codes stay codes. */
export interface PlanSlice {
  readonly op: "slice";
  readonly id: string;
  readonly input: string;
  readonly start: readonly number[];
  readonly step: readonly number[];
  readonly count: readonly number[];
}
/**
 * Nodes without fields of their own. `flatten`: [H,W,C] → [H·W·C]. `dequantize`: codes → f32(step·code). `affine`: x·scale[c] + shift[c] over the
 * last axis, two roundings (batch norm). `relu`: max(x, 0).
 */
export interface PlanSimple {
  readonly op: "flatten" | "dequantize" | "affine" | "relu";
  readonly id: string;
  readonly input: string;
}

/** One step of a plan. */
export type PlanNode =
  | PlanConv
  | PlanLinear
  | PlanMaxPool
  | PlanAvgPool
  | PlanFloatConv
  | PlanFloatLinear
  | PlanStaircase
  | PlanAdd
  | PlanChannel
  | PlanPadChannels
  | PlanPad
  | PlanConcat
  | PlanSlice
  | PlanSimple;

/** What a packed model computes. Every node reads the input or nodes before it. */
export interface Plan {
  readonly input: PlanInput;
  readonly nodes: readonly PlanNode[];
  /** Id of the node whose values are the model's output. */
  readonly output: string;
  /** Names of the classes, as many as the output has elements. */
  readonly classes?: readonly string[];
}

/** Ids of the values that a node reads. */
export function inputsOf(node: PlanNode): readonly string[] {
  return node.op === "add" || node.op === "concat" ? node.inputs : [node.input];
}
