/** @file Lowering of ops that stay in f32, and of those that move codes without changing them. */
import type { Variable } from "../autograd/graph.js";
import { sameShape, shapeText, sizeOf } from "../core/shape.js";
import { paddingBehind, slidingAxes } from "../core/slide.js";
import type { NodeData, NodeOf, PlanWindow } from "../format/index.js";
import { PARAMETERS } from "../format/nodes/rare/activation.js";
import { resolveRange } from "../ndarray/slice.js";
import type { Geometry } from "../ndarray/window.js";
import { activation, prelu } from "../ops/activation.js";
import { clip } from "../ops/compare.js";
import { conv2d, convolution } from "../ops/conv.js";
import { add, div, mul, sub } from "../ops/elementwise.js";
import { linear } from "../ops/linalg.js";
import { concat, pad, permute, reshape, slice } from "../ops/movement.js";
import { batchNormEval, foldBatchNorm } from "../ops/norm.js";
import type { AnyOp } from "../ops/op.js";
import { averageGeometry, avgPool2d, maxPool2d, poolGeometry } from "../ops/pool.js";
import { relu, sigmoid, tanh } from "../ops/unary.js";
import { type Lowering, lowers, type OpRule } from "./lowering.js";

/** A copy of a constant's real values in f32. */
export function constantOf(value: Variable): Float32Array {
  return Float32Array.from(value.value.view());
}

/** The window of a geometry. Padding behind the last window is dropped: nothing reads it. */
export function windowOf(g: Geometry): PlanWindow {
  const [down, across] = slidingAxes(g);
  return {
    kernel: [g.kernelH, g.kernelW],
    stride: [g.strideH, g.strideW],
    padding: [g.padTop, paddingBehind(down, g.outH), g.padLeft, paddingBehind(across, g.outW)],
    dilation: [g.dilationH, g.dilationW],
  };
}

/** Scale and shift of a batch norm in evaluation, folded by the op's own code; null for any other result. */
export function affineOf(result: Variable): { scale: Float32Array; shift: Float32Array } | null {
  const node = result.node;
  if (node?.op !== batchNormEval) return null;
  const [, gamma, beta, mean, variance] = node.inputs.map((input) => input.value);
  const { scale, shift, invStd } = foldBatchNorm(gamma, beta, mean, variance, (node.attrs as { eps: number }).eps);
  const folded = { scale: Float32Array.from(scale.view()), shift: Float32Array.from(shift.view()) };
  for (const array of [scale, shift, invStd]) array.dispose();
  return folded;
}

/** Rules of ops that stay in f32 or only move values. */
export const FLOAT_RULES: readonly OpRule[] = [
  lowers(conv2d, (result, [x, weight, bias], lowering, attrs) => {
    const { geometry, groups } = convolution("pack", x.shape, weight.shape, attrs);
    const id = lowering.names.take(lowering.names.pathOf([weight]) ?? "conv");
    const data: NodeData = { weight: constantOf(weight), ...(bias && { bias: constantOf(bias) }) };
    const out = weight.shape[0];
    const fields = { out, bias: bias !== undefined, ...windowOf(geometry), ...(groups > 1 && { groups }) };
    lowering.emit(result, { op: "floatConv", id, input: lowering.realId(x), ...fields }, data);
  }),
  lowers(linear, (result, [x, weight, bias], lowering) => {
    checkRows(result, x, lowering);
    const id = lowering.names.take(lowering.names.pathOf([weight]) ?? "linear");
    const data: NodeData = { weight: constantOf(weight), ...(bias && { bias: constantOf(bias) }) };
    const fields = { out: weight.shape[0], bias: bias !== undefined };
    lowering.emit(result, { op: "floatLinear", id, input: lowering.realId(x), ...fields }, data);
  }),
  lowers(batchNormEval, (result, [x, gamma], lowering) => {
    const id = lowering.names.take(lowering.names.pathOf([gamma]) ?? "batchNorm");
    lowering.emit(result, { op: "affine", id, input: lowering.realId(x) }, affineOf(result) ?? undefined);
  }),
  lowers(relu, (result, [x], lowering) => {
    lowering.emit(result, { op: "relu", id: lowering.names.number("relu"), input: lowering.realId(x) });
  }),
  lowers(sigmoid, (result, [x], lowering) => emitActivation(result, x, lowering, { fn: "sigmoid" })),
  lowers(tanh, (result, [x], lowering) => emitActivation(result, x, lowering, { fn: "tanh" })),
  lowers(activation, (result, [x], lowering, { fn, alpha, beta }) => {
    const parameters = [alpha, beta].slice(0, PARAMETERS[fn][0]).map(Math.fround);
    const named = {
      ...(parameters.length > 0 && { alpha: parameters[0] }),
      ...(parameters.length > 1 && { beta: parameters[1] }),
    };
    emitActivation(result, x, lowering, { fn, ...named });
  }),
  lowers(prelu, (result, [x, slope], lowering) => {
    if (!lowering.depends(x) || lowering.depends(slope)) lowering.refuse(result, "slopes", "a parameter");
    const given = constantOf(slope);
    const channels = result.shape[result.shape.length - 1];
    const value = given.length === channels ? given : new Float32Array(channels).fill(given[0]);
    const id = lowering.names.take(lowering.names.pathOf([slope]) ?? "prelu");
    lowering.emit(result, { op: "activation", id, input: lowering.realId(x), fn: "prelu" }, { value });
  }),
  lowers(clip, (result, [x], lowering, { lo, hi }) => {
    // Bounds that are no f32 numbers are rounded by the kernel; infinite ones do not bound.
    const [alpha, beta] = [lo, hi].map((bound) =>
      Number.isFinite(Math.fround(bound)) ? Math.fround(bound) : undefined,
    );
    const bounds = { ...(alpha !== undefined && { alpha }), ...(beta !== undefined && { beta }) };
    emitActivation(result, x, lowering, { fn: "clip", ...bounds });
  }),
  lowers(maxPool2d, (result, [x], lowering, attrs) => {
    const window = windowOf(poolGeometry("pack", x.shape, attrs));
    const id = lowering.names.number("maxPool");
    lowering.emit(result, { op: "maxPool", id, input: lowering.id(x), ...window });
  }),
  lowers(avgPool2d, (result, [x], lowering, attrs) => {
    const { geometry, includePad } = averageGeometry("pack", x.shape, attrs);
    const id = lowering.names.number("avgPool");
    lowering.emit(result, { op: "avgPool", id, input: lowering.id(x), includePad, ...windowOf(geometry) });
  }),
  lowers(reshape, (result, [x], lowering) => {
    if (sameShape(result.shape, x.shape)) return lowering.alias(result, x);
    if (channelsOutermost(result, x, lowering)) return;
    const [n, ...own] = result.shape;
    const ranks = lowering.sequences ? [1, 2, 3] : [1, 3];
    if (!ranks.includes(own.length) || n !== x.shape[0]) {
      const flat = shapeText([x.shape[0], sizeOf(x.shape.slice(1))]);
      lowering.refuse(result, "reshape", `${flat}, a flattening, or images of it`);
    }
    const shape = own.length === 2 ? [1, ...own] : own;
    // Sequences are images of one row already.
    if (lowering.sequences && x.shape.length === 3 && sameShape(shape, [1, ...x.shape.slice(1)])) {
      return lowering.alias(result, x);
    }
    if (lowering.sequences && own.length === 2 && sameShape(shape, x.shape.slice(1))) return lowering.alias(result, x);
    const node = { op: "flatten", id: lowering.names.number("flatten"), input: lowering.id(x) } as const;
    lowering.emit(result, own.length === 1 ? node : { ...node, shape });
  }),
  lowers(pad, (result, [x], lowering, attrs) => {
    const { value } = attrs;
    const sequence = lowering.sequences && x.shape.length === 3;
    const [batch, ...along] = attrs.pads;
    const pads = sequence ? [batch, [0, 0] as const, ...along] : attrs.pads;
    if (pads.length !== 4 || pads[0][0] + pads[0][1] > 0 || value !== 0) {
      lowering.refuse(result, "padding", "zeros around images and their channels");
    }
    const [, rows, columns, channels] = pads;
    const padding = [...rows, ...columns] as unknown as PlanWindow["padding"];
    const spatial = padding.some((n) => n > 0);
    const deep = channels[0] + channels[1] > 0;
    if (!spatial && !deep) return lowering.alias(result, x);
    let input = lowering.id(x);
    if (spatial) {
      const node = { op: "pad", id: lowering.names.number("pad"), input, padding } as const;
      if (!deep) return lowering.emit(result, node);
      lowering.emitInner(node);
      input = node.id;
    }
    lowering.emit(result, { op: "padChannels", id: lowering.names.number("padChannels"), input, channels });
  }),
  lowers(concat, (result, inputs, lowering, attrs) => {
    const rank = result.shape.length;
    const { axis } = attrs;
    if (![rank - 1, -1].includes(axis) || !inputs.every((input) => lowering.depends(input))) {
      lowering.refuse(result, "concatenation", "channels (the last axis) of values that depend on the input");
    }
    const ids = inputs.map((input) => (result.data.coded ? lowering.id(input) : lowering.realId(input)));
    lowering.emit(result, { op: "concat", id: lowering.names.number("concat"), inputs: ids });
  }),
  lowers(slice, (result, [x], lowering, attrs) => {
    const { ranges } = attrs;
    const resolved = x.shape.map((extent, i) => resolveRange("pack", ranges[i] ?? null, extent));
    const [batch, ...axes] = resolved;
    if (batch.count !== x.shape[0] || batch.step !== 1 || axes.some(({ step, count }) => step < 1 || count < 1)) {
      lowering.refuse(result, "slice", "all images, and forward ranges of rows, columns and channels");
    }
    const row = lowering.sequences && x.shape.length === 3 ? [{ start: 0, step: 1, count: 1 }] : [];
    const ranged = [...row, ...axes];
    lowering.emit(result, {
      op: "slice",
      id: lowering.names.number("slice"),
      input: lowering.id(x),
      start: ranged.map(({ start }) => start),
      step: ranged.map(({ step }) => step),
      count: ranged.map(({ count }) => count),
    });
  }),
  combine(add, "add"),
  combine(sub, "sub"),
  combine(mul, "mul"),
  combine(div, "div"),
];

/**
 * Rows [N, pixels·channels] that are seen as [N, pixels, channels], transposed and flattened again, as networks of other
 * tools end: a slice for each channel, joined. @returns false if it is something else
 */
function channelsOutermost(result: Variable, x: Variable, lowering: Lowering): boolean {
  const [batch, pixels, channels] = result.shape;
  if (result.shape.length !== 3 || x.shape.length !== 2 || batch !== x.shape[0]) return false;
  const turned = lowering.onlyReader(result);
  const last = turned && lowering.onlyReader(turned);
  if (turned?.node?.op !== permute || last?.node?.op !== reshape) return false;
  if (`${turned.shape}` !== `${[batch, channels, pixels]}` || !sameShape(last.shape, x.shape)) return false;
  // Where both extents are equal the shape does not tell whether anything was transposed.
  if (`${(turned.node.attrs as { axes: readonly number[] }).axes.map((axis) => (axis + 3) % 3)}` !== "0,2,1")
    return false;
  const id = lowering.names.number("channelsOutermost");
  const inputs = Array.from({ length: channels }, (_, c) => {
    const part = lowering.names.take(`${id}_${c}`);
    const range = { start: [c], step: [channels], count: [pixels] };
    lowering.emitInner({ op: "slice", id: part, input: lowering.id(x), ...range });
    return part;
  });
  lowering.emit(last, { op: "concat", id, inputs }, undefined, [result, turned]);
  return true;
}

/** Adds the node of an element-wise function, named after it. */
function emitActivation(
  result: Variable,
  x: Variable,
  lowering: Lowering,
  fields: Omit<NodeOf<"activation">, "op" | "id" | "input">,
): void {
  lowering.emit(result, {
    op: "activation",
    id: lowering.names.number(fields.fn),
    input: lowering.realId(x),
    ...fields,
  });
}

/** Two values that depend on the input are added or multiplied; a constant is one number for all or one per channel. */
function combine(op: AnyOp, fn: "add" | "sub" | "mul" | "div"): OpRule {
  return lowers(op, (result, [a, b], lowering) => {
    if (lowering.depends(a) && lowering.depends(b)) {
      const sum = fn === "add" && sameShape(a.shape, b.shape);
      if (!sum && (fn !== "mul" || a.shape.length !== b.shape.length)) {
        const expected = "a sum of two values of one shape, or a product of two";
        lowering.refuse(result, "two values that depend on the input", expected);
      }
      const inputs = [lowering.realId(a), lowering.realId(b)] as const;
      if (fn === "mul") return lowering.emit(result, { op: "multiply", id: lowering.names.number("mul"), inputs });
      return lowering.emit(result, { op: "add", id: lowering.names.number("add"), inputs });
    }
    const [x, constant] = lowering.depends(a) ? [a, b] : [b, a];
    const channels = x.shape[x.shape.length - 1];
    const perChannel = constant.shape.length <= x.shape.length && (constant.shape.at(-1) ?? 1) === constant.data.size;
    const swapped = x === b && (fn === "sub" || fn === "div");
    if (swapped || !perChannel || ![1, channels].includes(constant.data.size) || !sameShape(result.shape, x.shape)) {
      lowering.refuse(result, `constant ${shapeText(constant.shape)}`, "one number, or one per channel, on the right");
    }
    const values = constantOf(constant);
    const value = values.length === channels ? values : new Float32Array(channels).fill(values[0]);
    const id = lowering.names.take(lowering.names.pathOf([constant]) ?? fn);
    lowering.emit(result, { op: "channel", id, input: lowering.realId(x), fn }, { value });
  });
}

/** Refuses anything but [N, features]. */
export function checkRows(result: Variable, x: Variable, lowering: Lowering): void {
  if (x.shape.length !== 2) {
    lowering.refuse(result, `input ${shapeText(x.shape)}`, "[N, features]", "flatten it first");
  }
}
