/** @file `convTranspose`: transposed convolution in f32. */
import { shapeText } from "../../../core/shape.js";
import { boolean, count, extent, list, optional } from "../../fields.js";
import { floats } from "../../tensors.js";
import { real } from "../../value.js";
import { type PlanWindow, patchOf, WINDOW_FIELDS } from "../../window.js";
import { expectGroups, expectInput, type Kind } from "../kind.js";

/** Transposed convolution in f32: every pixel times the weights is added at its place; `padding` is cut off. */
export interface PlanConvTranspose extends PlanWindow {
  readonly op: "convTranspose";
  readonly id: string;
  readonly input: string;
  readonly out: number;
  readonly bias: boolean;
  /** Rows and columns more at the bottom and right. */
  readonly outputPadding: readonly [h: number, w: number];
  /** Default 1: all channels with all. */
  readonly groups?: number;
}

/** Elements of the image among zeros that is multiplied, at most. */
const MOST = 2 ** 28;

/** Output height and width. */
function extentsOf(node: PlanConvTranspose, [h, w]: readonly number[]): readonly [number, number] {
  const { kernel, stride, padding, dilation, outputPadding } = node;
  const along = (axis: 0 | 1, n: number): number =>
    (n - 1) * stride[axis] +
    dilation[axis] * (kernel[axis] - 1) +
    1 +
    outputPadding[axis] -
    padding[2 * axis] -
    padding[2 * axis + 1];
  return [along(0, h), along(1, w)];
}

/** Height and width of the image among zeros, of whose every place one window makes an output. */
export function stretchedExtents(
  { kernel, dilation }: PlanConvTranspose,
  [h, w]: readonly number[],
): readonly [number, number] {
  return [h + dilation[0] * (kernel[0] - 1), w + dilation[1] * (kernel[1] - 1)];
}

export const convTranspose: Kind<PlanConvTranspose> = {
  fields: {
    ...WINDOW_FIELDS,
    out: extent,
    bias: boolean,
    outputPadding: list(count, 2),
    groups: optional(extent),
  },
  value(node, typing) {
    const { shape } = expectInput(typing, "f32", 3);
    expectGroups(typing, node.groups ?? 1, node.out);
    const { stride, dilation, outputPadding } = node;
    if ([0, 1].some((axis) => outputPadding[axis] >= Math.max(stride[axis], dilation[axis]))) {
      typing.refuse("output padding", "less than the stride or the dilation", `[${outputPadding}]`);
    }
    const size = extentsOf(node, shape);
    if (Math.min(...size) < 1) typing.refuse("padding", `less than all of ${shapeText(shape)}`, `${size.join("×")}`);
    const [tall, wide] = stretchedExtents(node, size);
    if (tall * wide * shape[2] > MOST)
      typing.refuse("extents", `at most ${MOST} elements with zeros between`, `${size}`);
    return real([...size, node.out]);
  },
  patch: patchOf,
  tensors: ({ out, bias, groups = 1, kernel }, { shape }) => [
    floats("weight", [shape[2], out / groups, ...kernel]),
    ...(bias ? [floats("bias", [out])] : []),
  ],
};
