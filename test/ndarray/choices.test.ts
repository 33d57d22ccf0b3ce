/**
 * @file The choice of kernels for every layer of the shipped models, and for layers at the borders of each choice, as a
 * table says.
 */
import { readFileSync } from "node:fs";
import path from "node:path";
import { describe, expect, it } from "vitest";
import { choicesOf, type LayerSpec, linearChoicesOf } from "./choices.js";

/** Convolutions of the shipped models: [h, w, channels, filters, kernel, stride, padding]. */
const CONVOLUTIONS = [
  [28, 28, 1, 32, 5, 1, 0], // lenet5@28
  [12, 12, 32, 64, 5, 1, 0], // lenet5@28
  [32, 32, 3, 32, 5, 1, 0], // lenet5@32
  [14, 14, 32, 64, 5, 1, 0], // lenet5@32
  [32, 32, 3, 64, 3, 1, 1], // vgg11@32
  [16, 16, 64, 128, 3, 1, 1], // vgg11@32
  [8, 8, 128, 256, 3, 1, 1], // vgg11@32
  [8, 8, 256, 256, 3, 1, 1], // vgg11@32
  [4, 4, 256, 512, 3, 1, 1], // vgg11@32
  [4, 4, 512, 512, 3, 1, 1], // vgg11@32
  [2, 2, 512, 512, 3, 1, 1], // vgg11@32,resnet18@64
  [32, 32, 3, 16, 3, 1, 1], // resnet20@32
  [32, 32, 16, 16, 3, 1, 1], // resnet20@32
  [32, 32, 16, 32, 3, 2, 1], // resnet20@32
  [16, 16, 32, 32, 3, 1, 1], // resnet20@32
  [16, 16, 32, 64, 3, 2, 1], // resnet20@32
  [8, 8, 64, 64, 3, 1, 1], // resnet20@32,resnet18@32
  [32, 32, 3, 64, 7, 2, 3], // resnet18@32
  [8, 8, 64, 128, 1, 2, 0], // resnet18@32
  [8, 8, 64, 128, 3, 2, 1], // resnet18@32
  [4, 4, 128, 128, 3, 1, 1], // resnet18@32
  [4, 4, 128, 256, 1, 2, 0], // resnet18@32
  [4, 4, 128, 256, 3, 2, 1], // resnet18@32
  [2, 2, 256, 256, 3, 1, 1], // resnet18@32
  [2, 2, 256, 512, 1, 2, 0], // resnet18@32
  [2, 2, 256, 512, 3, 2, 1], // resnet18@32
  [1, 1, 512, 512, 3, 1, 1], // resnet18@32
  [64, 64, 3, 64, 7, 2, 3], // resnet18@64
  [16, 16, 64, 64, 3, 1, 1], // resnet18@64
  [16, 16, 64, 128, 1, 2, 0], // resnet18@64
  [16, 16, 64, 128, 3, 2, 1], // resnet18@64
  [8, 8, 128, 128, 3, 1, 1], // resnet18@64
  [8, 8, 128, 256, 1, 2, 0], // resnet18@64
  [8, 8, 128, 256, 3, 2, 1], // resnet18@64
  [4, 4, 256, 256, 3, 1, 1], // resnet18@64
  [4, 4, 256, 512, 1, 2, 0], // resnet18@64
  [4, 4, 256, 512, 3, 2, 1], // resnet18@64
  [224, 224, 3, 64, 7, 2, 3], // resnet18@224
  [56, 56, 64, 64, 3, 1, 1], // resnet18@224
  [56, 56, 64, 128, 1, 2, 0], // resnet18@224
  [56, 56, 64, 128, 3, 2, 1], // resnet18@224
  [28, 28, 128, 128, 3, 1, 1], // resnet18@224
  [28, 28, 128, 256, 1, 2, 0], // resnet18@224
  [28, 28, 128, 256, 3, 2, 1], // resnet18@224
  [14, 14, 256, 256, 3, 1, 1], // resnet18@224
  [14, 14, 256, 512, 1, 2, 0], // resnet18@224
  [14, 14, 256, 512, 3, 2, 1], // resnet18@224
  [7, 7, 512, 512, 3, 1, 1], // resnet18@224
  [64, 64, 3, 64, 11, 4, 2], // alexnet@64
  [7, 7, 64, 192, 5, 1, 2], // alexnet@64
  [3, 3, 192, 384, 3, 1, 1], // alexnet@64
  [3, 3, 384, 256, 3, 1, 1], // alexnet@64
  [3, 3, 256, 256, 3, 1, 1], // alexnet@64
  [224, 224, 3, 64, 11, 4, 2], // alexnet@224
  [27, 27, 64, 192, 5, 1, 2], // alexnet@224
  [13, 13, 192, 384, 3, 1, 1], // alexnet@224
  [13, 13, 384, 256, 3, 1, 1], // alexnet@224
  [13, 13, 256, 256, 3, 1, 1], // alexnet@224
] as const;
/** Fully connected layers of the shipped models: [inputs, outputs]. */
const LINEARS = [
  [1024, 512], // lenet5@28
  [512, 10], // lenet5@28,lenet5@32,vgg11@32
  [1600, 512], // lenet5@32
  [784, 256], // mlp@28
  [256, 256], // mlp@28
  [256, 10], // mlp@28
  [64, 10], // resnet20@32
  [512, 1000], // resnet18@32,resnet18@64,resnet18@224
  [256, 4096], // alexnet@64
  [4096, 4096], // alexnet@64,alexnet@224
  [4096, 1000], // alexnet@64,alexnet@224
  [9216, 4096], // alexnet@224
] as const;

/** Borders of the choices that the models do not meet. */
const BORDERS: readonly LayerSpec[] = [
  { image: [8, 8, 16], filters: 16, kernel: 3, padding: 1, groups: 16 },
  { image: [8, 8, 16], filters: 32, kernel: 3, padding: 1, groups: 16 },
  { image: [8, 8, 16], filters: 32, kernel: 3, padding: 1, stride: 2, groups: 16 },
  { image: [8, 8, 16], filters: 16, kernel: 3, padding: 1, groups: 2 },
  { image: [8, 8, 1], filters: 16, kernel: 3, padding: 1 },
  { image: [8, 8, 16], filters: 16, kernel: 1 },
  { image: [8, 8, 20], filters: 17, kernel: 1 },
  { image: [8, 8, 15], filters: 17, kernel: 1 },
  { image: [8, 8, 16], filters: 16, kernel: 1, padding: 1 },
  { image: [8, 8, 16], filters: 16, kernel: 3, padding: 2, dilation: 2 },
  { image: [5, 5, 16], filters: 16, kernel: 3, padding: 1 },
  { image: [8, 8, 8], filters: 16, kernel: 3, padding: 1 },
  { image: [8, 8, 16], filters: 4, kernel: 3, padding: 1 },
  { image: [8, 8, 16], filters: 11, kernel: 3, padding: 1 },
  { image: [8, 8, 16], filters: 12, kernel: 3, padding: 1 },
  { image: [8, 8, 12], filters: 12, kernel: 3, padding: 1 },
  { image: [8, 8, 10], filters: 12, kernel: 3, padding: 1 },
  { image: [8, 8, 4], filters: 8, kernel: 3, padding: 1 },
  { image: [8, 8, 8], filters: 8, kernel: 5, padding: 2 },
  { image: [9, 9, 8], filters: 8, kernel: 5, padding: 2 },
  { image: [8, 8, 8], filters: 8, kernel: 4 },
  { image: [12, 12, 1456], filters: 12, kernel: 3 },
  { image: [12, 12, 1472], filters: 12, kernel: 3 },
  { image: [4, 4, 7311], filters: 2, kernel: 3 },
];
const LINEAR_BORDERS = [
  [15, 12],
  [16, 11],
  [16, 12],
  [65_793, 2],
  [65_794, 2],
] as const;

const table = path.join(import.meta.dirname, "..", "fixtures", "convolution-choices.json");
const expected: Record<string, Record<string, string>> = JSON.parse(readFileSync(table, "utf8"));

const labelOf = ({ image, filters, kernel, stride = 1, padding = 0, dilation = 1, groups = 1 }: LayerSpec): string =>
  `${image.join("×")} → ${filters}, ${kernel}×${kernel}, stride ${stride}, padding ${padding}, dilation ${dilation}, groups ${groups}`;
const layers = [
  ...CONVOLUTIONS.map(([h, w, channels, filters, kernel, stride, padding]): LayerSpec => {
    return { image: [h, w, channels], filters, kernel, stride, padding };
  }),
  ...BORDERS,
];
const linears = [...LINEARS, ...LINEAR_BORDERS];

describe("the kernels of a layer", () => {
  it.each(layers.map((spec) => [labelOf(spec), spec] as const))("%s", (label, spec) => {
    expect(choicesOf(spec)).toEqual(expected[label]);
  });

  it.each(linears.map(([features, filters]) => [`${features} → ${filters}`, features, filters] as const))(
    "%s",
    (label, features, filters) => {
      expect(linearChoicesOf(features, filters)).toEqual(expected[label]);
    },
  );

  it("the table is of these layers alone", () => {
    const labels = [...layers.map(labelOf), ...linears.map(([features, filters]) => `${features} → ${filters}`)];
    expect(Object.keys(expected).sort()).toEqual([...new Set(labels)].sort());
  });
});
