/** @file The registry: every built-in op by name. Tests and exporters walk it; nothing else should import it. */
import * as activation from "./activation.js";
import * as compare from "./compare.js";
import * as conv from "./conv.js";
import * as convTranspose from "./conv-transpose.js";
import * as conv1d from "./conv1d.js";
import * as distillation from "./distillation.js";
import * as dropout from "./dropout.js";
import * as elementwise from "./elementwise.js";
import * as featureAffinity from "./feature-affinity.js";
import * as indexing from "./indexing.js";
import * as layerNorm from "./layer-norm.js";
import * as linalg from "./linalg.js";
import * as loss from "./loss.js";
import * as movement from "./movement.js";
import * as norm from "./norm.js";
import * as normActivation from "./norm-activation.js";
import type { AnyOp } from "./op.js";
import * as pointwiseLoss from "./pointwise-loss.js";
import * as pool from "./pool.js";
import * as pool1d from "./pool1d.js";
import * as reduce from "./reduce.js";
import * as softLoss from "./soft-loss.js";
import * as softmax from "./softmax.js";
import * as unary from "./unary.js";
import * as upsample from "./upsample.js";

/** The ops among the exports of a file; helpers stand beside them. */
type OpsOf<Exports> = { readonly [K in keyof Exports as Exports[K] extends AnyOp ? K : never]: Exports[K] };

export function opsOf<Exports extends object>(file: Exports): OpsOf<Exports> {
  const isOp = (value: unknown): boolean => typeof value === "object" && value !== null && "forward" in value;
  return Object.fromEntries(Object.entries(file).filter(([, value]) => isOp(value))) as OpsOf<Exports>;
}

/** Every built-in op: whatever a file of a family exports as one. */
export const registry = {
  ...opsOf(elementwise),
  ...opsOf(compare),
  ...opsOf(unary),
  ...opsOf(activation),
  ...opsOf(reduce),
  ...opsOf(movement),
  ...opsOf(indexing),
  ...opsOf(linalg),
  ...opsOf(conv),
  ...opsOf(conv1d),
  ...opsOf(convTranspose),
  ...opsOf(pool),
  ...opsOf(pool1d),
  ...opsOf(upsample),
  ...opsOf(norm),
  ...opsOf(layerNorm),
  ...opsOf(normActivation),
  ...opsOf(dropout),
  ...opsOf(softmax),
  ...opsOf(loss),
  ...opsOf(pointwiseLoss),
  ...opsOf(softLoss),
  ...opsOf(distillation),
  ...opsOf(featureAffinity),
};

/** A built-in op's name. */
export type OpName = keyof typeof registry;

export type { AnyOp, InputInfo, Needs, OpDef, OpResult } from "./op.js";
