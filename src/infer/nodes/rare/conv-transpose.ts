/**
 * @file `convTranspose`: a convolution of the pixels among zeros with the weights turned, as training's evaluation has
 * it.
 */
import { inside } from "../../../core/stretch.js";
import type { PlanFloatConv } from "../../../format/nodes/float-conv.js";
import { type PlanConvTranspose, stretchedExtents } from "../../../format/nodes/rare/conv-transpose.js";
import type { ValueType } from "../../../format/value.js";
import type { Step, StepMaker } from "../../step.js";

export const convTranspose: StepMaker<PlanConvTranspose> = (source) => {
  const { node, input, output, data, heap } = source;
  const { kernel, stride, padding, dilation, groups = 1, out, bias, id } = node;
  const [h, w, channels] = input.shape;
  const [tall, wide] = stretchedExtents(node, output.shape);
  const rows = inside(dilation[0] * (kernel[0] - 1) - padding[0], stride[0], h, tall);
  const columns = inside(dilation[1] * (kernel[1] - 1) - padding[2], stride[1], w, wide);
  const image: ValueType = { ...input, shape: [tall, wide, channels] };
  const conv: PlanFloatConv = {
    ...{ op: "floatConv", id, input: node.input, out, bias, kernel, dilation, groups },
    ...{ stride: [1, 1], padding: [0, 0, 0, 0] },
  };
  const weight = turned(data.weight as Float32Array, channels, node);
  const product = source.floatConv({
    ...{ ...source, node: conv, inputs: [image], input: image },
    data: { ...data, weight },
  }) as Step;
  const size = tall * wide * channels;
  return {
    scratch: (batch) => [4 * batch * size, ...product.scratch(batch)],
    run(batch, [x], y, [among, ...workspaces]) {
      const from = heap().f32(x, batch * h * w * channels);
      const to = heap()
        .f32(among, batch * size)
        .fill(0);
      for (let n = 0; n < batch; n++) {
        for (let r = 0; r < rows.count; r++) {
          for (let c = 0; c < columns.count; c++) {
            const at = ((n * h + rows.start + r) * w + columns.start + c) * channels;
            const place = (n * tall + rows.at + r * stride[0]) * wide + columns.at + c * stride[1];
            to.set(from.subarray(at, at + channels), place * channels);
          }
        }
      }
      product.run(batch, [among], y, workspaces);
    },
  };
};

/** [C, O/groups, Kh, Kw] as [O, C/groups, Kh, Kw], taps from the last to the first. */
function turned(weight: Float32Array, channels: number, { out, groups = 1, kernel }: PlanConvTranspose): Float32Array {
  const taps = kernel[0] * kernel[1];
  const [each, filters] = [channels / groups, out / groups];
  return Float32Array.from(weight, (_, i) => {
    const [o, c, tap] = [Math.floor(i / (taps * each)), Math.floor(i / taps) % each, i % taps];
    const channel = Math.floor(o / filters) * each + c;
    return weight[(channel * filters + (o % filters)) * taps + (taps - 1 - tap)];
  });
}
