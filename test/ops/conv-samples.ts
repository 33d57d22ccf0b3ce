/** @file Samples of convolutions. */
import type { Shape } from "../../src/core/shape.js";
import type { Sample } from "../gradcheck.js";

/** Every option of conv2d. */
export const convolutions: Sample[] = [
  {
    note: "3×3",
    inputs: [
      [2, 5, 4, 3],
      [4, 3, 3, 3],
    ],
    attrs: {},
  },
  { note: "bias", inputs: [[1, 4, 4, 2], [3, 2, 3, 3], [3]], attrs: { padding: 1 } },
  {
    note: "1×1",
    inputs: [
      [2, 3, 3, 4],
      [2, 4, 1, 1],
    ],
    attrs: {},
  },
  {
    note: "1×1 stride 2",
    inputs: [
      [1, 4, 5, 2],
      [2, 2, 1, 1],
    ],
    attrs: { stride: 2 },
  },
  {
    note: "stride",
    inputs: [
      [1, 6, 5, 2],
      [2, 2, 3, 2],
    ],
    attrs: { stride: [2, 1], padding: [1, 0] },
  },
  {
    note: "dilation",
    inputs: [
      [1, 6, 6, 2],
      [2, 2, 2, 3],
    ],
    attrs: { dilation: [3, 2], padding: 1 },
  },
  {
    note: "four sides",
    inputs: [
      [1, 4, 4, 1],
      [2, 1, 3, 3],
    ],
    attrs: { padding: [2, 0, 1, 3] },
  },
  {
    note: "same, stride 2",
    inputs: [
      [1, 5, 6, 2],
      [1, 2, 4, 3],
    ],
    attrs: { padding: "same", stride: 2 },
  },
  { note: "groups", inputs: [[2, 4, 4, 4], [6, 2, 3, 3], [6]], attrs: { groups: 2, padding: 1 } },
  {
    note: "depthwise",
    inputs: [
      [2, 4, 4, 3],
      [3, 1, 3, 3],
    ],
    attrs: { groups: 3, padding: 1, stride: 2 },
  },
  {
    note: "depthwise, two filters",
    inputs: [
      [1, 4, 5, 2],
      [4, 1, 3, 2],
    ],
    attrs: { groups: 2, dilation: 2, padding: 1 },
  },
];
/** A convolution with one operand held fixed is linear in the other. */
export const linearConvolutions: Sample[] = convolutions.flatMap(({ note, inputs, attrs }) =>
  [0, 1].map((free) => ({
    note: `${note}, linear in ${free}`,
    attrs,
    linear: true,
    inputs: inputs.slice(0, 2).map((shape, i) => ({ shape: shape as Shape, gradient: i === free })),
  })),
);
