/** @file What wraps an optimizer: everything is the wrapped one's, but for what a wrapper adds to a step. */
import { refuse } from "../core/checks.js";
import { DISPOSE } from "../core/dispose.js";
import type { Parameter } from "../nn/parameter.js";
import type { OptimizerLike, OptimizerState } from "./types.js";

/** An optimizer around another one. */
export abstract class OptimizerWrapper implements OptimizerLike {
  /** The optimizer that takes the steps. */
  readonly base: OptimizerLike;

  constructor(base: OptimizerLike) {
    this.base = base;
  }

  get lr(): number {
    return this.base.lr;
  }
  set lr(value: number) {
    this.base.lr = value;
  }
  get lrFactor(): number {
    return this.base.lrFactor;
  }
  set lrFactor(value: number) {
    this.base.lrFactor = value;
  }
  /** All parameters that are stepped. */
  parameters(): Parameter[] {
    return this.base.parameters();
  }
  /** Forgets all gradients. */
  zeroGrad(): void {
    this.base.zeroGrad();
  }
  abstract step(): void;
  abstract stateDict(): OptimizerState;
  abstract loadStateDict(state: OptimizerState): void;

  /** Frees the state; the parameters stay. */
  dispose(): void {
    this.base.dispose();
  }
  [DISPOSE](): void {
    this.dispose();
  }
}

const METHODS = ["parameters", "zeroGrad", "step", "stateDict", "loadStateDict", "dispose"];

/** @throws ArgumentError if a value is no optimizer */
export function checkOptimizer(op: string, option: string, optimizer: unknown, expected: string): OptimizerLike {
  const has = (name: string): boolean => typeof (optimizer as Record<string, unknown>)[name] === "function";
  if (typeof optimizer !== "object" || optimizer === null || !METHODS.every(has)) {
    refuse(op, option, expected, optimizer);
  }
  return optimizer as OptimizerLike;
}
