/**
 * @file Lowering of quantized layers: product, scale, bias, batch norm and staircase become one node with integer
 * thresholds.
 */
import type { Node, Variable } from "../autograd/graph.js";
import { BYTE_TOP, staircaseTop } from "../codes/levels.js";
import { channelsLast } from "../codes/rows.js";
import { scalesOf } from "../codes/scales.js";
import { type Sums, sumsOf } from "../codes/sums.js";
import type { Thresholds } from "../codes/thresholds.js";
import type { NodeData, PlanActivation, PlanNode, PlanQuantized, PlanWindow } from "../format/index.js";
import { convolution } from "../ops/conv.js";
import { batchNormEval } from "../ops/norm.js";
import { quantConv2dOp, quantLinearOp, type StaircaseAttrs, staircaseOp } from "../quant/ops/index.js";
import type { QuantizedWeight } from "../quant/quant-parameter.js";
import { type ChannelMap, checkExact, foldThresholds } from "./fold.js";
import { affineOf, checkRows, constantOf, windowOf } from "./lower-float.js";
import { type Lowering, lowers, type OpRule } from "./lowering.js";

/** The window of a convolution, and its groups. */
type LoweredWindow = PlanWindow & { readonly groups: number };

/** Rows of weight codes as the runtime wants them: [O][kh][kw][i], from [O,I,Kh,Kw] or [out,in]. */
function rowsOfCodes({ codes }: QuantizedWeight): Int8Array {
  const [out, , kh = 1, kw = 1] = codes.shape;
  return channelsLast(codes.view() as Int8Array, out, kh * kw);
}

/** The staircase that a result is, or null. */
function activationOf(result: Variable | undefined): PlanActivation | null {
  if (result?.node?.op !== staircaseOp || result.data.step === null) return null;
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
    if (activation !== null) top = Math.max(top, staircaseTop(activation.bits));
    else if (source.node === null) return BYTE_TOP;
    for (const input of activation === null ? (source.node?.inputs ?? []) : []) {
      if (!seen.has(input)) pending.push(input);
      seen.add(input);
    }
  }
  return top;
}

/**
 * What follows a quantized product and folds into it: batch norm and staircase if nothing else reads the values
 * between.
 */
function followers(product: Variable, lowering: Lowering): { norm?: Variable; staircase?: Variable } {
  if (!lowering.fold) return {};
  const next = lowering.onlyReader(product);
  if (activationOf(next) !== null && next?.node?.inputs[0] === product) return { staircase: next };
  if (next?.node?.op !== batchNormEval || next.node.inputs[0] !== product) return {};
  const last = lowering.onlyReader(next);
  if (activationOf(last) === null || last?.node?.inputs[0] !== next) return {};
  return { norm: next, staircase: last };
}

/**
 * Lowers a quantized product, with all that folds into it.
 * @param conv the convolution that it is; null for a linear layer
 */
export function lowerProduct(
  result: Variable,
  [x, ...rest]: readonly Variable[],
  lowering: Lowering,
  weight: QuantizedWeight,
  conv: LoweredWindow | null,
): void {
  const [, bias] = rest;
  const id = lowering.names.take(lowering.names.pathOf(rest) ?? (result.node as Node).op.name);
  if (x.data.step === null) {
    lowerOnReals(result, id, lowering, weight, conv);
    return;
  }
  const out = weight.codes.shape[0];
  const codes = rowsOfCodes(weight);
  const sums = sumsOf(codes, out, topOf(x));
  checkExact(id, sums);
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
  const thresholds = activation === null ? undefined : thresholdsOf(id, result, norm, activation, sums);
  const data: NodeData = {
    codes,
    delta: Float32Array.from(weight.delta),
    ...(thresholds && { thresholds }),
    ...(bias && activation === null && { bias: constantOf(bias) }),
  };
  const node: PlanNode = conv === null ? { op: "linear", ...layer } : { op: "conv", ...layer, ...conv };
  if (staircase === undefined) lowering.emit(result, node, data);
  else lowering.emit(staircase, node, data, norm === undefined ? [result] : [result, norm]);
}

function thresholdsOf(
  id: string,
  product: Variable,
  norm: Variable | undefined,
  { bits, step: alpha, rounding }: PlanActivation,
  sums: Sums,
): Thresholds {
  const { inputs, attrs } = product.node as Node;
  const { delta, codes } = (attrs as { weight: QuantizedWeight }).weight;
  const scales = scalesOf(delta, inputs[0].data.step as number, codes.shape[0]);
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
  return foldThresholds(id, maps, sums, { alpha, top: staircaseTop(bits), rounding });
}

/**
 * A quantized layer on real values, where no integers can be had (a first layer behind a normalization): training
 * multiplies by the codes as f32 and scales afterwards, and so does the plan, in two float nodes.
 */
function lowerOnReals(
  result: Variable,
  id: string,
  lowering: Lowering,
  weight: QuantizedWeight,
  conv: LoweredWindow | null,
): void {
  const { inputs } = result.node as Node;
  const [x, , bias] = inputs;
  const { codes } = weight;
  const data: NodeData = { codes: rowsOfCodes(weight) };
  const fields = { id, input: lowering.realId(x), out: codes.shape[0], bias: false, bits: weight.bits };
  if (conv === null) lowering.emitInner({ op: "floatLinear", ...fields }, data);
  else {
    const { groups, ...window } = conv;
    lowering.emitInner({ op: "floatConv", ...fields, ...window, ...(groups > 1 && { groups }) }, data);
  }
  const shift = bias === undefined ? new Float32Array(codes.shape[0]) : constantOf(bias);
  const scaled = lowering.names.take(`${id}_scale`);
  lowering.emit(
    result,
    { op: "affine", id: scaled, input: id },
    { scale: scalesOf(weight.delta, 1, codes.shape[0]), shift },
  );
}

/** Rules of quantized layers, and of staircases that stand by themselves, on f32 values. */
export const QUANTIZED_RULES: readonly OpRule[] = [
  lowers(quantConv2dOp, (result, inputs, lowering, { weight, ...options }) => {
    const { geometry, groups } = convolution("pack", inputs[0].shape, weight.codes.shape, options);
    lowerProduct(result, inputs, lowering, weight, { groups, ...windowOf(geometry) });
  }),
  lowers(quantLinearOp, (result, inputs, lowering, { weight }) => {
    checkRows(result, inputs[0], lowering);
    lowerProduct(result, inputs, lowering, weight, null);
  }),
  lowers(staircaseOp, (result, [x, ...rest], lowering) => {
    const activation = activationOf(result) as PlanActivation;
    const id = lowering.names.take(lowering.names.pathOf(rest) ?? "staircase");
    lowering.emit(result, { op: "staircase", id, input: lowering.realId(x), activation });
  }),
];
