/** @file Samples of the ops that change shapes of images and sequences. */
import type { Shape } from "../../src/core/shape.js";
import type { Sample } from "../gradcheck.js";
import { spread } from "./sample-inputs.js";

/** An op of operands that are linear one at a time, with each alone. */
function bilinear(cases: readonly Sample[]): Sample[] {
  const alone = cases.flatMap(({ note, inputs, attrs }) =>
    [0, 1].map((free) => ({
      note: `${note}, linear in ${free}`,
      attrs,
      linear: true,
      inputs: inputs.slice(0, 2).map((shape, i) => ({ shape: shape as Shape, gradient: i === free })),
    })),
  );
  return [...cases, ...alone];
}

export const conv1dSamples: Sample[] = bilinear([
  { note: "3", inputs: [[2, 5, 3], [4, 3, 3], [4]], attrs: {} },
  {
    note: "stride, padding",
    inputs: [
      [1, 7, 2],
      [3, 2, 4],
    ],
    attrs: { stride: 2, padding: 1 },
  },
  {
    note: "dilation, two ends, groups",
    inputs: [
      [2, 6, 4],
      [6, 2, 2],
    ],
    attrs: { dilation: 3, padding: [2, 0], groups: 2 },
  },
  {
    note: "depthwise, same",
    inputs: [
      [2, 5, 3],
      [3, 1, 3],
    ],
    attrs: { groups: 3, padding: "same" },
  },
  {
    note: "1",
    inputs: [
      [2, 4, 3],
      [2, 3, 1],
    ],
    attrs: {},
  },
]);

export const convTransposeSamples: Sample[] = bilinear(
  ["direct", "fast"].flatMap((algorithm) => [
    { note: `plain, ${algorithm}`, inputs: [[2, 3, 4, 3], [3, 2, 3, 2], [2]], attrs: { algorithm } },
    {
      note: `stride, padding, output padding, ${algorithm}`,
      inputs: [
        [1, 3, 3, 2],
        [2, 3, 3, 4],
      ],
      attrs: { algorithm, stride: [2, 3], padding: 1, outputPadding: [1, 2] },
    },
    {
      note: `dilation, groups, four sides, ${algorithm}`,
      inputs: [
        [2, 3, 2, 4],
        [4, 3, 2, 2],
      ],
      attrs: { algorithm, dilation: [2, 3], groups: 2, padding: [0, 2, 1, 0], stride: 2 },
    },
    {
      note: `one channel a group, more cut off than taps, ${algorithm}`,
      inputs: [
        [1, 4, 5, 3],
        [3, 2, 2, 1],
      ],
      attrs: { algorithm, groups: 3, stride: 2, padding: [2, 1] },
    },
    {
      note: `1×1, ${algorithm}`,
      inputs: [
        [1, 2, 3, 3],
        [3, 4, 1, 1],
      ],
      attrs: { algorithm },
    },
  ]),
);

export const maxPool1dSamples: Sample[] = [
  { inputs: [spread([2, 6, 2])], attrs: { kernel: 2 } },
  { note: "overlap, padding", inputs: [spread([1, 7, 3])], attrs: { kernel: 3, stride: 2, padding: 1 } },
  {
    note: "dilation, ceil mode",
    inputs: [spread([1, 8, 2])],
    attrs: { kernel: 3, stride: 2, dilation: 2, ceilMode: true },
  },
];

export const avgPool1dSamples: Sample[] = [
  { inputs: [[2, 6, 2]], attrs: { kernel: 3 }, linear: true },
  {
    note: "padding does not count",
    inputs: [[1, 7, 3]],
    attrs: { kernel: 4, stride: 2, padding: [2, 1], countIncludePad: false },
    linear: true,
  },
  {
    note: "dilation, ceil mode",
    inputs: [[1, 8, 2]],
    attrs: { kernel: 3, stride: 2, dilation: 2, ceilMode: true },
    linear: true,
  },
];

export const upsampleSamples: Sample[] = [
  { mode: "nearest", scale: 2 },
  { mode: "nearest", size: [7, 2] },
  { mode: "nearest-exact", scale: [1.7, 0.6] },
  { mode: "bilinear", scale: 2 },
  { mode: "bilinear", scale: [1.3, 2.6] },
  { mode: "bilinear", size: [2, 9] },
  { mode: "bilinear", size: [7, 8], alignCorners: true },
  { mode: "bilinear", size: [1, 1], alignCorners: true },
].map((attrs) => ({ note: JSON.stringify(attrs), inputs: [[2, 3, 4, 2]], attrs, linear: true }));

export const layerNormSamples: Sample[] = [
  { inputs: [[4, 5]], attrs: { axes: 1, eps: 1e-3 } },
  { note: "γ", inputs: [[3, 4], [4]], attrs: { axes: 1, eps: 1e-5 } },
  { note: "γ and β", inputs: [[2, 3, 4], [4], [4]], attrs: { axes: 1, eps: 1e-5 } },
  {
    note: "two axes",
    inputs: [
      [2, 3, 4],
      [3, 4],
      [3, 4],
    ],
    attrs: { axes: 2, eps: 1e-5 },
  },
  { note: "γ and β only", inputs: [{ shape: [3, 4], gradient: false }, [4], [4]], attrs: { axes: 1, eps: 0.1 } },
];
