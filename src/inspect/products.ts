/** @file Multiply-accumulates of the ops that a network applied, each told to the module that applied it. */
import type { Variable } from "../autograd/graph.js";
import type { MacSummary } from "../codes/macs.js";
import { conv2d } from "../ops/conv.js";
import { convTranspose2d } from "../ops/conv-transpose.js";
import { conv1d } from "../ops/conv1d.js";
import { linear, matmul } from "../ops/linalg.js";
import type { AnyOp } from "../ops/op.js";
import { quantConv1dOp, quantConv2dOp, quantLinearOp } from "../quant/ops/index.js";
import { QuantParameter } from "../quant/quant-parameter.js";
import { bitsOf, type Call } from "./calls.js";

type Length = (inputs: readonly Variable[], result: Variable) => number;

/** Multiplications behind one number of the result. */
const LENGTHS: ReadonlyMap<AnyOp, Length> = new Map<AnyOp, Length>([
  // Filters are [O, C/groups, Kh, Kw], matrices [out, in]: what one output sums is what lies behind the first axis.
  ...[conv2d, conv1d, linear, quantConv2dOp, quantConv1dOp, quantLinearOp].map(
    (op) => [op as AnyOp, ([, weight]: readonly Variable[]) => weight.data.size / weight.shape[0]] as const,
  ),
  // Filters are [C, O/groups, Kh, Kw]: each pixel of the input goes into O/groups·Kh·Kw sums.
  [
    convTranspose2d as AnyOp,
    ([x, weight], result) => (x.data.size * (weight.data.size / weight.shape[0])) / result.data.size,
  ],
  [matmul as AnyOp, ([a]) => a.shape[a.shape.length - 1]],
]);

/** Ops that multiply by codes of their weights. */
const QUANTIZED: ReadonlySet<AnyOp> = new Set<AnyOp>([quantConv2dOp, quantConv1dOp, quantLinearOp]);

/** Products of one call of a module, without those of the modules inside it. */
export type CallProducts = ReadonlyMap<Call, readonly MacSummary[]>;

/** The products of all calls. @param ended calls, inner ones before those around them */
export function productsOf(ended: readonly Call[]): CallProducts {
  const claimed = new Set<Variable>();
  const products = new Map<Call, MacSummary[]>();
  for (const call of ended) {
    const own: MacSummary[] = [];
    const pending: Variable[] = [call.output];
    const seen = new Set<Variable>(call.inputs);
    for (let result = pending.pop(); result !== undefined; result = pending.pop()) {
      if (seen.has(result) || claimed.has(result) || result.node === null) continue;
      seen.add(result);
      claimed.add(result);
      const { op, inputs } = result.node;
      const length = LENGTHS.get(op)?.(inputs, result);
      if (length !== undefined && Number.isFinite(length)) {
        const [x, weight] = inputs;
        const quantized = weight instanceof QuantParameter && QUANTIZED.has(op);
        own.push({
          weightBits: quantized ? weight.projection.bits : bitsOf(weight),
          activationBits: bitsOf(x),
          macs: Math.round(result.data.size * length),
        });
      }
      pending.push(...inputs);
    }
    products.set(call, own);
  }
  return products;
}
