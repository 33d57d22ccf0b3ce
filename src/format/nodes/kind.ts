/**
 * @file What the format knows of one kind of node: everything that reading, checking, counting and writing ask of it.
 */
import { shapeText } from "../../core/shape.js";
import type { Fields } from "../fields.js";
import type { TensorSpec } from "../tensors.js";
import { real, type ValueType } from "../value.js";
import { type PlanWindow, windowExtents } from "../window.js";

/** What every node has: what kind it is, its id, and what it reads. */
export type AnyNode = { readonly op: string; readonly id: string } & (
  | { readonly input: string }
  | { readonly inputs: readonly string[] }
);

/** What the type of a node's value is found from. */
export interface Typing {
  /** Types of what the node reads. */
  readonly inputs: readonly ValueType[];
  /** Refuses the node. @throws FormatError */
  refuse(what: string, expected: string, got: string): never;
}

/** One kind of node. */
export interface Kind<Node extends AnyNode> {
  /** Checks of the node's own fields; `input` is checked for it unless it has `inputs`. */
  readonly fields: Fields<Node, "op" | "id" | "input">;
  /** Type of its value. Refuses what it cannot read. */
  value(node: Node, typing: Typing): ValueType;
  /** Tensors that it must have, in the order of the file; left out: none. @param input type of what it reads first */
  tensors?(node: Node, input: ValueType): readonly TensorSpec[];
  /** Kinds with weights: products per element of the output. */
  patch?(node: Node, input: ValueType): number;
  /** Kinds that look at more values than they write: values per element of the output. */
  reads?(node: Node): number;
}

/**
 * The input's type, which has to be codes, or real numbers (null: any), of an image (rank 3), or of a vector (rank 1).
 */
export function expectInput({ inputs: [x], refuse }: Typing, dtype: "u8" | "f32" | null, rank?: 1 | 3): ValueType {
  if (dtype !== null && x.dtype !== dtype) {
    refuse("type of its input", dtype === "u8" ? "u8 codes" : "f32 values", x.dtype);
  }
  if (rank !== undefined && x.shape.length !== rank) {
    refuse("shape of its input", rank === 3 ? "[H,W,C]" : "[F]", shapeText(x.shape));
  }
  return x;
}

/** The value of a kind that gives a real number for each that it reads. */
export function sameReal(_: AnyNode, typing: Typing): ValueType {
  return real(expectInput(typing, "f32").shape);
}

/** Shape of what a window that slides over the input gives. */
export function slid(typing: Typing, window: PlanWindow, channels: number): readonly number[] {
  const { shape } = expectInput(typing, null, 3);
  const [h, w] = windowExtents(window, shape[0], shape[1]);
  if (h < 1 || w < 1) typing.refuse("window", `one that fits into ${shapeText(shape)}`, `an output of ${h}×${w}`);
  return [h, w, channels];
}

/** Refuses groups that do not divide the channels. */
export function expectGroups({ inputs: [{ shape }], refuse }: Typing, groups: number, out: number): void {
  if (shape[2] % groups !== 0 || out % groups !== 0) {
    refuse("groups", `a divisor of ${shape[2]} and ${out} channels`, `${groups}`);
  }
}
