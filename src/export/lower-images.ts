/** @file Lowering of what changes the extents of images, and of layer norm. */
import { sizeOf } from "../core/shape.js";
import type { NodeData } from "../format/index.js";
import { convTranspose2d, transposed } from "../ops/conv-transpose.js";
import { layerNorm } from "../ops/layer-norm.js";
import { resampling, upsample } from "../ops/upsample.js";
import { constantOf } from "./lower-float.js";
import { lowers, type OpRule } from "./lowering.js";

/** Rules of kinds that are loaded late. */
export const IMAGE_RULES: readonly OpRule[] = [
  lowers(upsample, (result, [x], lowering, options) => {
    const { mode, coordinates, size, scale } = resampling("pack", x.shape, options);
    const [h, w] = scale;
    const input = mode === "linear" ? lowering.realId(x) : lowering.id(x);
    const scales = { ...(h !== null && { scaleH: h }), ...(w !== null && { scaleW: w }) };
    const id = lowering.names.number("resize");
    lowering.emit(result, { op: "resize", id, input, size, mode, coordinates, ...scales });
  }),
  lowers(convTranspose2d, (result, [x, weight, bias], lowering, options) => {
    if (options.algorithm === "fast") {
      const hint = "leave `algorithm` out";
      lowering.refuse(result, "algorithm fast", "direct, whose sums the packed runtime forms", hint);
    }
    const { geometry: g, groups } = transposed("pack", x.shape, weight.shape, options);
    const id = lowering.names.take(lowering.names.pathOf([weight]) ?? "convTranspose");
    const data: NodeData = { weight: constantOf(weight), ...(bias && { bias: constantOf(bias) }) };
    const full = (n: number, stride: number, dilation: number, kernel: number): number =>
      (n - 1) * stride + dilation * (kernel - 1) + 1;
    // What is cut off at the end, or more than there is: training's padding and output padding in one.
    const bottom = full(g.outH, g.strideH, g.dilationH, g.kernelH) - g.padTop - g.inH;
    const right = full(g.outW, g.strideW, g.dilationW, g.kernelW) - g.padLeft - g.inW;
    lowering.emit(
      result,
      {
        ...{ op: "convTranspose", id, input: lowering.realId(x), out: g.channelStride, bias: bias !== undefined },
        kernel: [g.kernelH, g.kernelW],
        stride: [g.strideH, g.strideW],
        padding: [g.padTop, Math.max(0, bottom), g.padLeft, Math.max(0, right)],
        dilation: [g.dilationH, g.dilationW],
        outputPadding: [Math.max(0, -bottom), Math.max(0, -right)],
        ...(groups > 1 && { groups }),
      },
      data,
    );
  }),
  lowers(layerNorm, (result, [x, gamma, beta], lowering, { axes, eps }) => {
    if (axes >= x.shape.length || sizeOf(x.shape.slice(0, 1)) === 0) {
      lowering.refuse(result, "axes", "axes of one example, not the batch");
    }
    const id = lowering.names.take(lowering.names.pathOf(gamma === undefined ? [] : [gamma]) ?? "layerNorm");
    const [scale, shift] = [gamma !== undefined, beta !== undefined];
    const data: NodeData = { ...(scale && { scale: constantOf(gamma) }), ...(shift && { shift: constantOf(beta) }) };
    const fields = { axes, eps: Math.fround(eps), scale, shift };
    lowering.emit(result, { op: "layerNorm", id, input: lowering.realId(x), ...fields }, data);
  }),
];
