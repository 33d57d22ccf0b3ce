/** @file Multiply-accumulates of the ops that a network applied, each told to the module that applied it. */
import type { Variable } from "../autograd/graph.js";
import type { MacSummary } from "../codes/macs.js";
import { conv2d } from "../ops/conv.js";
import { linear, matmul } from "../ops/linalg.js";
import type { AnyOp } from "../ops/op.js";
import { quantConv2dOp, quantLinearOp } from "../quant/ops/index.js";
import { QuantParameter } from "../quant/quant-parameter.js";
import { bitsOf, type Call } from "./calls.js";

/** Multiplications behind one number of the result. */
const LENGTHS: ReadonlyMap<AnyOp, (inputs: readonly Variable[]) => number> = new Map<
  AnyOp,
  (inputs: readonly Variable[]) => number
>([
  // Filters are [O, C/groups, Kh, Kw], matrices [out, in]: what one output sums is what lies behind the first axis.
  ...[conv2d, linear, quantConv2dOp, quantLinearOp].map(
    (op) => [op as AnyOp, ([, weight]: readonly Variable[]) => weight.data.size / weight.shape[0]] as const,
  ),
  [matmul as AnyOp, ([a]) => a.shape[a.shape.length - 1]],
]);

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
      const length = LENGTHS.get(op)?.(inputs);
      if (length !== undefined && Number.isFinite(length)) {
        const [x, weight] = inputs;
        const quantized = weight instanceof QuantParameter && op !== conv2d && op !== linear && op !== matmul;
        own.push({
          weightBits: quantized ? weight.projection.bits : bitsOf(weight),
          activationBits: bitsOf(x),
          macs: result.data.size * length,
        });
      }
      pending.push(...inputs);
    }
    products.set(call, own);
  }
  return products;
}
