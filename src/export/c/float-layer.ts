/** @file Layers in float, in C: the order of sums is that of the runtime's kernels, so that the bits are the same. */
import { floatWeights, type PlanFloatLayer } from "../../format/nodes/float-layer.js";
import { tapsOf } from "../../format/window.js";
import { SUM_BLOCK, SUM_LEAST_ROWS } from "../../kernels/reduce/sizes.js";
import type { CSource, CStep } from "./lowering.js";
import { loop } from "./lowering.js";
import { byWidth, streamOf } from "./weights.js";
import { type CWindow, overWindows } from "./windows.js";

/** Lowers a float layer as a convolution. */
export function floatStep({ node, data, module }: CSource<PlanFloatLayer>, shape: CWindow): CStep {
  const { groups, image, window } = shape;
  const { out } = node;
  const taps = tapsOf(window);
  const patch = (taps * image[2]) / groups;
  // One input channel a group: all channels at once, tap by tap, summed in f64 by blocks of rows.
  const wide = groups > 1 && image[2] === groups;
  const block = Math.max(SUM_LEAST_ROWS, Math.floor(SUM_BLOCK / image[2]));
  let call: string;
  if (data.codes === undefined) {
    const { name } = module.floats("weight", floatWeights(data, out, taps));
    call = `${module.use(wide ? "wide_float" : "sum_float")}(patch, ${name}, o * ${patch}, ${patch}`;
  } else {
    const stream = streamOf(module, data.codes, node.bits as number);
    const helper = module.use(wide ? byWidth("wide_code", stream) : byWidth("sum_code", stream));
    call = `${helper}(patch, ${stream.name}, o * ${patch}, ${patch}`;
  }
  const bias = data.bias === undefined ? "" : ` + ${module.floats("bias", data.bias).name}[o]`;
  const filters = out / groups;
  const body = loop(
    "o",
    groups === 1 ? filters : `(group + 1) * ${filters}`,
    [`y[o] = ${call}${wide ? `, ${block}` : ""})${bias};`],
    groups === 1 ? 0 : `group * ${filters}`,
  );
  const made = overWindows(module, shape, "float", out, body);
  return { body: made.body, ...(made.patch > 0 && { patch: { type: "float", count: made.patch } as const }) };
}
