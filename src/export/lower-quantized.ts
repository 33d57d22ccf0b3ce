/** @file Lowering of quantized layers: product, scale, bias, batch norm and staircase become one node with integer thresholds. */
import type { Variable } from "../autograd/graph.js";
import { QuantError } from "../core/errors.js";
import type { NodeData, PlanActivation, PlanNode, PlanQuantized, Thresholds } from "../format/index.js";
import { type ConvolutionOptions, convolution } from "../ops/conv.js";
import type { StaircaseAttrs } from "../quant/ops/staircase.js";
import { EXACT_LIMIT } from "../quant/products.js";
import type { QuantizedWeight } from "../quant/quant-parameter.js";
import { type ChannelMap, foldThresholds, type Range, reachable } from "./fold.js";
import { affineOf, checkRows, constantOf, windowOf } from "./lower-float.js";
import type { Lowering } from "./lowering.js";

/** Rows of weight codes as the runtime wants them: [O][kh][kw][i], from [O,I,Kh,Kw] or [out,in]. */
function rowsOfCodes({ codes }: QuantizedWeight): Int8Array {
  const source = codes.view() as Int8Array;
  if (codes.shape.length === 2) return source.slice();
  const [O, I, kh, kw] = codes.shape;
  const taps = kh * kw;
  const out = new Int8Array(source.length);
  for (let o = 0; o < O; o++) {
    for (let i = 0; i < I; i++) {
      for (let t = 0; t < taps; t++) out[(o * taps + t) * I + i] = source[(o * I + i) * taps + t];
    }
  }
  return out;
}

/** The staircase that a result is, or null. */
function activationOf(result: Variable | undefined): PlanActivation | null {
  if (result?.node?.op.name !== "staircase" || result.data.step === null) return null;
  const { bits, rounding } = result.node.attrs as StaircaseAttrs;
  return { bits, step: result.data.step, rounding };
}

/** Largest code that a coded value can hold: 255 for the network's input, else that of the staircases it comes from. */
function topOf(value: Variable): number {
  let top = 0;
  const pending = [value];
  const seen = new Set(pending);
  for (let source = pending.pop(); source !== undefined; source = pending.pop()) {
    const activation = activationOf(source);
    if (activation !== null) top = Math.max(top, 2 ** activation.bits - 1);
    else if (source.node === null) return 255;
    for (const input of activation === null ? (source.node?.inputs ?? []) : []) {
      if (!seen.has(input)) pending.push(input);
      seen.add(input);
    }
  }
  return top;
}

/** Refuses sums that training's f32 product does not hold exactly. */
function checkExact(layer: string, ranges: readonly Range[]): void {
  const largest = ranges.reduce((most, { lo, hi }) => Math.max(most, -lo, hi), 0);
  if (largest <= EXACT_LIMIT) return;
  throw new QuantError({
    op: "pack",
    what: `${layer}: sums of codes that f32 does not hold exactly`,
    expected: "at most 2^24",
    got: `${largest}`,
    hint: "use fewer bits for weights or activations",
  });
}

/** What follows a quantized product and folds into it: batch norm and staircase if nothing else reads the values between. */
function followers(product: Variable, lowering: Lowering): { norm?: Variable; staircase?: Variable } {
  if (!lowering.fold) return {};
  const next = lowering.onlyReader(product);
  if (activationOf(next) !== null && next?.node?.inputs[0] === product) return { staircase: next };
  if (next?.node?.op.name !== "batchNormEval" || next.node.inputs[0] !== product) return {};
  const last = lowering.onlyReader(next);
  if (activationOf(last) === null || last?.node?.inputs[0] !== next) return {};
  return { norm: next, staircase: last };
}

/** f32(δ·step) for each output channel. */
function scalesOf({ delta, codes }: QuantizedWeight, step: number): Float32Array {
  return Float32Array.from({ length: codes.shape[0] }, (_, c) => delta[delta.length === 1 ? 0 : c] * step);
}

/** Lowers `quantConv2d` and `quantLinear`, with all that folds into them. */
export function lowerQuantized(result: Variable, lowering: Lowering): boolean {
  const { op, inputs, attrs } = result.node as NonNullable<Variable["node"]>;
  if (op.name !== "quantConv2d" && op.name !== "quantLinear") return false;
  const [x, , bias] = inputs;
  const { weight } = attrs as { weight: QuantizedWeight };
  if (op.name === "quantLinear") checkRows(result, x, lowering);
  const id = lowering.names.take(lowering.names.pathOf(inputs.slice(1)) ?? op.name);
  if (x.data.step === null) {
    lowerOnReals(result, id, lowering);
    return true;
  }
  const out = weight.codes.shape[0];
  const codes = rowsOfCodes(weight);
  const ranges = reachable(codes, out, topOf(x));
  checkExact(id, ranges);
  const { norm, staircase } = followers(result, lowering);
  const activation = activationOf(staircase);
  const layer: PlanQuantized = {
    id,
    input: lowering.id(x),
    out,
    bits: weight.bits,
    granularity: weight.delta.length === 1 ? "layer" : "channel",
    ...(activation === null ? { bias: bias !== undefined } : { activation }),
  };
  const thresholds = activation === null ? undefined : thresholdsOf(id, result, norm, activation, ranges);
  const data: NodeData = {
    codes,
    delta: Float32Array.from(weight.delta),
    ...(thresholds && { thresholds }),
    ...(bias && activation === null && { bias: constantOf(bias) }),
  };
  let node: PlanNode = { op: "linear", ...layer };
  if (op.name === "quantConv2d") {
    const { geometry, groups } = convolution("pack", x.shape, weight.codes.shape, attrs as ConvolutionOptions);
    node = { op: "conv", ...layer, groups, ...windowOf(geometry) };
  }
  if (staircase === undefined) lowering.emit(result, node, data);
  else lowering.emit(staircase, node, data, norm === undefined ? [result] : [result, norm]);
  return true;
}

function thresholdsOf(
  id: string,
  product: Variable,
  norm: Variable | undefined,
  { bits, step: alpha, rounding }: PlanActivation,
  ranges: readonly Range[],
): Thresholds {
  const { inputs, attrs } = product.node as NonNullable<Variable["node"]>;
  const scales = scalesOf((attrs as { weight: QuantizedWeight }).weight, inputs[0].data.step as number);
  const affine = norm === undefined ? null : affineOf(norm);
  const bias = inputs.length < 3 ? null : constantOf(inputs[2]);
  const maps = Array.from(
    scales,
    (scale, c): ChannelMap => ({
      scale,
      ...(bias && { bias: bias[c] }),
      ...(affine && { affine: { scale: affine.scale[c], shift: affine.shift[c] } }),
    }),
  );
  return foldThresholds(id, maps, ranges, { alpha, top: 2 ** bits - 1, rounding });
}

/**
 * A quantized layer on real values, where no integers can be had (a first layer behind a normalization): training multiplies by the codes as f32
 * and scales afterwards, and so does the plan, in two float nodes.
 */
function lowerOnReals(result: Variable, id: string, lowering: Lowering): void {
  const { inputs, attrs } = result.node as NonNullable<Variable["node"]>;
  const [x, , bias] = inputs;
  const { weight, ...options } = attrs as ConvolutionOptions & { weight: QuantizedWeight };
  const { codes } = weight;
  const data: NodeData = { codes: rowsOfCodes(weight) };
  const fields = { id, input: lowering.realId(x), out: codes.shape[0], bias: false, bits: weight.bits };
  if (codes.shape.length === 2) lowering.emitInner({ op: "floatLinear", ...fields }, data);
  else {
    const { geometry, groups } = convolution("pack", x.shape, codes.shape, options);
    lowering.emitInner({ op: "floatConv", ...fields, ...windowOf(geometry), ...(groups > 1 && { groups }) }, data);
  }
  const shift = bias === undefined ? new Float32Array(codes.shape[0]) : constantOf(bias);
  const scaled = lowering.names.take(`${id}_scale`);
  lowering.emit(result, { op: "affine", id: scaled, input: id }, { scale: scalesOf(weight, 1), shift });
}

/** Lowers a staircase that stands by itself, on f32 values. */
export function lowerStaircase(result: Variable, lowering: Lowering): boolean {
  const activation = activationOf(result);
  if (activation === null) return false;
  const [x, ...rest] = (result.node as NonNullable<Variable["node"]>).inputs;
  const id = lowering.names.take(lowering.names.pathOf(rest) ?? "staircase");
  lowering.emit(result, { op: "staircase", id, input: lowering.realId(x), activation });
  return true;
}
