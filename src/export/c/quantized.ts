/** @file Quantized layers in C: sums of codes in integers, then codes, int32 sums, or one scale to float. */
import { bitsOfTop } from "../../codes/levels.js";
import { scalesOf } from "../../codes/scales.js";
import { sumsOf } from "../../codes/sums.js";
import type { PlanQuantized } from "../../format/nodes/quantized.js";
import { PLANE_COUNTS } from "./helpers/planes.js";
import type { CSource, CStep } from "./lowering.js";
import { loop } from "./lowering.js";
import { codeOfSum } from "./stairs.js";
import { byWidth, rowWords, streamOf, wordRows } from "./weights.js";
import { type CWindow, overWindows } from "./windows.js";

/** Shorter rows of 1-bit weights waste more bits than counting them saves. */
const LEAST_ROW = 16;

/** The expression of a sum as a float: scale and bias. */
export function floatOfSum({ node, input, data, module }: CSource<PlanQuantized>): string {
  const all = scalesOf(data.delta as Float32Array, input.step as number, node.out);
  const scale = node.granularity === "channel" ? all : all.slice(0, 1);
  const factor = `${module.floats("scale", scale).name}[${scale.length === 1 ? 0 : "o"}]`;
  // A missing bias is added as 0, as in training: −0 becomes 0.
  const bias = data.bias === undefined ? "0.0f" : `${module.floats("bias", data.bias).name}[o]`;
  return `(float)acc * ${factor} + ${bias}`;
}

/** What becomes of the sum `acc` of channel `o`. */
function endOf(source: CSource<PlanQuantized>): string {
  const { node, input, data, module, sums } = source;
  if (sums) return "acc";
  if (data.thresholds === undefined) return floatOfSum(source);
  return codeOfSum(module, data.thresholds, sumsOf(data.codes as Int8Array, node.out, input.top));
}

/** A layer's own end, or that of a residual block behind it. */
export interface CEnd {
  /** The expression of what becomes of the sum `acc` of channel `o`. */
  readonly value: string;
  /** Pointers that go along with the outputs. */
  readonly moving: readonly string[];
}

/** Lowers a quantized layer as a convolution. */
export function quantizedStep(
  source: CSource<PlanQuantized>,
  shape: CWindow,
  end: CEnd = { value: endOf(source), moving: ["y"] },
): CStep {
  const { node, input, data, module } = source;
  const codes = data.codes as Int8Array;
  const patch = codes.length / node.out;
  const filters = node.out / shape.groups;
  const first = shape.groups === 1 ? "0" : `group * ${filters}`;
  const last = shape.groups === 1 ? filters : `(group + 1) * ${filters}`;
  const each = (acc: string[]): string[] => loop("o", last, [...acc, `y[o] = ${end.value};`], first);
  let body: string[];
  if (node.bits === 1 && patch >= LEAST_ROW) {
    const words = rowWords(patch);
    const width = PLANE_COUNTS.find((count) => count >= bitsOfTop(input.top)) ?? 8;
    module.planeWords = Math.max(module.planeWords, words * width);
    const weight = wordRows(module, codes, node.out);
    const row = `${weight} + o * ${words}`;
    body = [
      "#if @@POPCOUNT",
      `const int32_t total = ${module.use(`planes${width}`)}(patch, ${patch}, @planes);`,
      "#endif",
      ...each([
        "#if @@POPCOUNT",
        `const int32_t acc = 2 * ${module.use(`bits${width}`)}(@planes, ${row}, ${words}) - total;`,
        "#else",
        `const int32_t acc = ${module.use("dot_words")}(patch, ${row}, ${patch});`,
        "#endif",
      ]),
    ];
  } else {
    const stream = streamOf(module, codes, node.bits);
    body = each([
      `const int32_t acc = ${module.use(byWidth("dot", stream))}(patch, ${stream.name}, o * ${patch}, ${patch});`,
    ]);
  }
  const made = overWindows(module, shape, "uint8_t", node.out, body, end.moving);
  return { body: made.body, ...(made.patch > 0 && { patch: { type: "uint8_t", count: made.patch } as const }) };
}
